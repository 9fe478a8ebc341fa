"""Seconds: all rounds of a run beside one fit of shapiq's, and the rounds one by one (claim e)."""

from __future__ import annotations

import argparse

import numpy as np

import ours
import runs
from cache import Cache
from games import Case
from plan import SPARSE
from results import setting, table, write_section

WHOLE = ((*((game, n, 1000) for game, n in SPARSE), ("attention-like", 128, 1000)), (("and/or", 1000, 2000),))
AIMS = ("1/4", "1/15")
SIZES = (32, 128, 512, 1000)
ROUND_GAMES = ("attention-like", "and/or")


def times(args: argparse.Namespace, cache: Cache) -> None:
    lines = [
        setting("python benchmarks/engine.py times", "shapiq"),
        "Processor seconds, since others used the machine at the same time: they do not count waiting, though a busy",
        "neighbour slows both. The game's own time is left out. *Engine* is a whole run: all rounds and the last fit.",
        "",
    ]
    rows = []
    for cells, aim in zip(WHOLE, AIMS, strict=True):
        for game, n, m in cells:
            pairs = []
            for seed in args.seeds:
                case = Case(game, n, seed)
                theirs = runs.peer(cache, "ProxySPEX", case, m, compute=True, timed=True)
                if theirs and "cpu" in theirs:
                    [mine] = ours.measure(cache, case, [m], refine=args.refine, tag=", timed")
                    pairs.append((mine["cpu"], theirs["cpu"], mine["r2"], theirs["r2"]))
            if pairs:
                mine, theirs, own, other = np.median(pairs, axis=0)
                rows.append([
                    game, n, m, len(pairs), f"{mine:.2f}", f"{theirs:.1f}", f"1/{theirs / mine:.1f}", aim,
                    float(own), float(other),
                ])  # fmt: skip
    lines += table(
        (
            "game",
            "n",
            "ablations",
            "seeds",
            "engine, all fits",
            "ProxySPEX, one fit",
            "ratio",
            "aim",
            "R², engine",
            "R², peer",
        ),
        rows,
    )
    lines += ["", "Rounds at most 1,000 ablations large, one by one; the aim is a median of at most .5 s.", ""]
    rows = []
    for n in SIZES:
        seconds = np.array([
            [round[1], round[2]]
            for game in ROUND_GAMES
            for seed in args.seeds[:2]
            for record in ours.measure(cache, Case(game, n, seed), [1000], refine=args.refine, tag=", timed")
            for round in record["rounds"]
        ])  # fmt: skip
        median, last = np.median(seconds[:, 1]), np.quantile(seconds[:, 1], 0.95)
        rows.append([n, len(seconds), f"{median:.2f}", f"{last:.2f}", f"{np.median(seconds[:, 0]):.2f}"])
    lines += table(("n", "rounds", "processor s, median", "95th percentile", "wall s, median"), rows)
    write_section("Seconds", lines, args.out)
