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
from plan import BUDGETS, FLAT, SPARSE
from results import setting, table, write_section
from spex_widget.algorithms.algorithm import Estimate
from spex_widget.algorithms.evidence import HONEST
from spex_widget.session.verify import CONFIDENCE, MOST_PLAYERS, draw_contexts, measure
from spex_widget.snapshot import bii
from spex_widget.snapshot.snapshot import trusted_intervals
from spex_widget.spectrum import INDICES, SparseSpectrum, interactions

# Games whose every index is known exactly: sparse spectra, and one dense game of few players.
EXACT = (*SPARSE, FLAT, ("attention-like", 16))
ABLATIONS = (300, 512, 1000)  # 300 is twelve beyond a mark: the last round is short
WEAK = (1.0, 2.0, 4.0)  # standard deviations of the noise, as shares of the values'
REPORTED = 20  # the largest interactions of any order, as a ranking shows them
MAX_ORDER = 3  # of the indices that need one
WHOLE = ("Fourier", "Moebius")
TOP = 10
SHOWN = "BII"  # the index that the widget shows: of it settled flags speak
RANKED = (SHOWN, "Fourier")
# On a dense function BII of high orders is (−2)^|S| times many small coefficients: its largest sets are most of the
# players at once. So both are told: the ten largest of any order, and the ten largest of so few players.
FEW_PLAYERS = 4
LIMITS = (None, FEW_PLAYERS)
VERDICTS = ("confirmed", "contradicted", "undecided")
CONTEXTS = 16  # of a verification, as the widget's button has it


def check(playing: Playing, estimate: Estimate) -> dict[str, Any]:
    """What is told of the largest interactions against what is true, for every index."""
    truth = playing.spectrum
    assert truth is not None
    coverage = {}
    for index in INDICES:
        order = None if index in WHOLE else MAX_ORDER
        told, true = interactions(estimate.spectrum, index, order), interactions(truth, index, order)
        rows = _largest(told, 1)[:REPORTED]
        interval = estimate.intervals(told.members[rows], index, order)
        if interval is not None:
            low, high = interval
            values = true.at(told.members[rows])
            slack = 1e-9 * np.abs(true.coefficients).max()  # rounding, where an interval is a point
            inside = (low - slack <= values) & (values <= high + slack)
            coverage[index] = [int(inside.sum()), len(rows), float(np.mean(high - low))]
    return {
        "coverage": coverage,
        "settled": _settled(estimate, truth),
        "verdicts": _verdicts(playing, estimate),
        "recall": _recall(estimate, truth),
    }


def check_weak(playing: Playing, estimate: Estimate) -> dict[str, Any]:
    """What a screen tells of the largest interactions where noise drowns them: nothing, or intervals."""
    truth = playing.spectrum
    assert truth is not None
    weak = {}
    for index in HONEST:
        for least in (1, 2):
            told, true = interactions(estimate.spectrum, index), interactions(truth, index)
            rows = _largest(told, least)[:TOP]
            shown = trusted_intervals(estimate, told.members[rows], index)
            if shown is not None and len(rows):
                low, high = shown
                values = true.at(told.members[rows])
                sure = (low > 0) | (high < 0)
                wrong = sure & (np.sign(low) != np.sign(values))
                inside = (low <= values) & (values <= high)
                weak[f"{index}, order ≥ {least}"] = [int(x) for x in (inside.sum(), len(rows), sure.sum(), wrong.sum())]
    return {"weak": weak}


def _largest(spectrum: SparseSpectrum, order: int) -> np.ndarray:
    """Rows of sets of at least that order, the largest first."""
    rows = np.flatnonzero(spectrum.orders >= order)
    return rows[np.argsort(-np.abs(spectrum.coefficients[rows]), kind="stable")]


def _threshold(true: SparseSpectrum, order: int) -> float:
    """The size of the tenth largest; ties are all in the top ten."""
    rows = _largest(true, order)[:TOP]
    return float(np.abs(true.coefficients[rows[-1]]) * (1 - 1e-9)) if len(rows) else np.inf


def _settled(estimate: Estimate, truth: SparseSpectrum) -> list[int]:
    """How many are called settled, and of these how many are in the true top ten with the right sign, by limit."""
    settled = estimate.settled(TOP, index=SHOWN)
    told, true = interactions(estimate.spectrum, SHOWN), interactions(truth, SHOWN)
    counts = [len(settled)]
    for limit in LIMITS:
        threshold = _threshold(true.truncate(limit or truth.n), 1)
        counts.append(sum(abs(true[s]) >= threshold and np.sign(true[s]) == np.sign(told[s]) for s in settled))
    return [int(count) for count in counts]


def _verdicts(playing: Playing, estimate: Estimate) -> list[int]:
    """What verification says of the settled interactions, as many as each of `VERDICTS`."""
    rng = np.random.default_rng(playing.case.seed)
    sets = [players for players in estimate.settled(TOP, index=SHOWN) if len(players) <= MOST_PLAYERS]
    said = []
    for players in sets:
        contexts = draw_contexts(playing.n, players, CONTEXTS, int(rng.integers(1 << 63)))
        found = measure(playing, estimate.spectrum, players, contexts, (1 - CONFIDENCE) / len(sets))
        said.append(found.verdict(bii(estimate.spectrum, players)))
    return [said.count(verdict) for verdict in VERDICTS]


def _recall(estimate: Estimate, truth: SparseSpectrum) -> list[float]:
    """The share of the true top ten of order ≥ 2 among the engine's, by index and limit; of equals, any will do."""
    shares = []
    for index in RANKED:
        for limit in LIMITS:
            told, true = (interactions(s, index).truncate(limit or s.n) for s in (estimate.spectrum, truth))
            rows = _largest(told, 2)[:TOP]
            hits = int((np.abs(true.at(told.members[rows])) >= _threshold(true, 2)).sum())
            shares.append(hits / min(TOP, len(_largest(true, 2))))
    return shares


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
                for record in ours.measure(cache, case, ABLATIONS, refine=args.refine, tag=", checked", visit=check):
                    for index, counts in record["coverage"].items():
                        pooled[index, record["m"]].append(counts)
                        by_game[index, name].append(counts)
                    here[record["m"]].append(record)
            for m, records in here.items():
                settled.append((name, m, *np.sum([r["settled"] + r["verdicts"] for r in records], axis=0).tolist()))
                if not noise:
                    found = np.array([r["recall"] for r in records])
                    recall.append((name, m, len(found), *found.mean(axis=0).tolist(), float(found[:, 0].min())))
    total = ("all", None, *np.sum([row[2:] for row in settled], axis=0).tolist())
    lines = [
        setting("python benchmarks/engine.py intervals" + (f" --refine {args.refine}" if args.refine else "")),
        f"{seeds(args)}, with noise and without. *Reported* are the {REPORTED} largest of a",
        f"run, of any order, spurious ones too; FBII, FSII, SII, k-SII and STII up to order {MAX_ORDER}.",
        "",
        "### Coverage of the 95 % intervals",
        "",
        *_coverage(pooled, by_game),
        "",
        *_weak(args, cache),
        "",
        "### Settled",
        "",
        f"*Right*: among the true ten largest ({SHOWN}), with its sign; the aim is 95 %. Then what verifying says of",
        f"them, on {CONTEXTS} contexts each of the same function: without noise none is to be contradicted.",
        "",
        *table(
            ("game", "ablations", "settled", "right", f"right among orders ≤ {FEW_PLAYERS}", *VERDICTS),
            [
                (game, m, flagged, _share(right, flagged), _share(few, flagged), *said)
                for game, m, flagged, right, few, *said in (*settled, total)
            ],
        ),
        "",
        "### Recall of the ten largest of order ≥ 2",
        "",
        "Noiseless games; of equals, any will do; the aim is .9 on the sparse ones at 1,000 ablations.",
        "",
        *table(
            (
                *("game", "ablations", "seeds"),
                *(index + (f", orders ≤ {limit}" if limit else "") for index in RANKED for limit in LIMITS),
                f"{SHOWN}, worst seed",
            ),
            recall,
        ),
    ]
    write_section("What is certain" + (f", {args.refine}" if args.refine else ""), lines, args.out)


def _weak(args: argparse.Namespace, cache: Cache) -> list[str]:
    """What is told where the noise is larger than the signal."""
    rows = []
    for noise in WEAK:
        found: dict[str, list[list[int]]] = defaultdict(list)
        runs = 0
        for game, n in (*SPARSE, FLAT):
            for seed in args.seeds:
                case = Case(game, n, seed, noise)
                for record in ours.measure(cache, case, ABLATIONS, refine=args.refine, tag=", weak", visit=check_weak):
                    runs += 1
                    for kind, counts in record["weak"].items():
                        found[kind].append(counts)
        for kind, counted in found.items():
            inside, total, sure, wrong = (int(count) for count in np.sum(counted, axis=0))
            rows.append((kind, f"{noise:g}", f"{len(counted)} of {runs}", total, inside / total, sure, wrong))
    return [
        "### Weak signals",
        "",
        f"The {TOP} largest under gaussian noise of so many times the signal's standard deviation, in the runs whose",
        "intervals are shown: none is while the lower end of R² is not above 0. *Sure*: the interval leaves out 0;",
        "*wrong*: the true effect is 0 or has the other sign.",
        "",
        *table(("index", "noise", "shown", "reported", "coverage", "sure", "wrong"), rows),
    ]


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
        "The aim is .90 to .98 pooled, and .85 on every game (the last column takes all budgets together).",
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
