"""Which cells are measured, the most important first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from games import NOISE, Case

DEVELOPMENT = range(4)
REPORT = range(100, 110)
STAGES = (REPORT[:2], REPORT[2:3], REPORT[3:5])

# Where published figures are for dense games: the claim "a quarter of the ablations" is made here.
DENSE = (
    ("attention-like", 32),
    ("attention-like", 128),
    ("attention-like", 512),
    ("demo", 36),
    ("demo", 56),
    ("transformer", 32),
    ("transformer", 64),
)
SPARSE = (("and/or", 128), ("hierarchical parities", 128), ("mlp", 128))
FLAT = ("flat parities", 128)
BUDGETS = (64, 128, 256, 512, 1000, 2000)
LADDER = (64, 96, 128, 192, 256, 384, 512, 768, 1000, 1500, 2000)


def peer_cells(stage: int) -> Iterator[tuple[str, Case, int]]:
    """(peer, case, m) for the peers' run in the background; each stage adds seeds."""
    small = [(game, n) for game, n in DENSE if n <= 128]
    sparse = (*SPARSE, FLAT)
    seeds = STAGES[stage]
    for noise in (0.0, NOISE):
        yield from _grid(small, seeds, noise, (2000,))
    yield from _grid(small, seeds, 0.0, (1000, 512, 256, 128))
    yield from _grid(sparse, seeds, 0.0, (1000, 2000))
    yield from _grid(sparse, seeds, 0.0, (1000, 2000), "SPEX")
    if stage == 0:
        # Once, for its time.
        yield "ProxySPEX", Case("and/or", 1000, seeds[0]), 2000
    yield from _grid([("attention-like", 512)], seeds[:1], 0.0, (2000, 1000))
    yield from _grid(small, seeds, NOISE, (1000, 512, 256, 128))
    yield from _grid(small, seeds, 0.0, (2000, 1000), "SPEX")
    yield from _grid(sparse, seeds, NOISE, (1000, 2000))
    yield from _grid(sparse, seeds, 0.0, (512, 256, 128))
    if stage == 0:
        yield from _grid((*small, *sparse), DEVELOPMENT[:2], 0.0, (1000, 2000))
    yield from _grid([("attention-like", 512)], seeds[:1], NOISE, (2000,))


def _grid(
    games: Iterable[tuple[str, int]],
    seeds: Iterable[int],
    noise: float,
    budgets: Iterable[int],
    peer: str = "ProxySPEX",
) -> Iterator[tuple[str, Case, int]]:
    for m in budgets:
        for seed in seeds:
            for game, n in games:
                yield peer, Case(game, n, seed, noise), m
