"""Writes shapiq_reference.json: the indices of a few games as shapiq computes them.

shapiq is no dependency, so this runs in an environment of its own, `python tests/unit/shapiq_reference.py` with
shapiq and numpy installed. shapiq has two routes, written down both: its converter from Möbius coefficients, and its
sums over all coalitions ("exact"), which alone have BII.
"""

import json
from importlib.metadata import version
from itertools import combinations
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".json")
INDICES = {"SV", "BV", "SII", "BII", "k-SII", "STII", "FSII", "FBII"}
ORDERS = (1, 2, 3, 4)


def games():
    """Names to the values of all coalitions, that of x at position Σ_i x_i 2^i."""
    rng = np.random.default_rng(0)
    x = (np.arange(64)[:, None] >> np.arange(6)) & 1
    few = 1 + 2 * x[:, [0, 1, 2, 3, 4]].prod(1) - x[:, [1, 5]].prod(1) + 0.5 * x[:, [0, 2, 5]].prod(1) - 3 * x[:, 3]
    return {"all sets": rng.normal(size=32).round(3).tolist(), "few sets": few.tolist()}


def main():
    import shapiq

    written = {"shapiq": version("shapiq"), "numpy": version("numpy"), "games": games(), "found": []}
    for name, values in written["games"].items():
        n = len(values).bit_length() - 1
        exact = shapiq.ExactComputer(lambda x, values=values: np.array(values)[x @ (1 << np.arange(len(x[0])))], n)
        moebius = shapiq.InteractionValues(
            {s: moebius_of(values, s) for k in range(n + 1) for s in combinations(range(n), k)},
            index="Moebius", max_order=n, min_order=0, n_players=n, baseline_value=values[0],
        )  # fmt: skip
        converter = shapiq.game_theory.MoebiusConverter(moebius)
        for route, compute, indices in (("exact", exact, INDICES), ("converter", converter, INDICES - {"BII"})):
            for index in sorted(indices):
                for order in (1,) if index in ("SV", "BV") else ORDERS:
                    found = compute(index, order).dict_values.items()
                    sets = {" ".join(map(str, s)): round(v, 9) for s, v in found if abs(v) > 1e-9}
                    said = {"game": name, "route": route, "index": index, "order": order, "sets": sets}
                    written["found"].append(said)
    FILE.write_text(json.dumps(written).replace('{"game"', '\n{"game"') + "\n", encoding="utf-8")


def moebius_of(values, s):
    parts = [part for k in range(len(s) + 1) for part in combinations(s, k)]
    return float(sum((-1) ** (len(s) - len(part)) * values[sum(1 << i for i in part)] for part in parts))


if __name__ == "__main__":
    main()
