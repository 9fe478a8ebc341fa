"""Which cells are measured, the most important first."""

from __future__ import annotations

from collections.abc import Iterator

from games import NOISE, Case

DEVELOPMENT = range(4)
REPORT = range(100, 110)

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


def peer_cells(games: tuple[str, ...] | None = None) -> Iterator[tuple[str, Case, int]]:
    """(peer, case, m) for the peers' run in the background."""
    for name, case, m in _all():
        if games is None or case.game in games:
            yield name, case, m


def _all() -> Iterator[tuple[str, Case, int]]:
    everything = (*DENSE, *SPARSE, FLAT)
    for m in (2000, 1000):
        for seed in DEVELOPMENT[:2]:
            for game, n in everything:
                if n <= 128:
                    yield "ProxySPEX", Case(game, n, seed), m
    for seeds in (REPORT[:2], REPORT[2:5]):
        for m in (2000, 1000, 512, 256, 128):
            for noise in (0.0, NOISE):
                for seed in seeds:
                    for game, n in everything:
                        if n <= 128:
                            yield "ProxySPEX", Case(game, n, seed, noise), m
        for m in (1000, 2000):
            for seed in seeds:
                for game, n in everything:
                    if n <= 128:
                        yield "SPEX", Case(game, n, seed), m
        # One fit of the largest size, for its time.
        yield "ProxySPEX", Case("and/or", 1000, seeds[0]), 2000
        for noise in (0.0, NOISE):
            for seed in seeds[:2]:
                for m in (2000, 1000):
                    yield "ProxySPEX", Case("attention-like", 512, seed, noise), m
