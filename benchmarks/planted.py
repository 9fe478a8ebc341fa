"""Whether the demo model's planted sets are found, and how soon.

    python benchmarks/planted.py

rewrites its section of benchmarks/RESULTS.md.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
from pathlib import Path

import numpy as np

import spex_widget as spex
from results import RESULTS, setting, write_section


def demo_table(count: int = 40) -> list[str]:
    model, tokenizer = spex.demo.load()
    found = {"short": [], "passages": []}
    for kind, words, seed in (("short", (6, 14), 501), ("passages", (24, 40), 502)):
        for sentence in spex.demo.sentences(count, seed, words=words):
            game = spex.TextGame(model, tokenizer, sentence.text, target="POSITIVE")
            began = time.perf_counter()
            first = []
            session = spex.Session(game, budget=None if kind == "passages" else 1 << min(game.n, 14))
            session.subscribe(lambda s, b=began, f=first: f.append(time.perf_counter() - b) if s.estimate else None)
            session.wait()
            seconds = time.perf_counter() - began
            top = [set(row["members"]) for row in session.result.ranking() if row["order"] > 1][:3]
            planted = [set(p.members) for p in sentence.planted]
            found[kind].append((any(p in top for p in planted), first[0], seconds, session.ablations))
    lines = [
        "The planted set among the top 3 of order ≥ 2 (FBII), on sentences that were not trained on; *short* ones",
        "exactly, by all 2^n coalitions, *passages* of 24 to 40 words by the default budget.",
        "",
        "| sentences | found | ablations, median | first ranking, median | end, median |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind, rows in found.items():
        hits, first, seconds, ablations = zip(*rows, strict=True)
        lines.append(
            f"| {kind} | {sum(hits)}/{len(hits)} | {np.median(ablations):.0f} | {np.median(first):.2f} s | "
            f"{np.median(seconds):.2f} s |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS)
    out = parser.parse_args().out
    lines = [setting("python benchmarks/planted.py", "transformers"), "", *demo_table()]
    write_section("Planted sets", lines, out)


if __name__ == "__main__":
    main()
