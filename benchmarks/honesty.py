"""Whether what is said about certainty is true: intervals, R² on screen, settled flags, recall (claims f, g and h)."""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import Any

import numpy as np

import ours
from cache import Cache
from faithfulness import cases, label
from games import NOISE, Case, Playing
from plan import BUDGETS, SPARSE
from results import setting, table, write_section
from spex_widget.algorithms.algorithm import Estimate
from spex_widget.spectrum import INDICES, SparseSpectrum, interactions

# Games whose every index is known exactly: sparse spectra, and one dense game of few players.
EXACT = (*SPARSE, ("flat parities", 128), ("attention-like", 16))
ABLATIONS = (512, 1000)
REPORTED = 20  # the largest interactions of any order, as a ranking shows them
MAX_ORDER = 3  # of the indices that need one
WHOLE = ("Fourier", "Moebius")
TOP = 10
SHOWN = "BII"  # the index that the widget shows: of it settled flags speak
RANKED = (SHOWN, "Fourier")


def check(playing: Playing, estimate: Estimate) -> dict[str, Any]:
    """What is told of the largest interactions against what is true, for every index."""
    truth = playing.spectrum
    assert truth is not None
    coverage = {}
    for index in INDICES:
        order = None if index in WHOLE else MAX_ORDER
        told, true = interactions(estimate.spectrum, index, order), interactions(truth, index, order)
        rows = _largest(told, 1)[:REPORTED]
        interval = getattr(estimate, "intervals", lambda *_: None)(told.members[rows], index, order)
        if interval is not None:
            low, high = interval
            values = true.at(told.members[rows])
            slack = 1e-9 * np.abs(true.coefficients).max()  # rounding, where an interval is a point
            inside = (low - slack <= values) & (values <= high + slack)
            coverage[index] = [int(inside.sum()), len(rows), float(np.mean(high - low))]
    right, flagged = _settled(estimate, truth)
    return {
        "coverage": coverage,
        "settled": [right, flagged],
        "recall": {i: _recall(estimate, truth, i) for i in RANKED},
    }


def _largest(spectrum: SparseSpectrum, order: int) -> np.ndarray:
    """Rows of sets of at least that order, the largest first."""
    rows = np.flatnonzero(spectrum.orders >= order)
    return rows[np.argsort(-np.abs(spectrum.coefficients[rows]), kind="stable")]


def _threshold(true: SparseSpectrum, order: int) -> float:
    """The size of the tenth largest; ties are all in the top ten."""
    rows = _largest(true, order)[:TOP]
    return float(np.abs(true.coefficients[rows[-1]]) * (1 - 1e-9)) if len(rows) else np.inf


def _settled(estimate: Estimate, truth: SparseSpectrum, index: str = SHOWN) -> tuple[int, int]:
    """How many settled interactions are in the true top ten with the right sign, and how many are called settled."""
    settled = estimate.settled(TOP)
    told, true = interactions(estimate.spectrum, index), interactions(truth, index)
    threshold = _threshold(true, 1)
    right = sum(abs(true[s]) >= threshold and np.sign(true[s]) == np.sign(told[s]) for s in settled)
    return int(right), len(settled)


def _recall(estimate: Estimate, truth: SparseSpectrum, index: str) -> float:
    """The share of the true top ten of order ≥ 2 among the engine's; of equals, any will do."""
    told, true = interactions(estimate.spectrum, index), interactions(truth, index)
    threshold, rows = _threshold(true, 2), _largest(told, 2)[:TOP]
    hits = int((np.abs(true.at(told.members[rows])) >= threshold).sum())
    return hits / min(TOP, len(_largest(true, 2)))


def intervals(args: argparse.Namespace, cache: Cache) -> None:
    pooled: dict[tuple[str, int], list[list[float]]] = defaultdict(list)
    by_game: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    settled, recall = [], []
    for game, n in EXACT:
        for noise in (0.0, NOISE):
            name = label((game, n, noise))
            here: dict[int, list[Any]] = defaultdict(list)
            for seed in args.seeds:
                case = Case(game, n, seed, noise)
                for record in ours.measure(cache, case, ABLATIONS, refine=args.refine, tag=", intervals", visit=check):
                    for index, counts in record["coverage"].items():
                        pooled[index, record["m"]].append(counts)
                        by_game[index, name].append(counts)
                    here[record["m"]].append(record)
            for m, records in here.items():
                right, flagged = np.sum([r["settled"] for r in records], axis=0)
                settled.append((name, m, int(right), int(flagged)))
                if not noise:
                    found = np.array([[r["recall"][index] for index in RANKED] for r in records])
                    recall.append((name, m, len(found), *found.mean(axis=0).tolist(), *found.min(axis=0).tolist()))
    lines = [
        setting("python benchmarks/engine.py intervals" + (f" --refine {args.refine}" if args.refine else "")),
        f"{seeds(args)}, with noise and without. *Reported* are the {REPORTED} largest of a",
        f"run, of any order, spurious ones too; FBII, FSII, SII, k-SII and STII up to order {MAX_ORDER}.",
        "",
        "### Coverage of the 95 % intervals",
        "",
        *_coverage(pooled, by_game),
        "",
        "### Settled",
        "",
        f"*Right*: among the true ten largest ({SHOWN}), with its sign; the aim is 95 %.",
        "",
        *table(("game", "ablations", "settled", "right"), [(g, m, f, _share(r, f)) for g, m, r, f in settled]),
        "",
        f"All: {_share(sum(s[2] for s in settled), sum(s[3] for s in settled))} of {sum(s[3] for s in settled)}.",
        "",
        "### Recall of the ten largest of order ≥ 2",
        "",
        "Noiseless games; of equals, any will do; the aim is .9 on the sparse ones at 1,000 ablations.",
        "",
        *table(("game", "ablations", "seeds", *RANKED, *(f"{index}, worst seed" for index in RANKED)), recall),
    ]
    write_section("What is certain" + (f", {args.refine}" if args.refine else ""), lines, args.out)


def _coverage(pooled: Any, by_game: Any) -> list[str]:
    if not pooled:
        return ["This engine shows no intervals."]
    rows = []
    for index in INDICES:
        games = {}
        for (other, game), counts in by_game.items():
            if other == index:
                inside, total, _ = np.sum(counts, axis=0)
                games[game] = inside / max(total, 1)
        for m in ABLATIONS:
            counts = pooled.get((index, m))
            if counts:
                inside, total, _ = np.sum(counts, axis=0)
                worst = min(games, key=games.__getitem__)
                rows.append((index, m, int(total), float(inside / total), f"{games[worst]:.3f} ({worst})"))
        if not games:
            rows.append((index, None, 0, None, "no interval is shown"))
    return [
        "The aim is .90 to .98 pooled, and .85 on every game (the last column takes both budgets together).",
        "",
        *table(("index", "ablations", "reported", "coverage", "worst game"), rows),
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def seeds(args: argparse.Namespace) -> str:
    return f"Seeds {min(args.seeds)} to {max(args.seeds)}"


def screen(args: argparse.Namespace, cache: Cache) -> None:
    """R² on screen against R² on fresh coalitions of the same game, noise and all."""
    by_budget: dict[int, list[tuple[bool, float]]] = defaultdict(list)
    by_game: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for case in cases(args.seeds):
        for record in ours.measure(cache, case, BUDGETS, refine=args.refine):
            if record["screen"] is not None and record["m"] >= 128:
                value, low, high = record["screen"]
                seen = (low <= record["seen"] <= high, abs(value - record["seen"]))
                by_budget[record["m"]].append(seen)
                by_game[label((case.game, case.n, case.noise))].append(seen)
    columns = ("runs", "covered", "miss, mean", "miss, 95th percentile", "within .05")
    lines = [
        setting("python benchmarks/engine.py screen"),
        f"{seeds(args)}, all games. *Covered*: the 95 % interval on screen at the end holds R²",
        "on 4,000 fresh coalitions (of values with their noise, which is what a screen can speak of). The aim is .9,",
        "and a miss of at most .05 where 500 prequential points or more speak: here, at 2,000 ablations.",
        "",
        *table(("ablations", *columns), [(m, *_summary(seen)) for m, seen in sorted(by_budget.items())]),
        "",
        *table(("game", *columns), [(game, *_summary(seen)) for game, seen in by_game.items()]),
    ]
    write_section("R² on screen", lines, args.out)


def _summary(seen: list[tuple[bool, float]]) -> tuple[Any, ...]:
    covered, miss = (np.array(column, dtype=float) for column in zip(*seen, strict=True))
    return (
        len(seen),
        float(covered.mean()),
        float(miss.mean()),
        float(np.quantile(miss, 0.95)),
        float((miss <= 0.05).mean()),
    )
