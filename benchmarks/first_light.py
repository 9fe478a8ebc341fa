"""What the first release does: faithfulness against ridge, honesty of R², planted sets found, seconds.

    python benchmarks/first_light.py

rewrites its section of benchmarks/RESULTS.md. The fit's settings were chosen on seeds 0 to 2; seeds 10 to 19 are
reported. The window of R² on screen was chosen on seeds 0 to 3, after seeds 10 to 13 had shown a wider one to cover
badly, so these four are not unseen for that column.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeCV

import spex_widget as spex
from games import GAMES
from results import RESULTS, setting, write_section
from spex_widget.algorithms import ProxySPEX

N = 128
NAMES = ("attention-like", "and/or", "hierarchical parities")
BUDGETS = (128, 256, 512, 1000)
SEEDS = range(10, 20)
FRESH = 4000


def r2(values: np.ndarray, predicted: np.ndarray) -> float:
    return float(1 - ((values - predicted) ** 2).mean() / values.var())


def engine_table() -> list[str]:
    lines = [
        f"R² on {FRESH:,} fresh uniform coalitions, n = {N}, mean of {len(SEEDS)} seeds; no noise.",
        "*Covered*: how often the 95 % interval on screen at the end held the true R². *Fits*: all rounds and the last",
        "fit, one thread. What is on screen is prequential and speaks of the surrogates before the last round: where",
        "these still improve, the final one is better than it says, and its interval misses it from below.",
        "",
        "| game | ablations | ridge, first order | ProxySPEX in rounds | on screen | covered | fits |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in NAMES:
        make = GAMES[name]
        for budget in BUDGETS:
            rows = []
            for seed in SEEDS:
                f = make(N, seed)
                fresh = np.random.default_rng(10_000 + seed).random((FRESH, N)) < 0.5
                truth = np.asarray(f(fresh), dtype=float)
                algorithm = ProxySPEX(N, seed=seed)
                coalitions, values = [], []
                while sum(map(len, values)) < budget:
                    batch = algorithm.ask(budget - sum(map(len, values)))
                    coalitions.append(batch.coalitions)
                    values.append(np.asarray(f(batch.coalitions), dtype=float)[:, None])
                    algorithm.tell(batch, values[-1])
                began = time.perf_counter()
                estimate = algorithm.finish()
                seconds = time.perf_counter() - began
                signs = 1.0 - 2 * np.concatenate(coalitions)
                ridge = RidgeCV(np.geomspace(1e-2, 1e4, 20)).fit(signs, np.concatenate(values)[:, 0])
                true = r2(truth, estimate.spectrum(fresh))
                screen = estimate.r2
                covered = screen.low <= true <= screen.high
                rows.append((r2(truth, ridge.predict(1.0 - 2 * fresh)), true, screen.value, covered, seconds))
            mean = np.mean(rows, axis=0)
            lines.append(
                f"| {name} | {budget} | {mean[0]:.3f} | {mean[1]:.3f} | {mean[2]:.3f} | "
                f"{int(np.sum([row[3] for row in rows]))}/{len(rows)} | {mean[4]:.2f} s |"
            )
    return lines


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
    lines = [
        setting("python benchmarks/first_light.py", "transformers"),
        "The fit's settings were chosen on seeds 0 to 2, seeds 10 to 19 are reported. The window of R² on screen was",
        "chosen on seeds 0 to 3, after seeds 10 to 13 had shown a wider one to cover badly: not unseen for *covered*.",
        "",
        "### Rounds",
        "",
        *engine_table(),
        "",
        "### The demo model",
        "",
        *demo_table(),
    ]
    write_section("First light", lines, out)


if __name__ == "__main__":
    main()
