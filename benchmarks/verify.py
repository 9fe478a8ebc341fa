"""How often verification is right: planted functions, with and without noise, whose every BII is known.

``python benchmarks/verify.py`` prints the figures that the docstring of `Session.verify` has, in about five minutes.
"""

from __future__ import annotations

import numpy as np

from spex_widget.algorithms import FIRST, ProxySPEX
from spex_widget.session.verify import CONFIDENCE, MOST_PLAYERS, draw_contexts, measure
from spex_widget.snapshot import Ranked, bii
from spex_widget.spectrum import SparseSpectrum, all_subsets, pad_sets

N, TOP, REPEATS = 24, 10, 5
KINDS = ("parities", "and/or", "heavy-tailed and/or", "dense parities")


def planted(kind: str, rng: np.random.Generator) -> SparseSpectrum:
    """Terms of up to 6 players; a single player's own effect on each of six."""
    terms = 200 if kind == "dense parities" else 15
    spectrum: dict[tuple[int, ...], float] = {}
    for _ in range(terms):
        players = tuple(sorted(rng.choice(N, rng.integers(1, 5 if "parities" in kind else 7), replace=False).tolist()))
        weight = float(rng.standard_t(1.5) if "heavy" in kind else rng.normal())
        if "parities" in kind:
            spectrum[players] = spectrum.get(players, 0.0) + weight
            continue
        alternate = rng.random() < 0.5  # all present, or any
        for row in all_subsets(pad_sets([players], N), N)[0]:
            part = tuple(int(i) for i in row if i < N)
            sign = (-1.0) ** len(part) if alternate else -1.0
            spectrum[part] = spectrum.get(part, 0.0) + sign * weight / 2 ** len(players)
    for player in rng.choice(N, 6, replace=False).tolist():
        spectrum[player,] = spectrum.get((player,), 0.0) + float(rng.normal())
    return SparseSpectrum.from_sets(N, spectrum)


def verdicts(kind: str, ablations: int, seed: int, contexts: int) -> list[tuple[str, str, bool]]:
    """For each of a surrogate's top: whether it is true, spurious or between, the verdict, whether it is covered."""
    rng = np.random.default_rng([KINDS.index(kind), ablations, seed])
    model = planted(kind, rng)
    noise = 0.2 * (seed % 2)

    def values(x: np.ndarray) -> np.ndarray:
        return model(x) + noise * rng.normal(size=len(x))

    algorithm = ProxySPEX(N, seed=seed)
    while (done := algorithm.ask(0).start) < ablations:
        batch = algorithm.ask(ablations - done)
        algorithm.tell(batch, values(batch.coalitions)[:, None])
    surrogate = algorithm.finish(FIRST).spectrum
    ranked = Ranked.of(surrogate, "BII")
    sets = [players for players in ranked.head(ranked.orders > 1, TOP).sets() if len(players) <= MOST_PLAYERS]
    said = []
    for players in sets * REPEATS:
        drawn = draw_contexts(N, players, contexts, int(rng.integers(1 << 63)))
        found = measure(values, surrogate, players, drawn, (1 - CONFIDENCE) / len(sets))
        claimed, real = bii(surrogate, players), bii(model, players)
        share = real / claimed
        kind_of = "true" if share > 1 / 3 else "spurious" if share < 0.1 else "between"
        said.append((kind_of, found.verdict(claimed), found.low - 1e-9 <= real <= found.high + 1e-9))
    return said


def main() -> None:
    for contexts in (16, 32):
        print(f"{contexts} contexts")
        for kind in KINDS:
            report(kind, [v for m in (160, 400, 1000) for seed in range(8) for v in verdicts(kind, m, seed, contexts)])


def report(kind: str, said: list[tuple[str, str, bool]]) -> None:
    print(f"  {kind}: {len(said)} verifications, intervals cover {np.mean([covered for *_, covered in said]):.2%}")
    for truth in ("true", "spurious", "between"):
        found = [verdict for is_so, verdict, _ in said if is_so == truth]
        counts = ", ".join(f"{found.count(v)} {v}" for v in ("confirmed", "contradicted", "undecided"))
        print(f"    {len(found):4d} {truth}: {counts}")


if __name__ == "__main__":
    main()
