"""Ablations for R² ≥ .9 against the number of players, on one family of games (claim c)."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

import ours
import runs
from cache import Cache
from games import Case
from results import save_chart, setting, table, write_section

GAME = "few terms"
SIZES = (16, 32, 64, 128, 256, 512, 1000, 1024)
GOAL = 0.9
STEPS = tuple(round(32 * 2 ** (k / 2)) for k in range(15))  # 32, 45, 64 … 4096
METHODS = ("engine", "ProxySPEX", "SPEX")


class _NotRun(Exception):
    """The cache has no record of the peer, and none is to be computed."""


def first(cache: Cache, method: str, case: Case, begin: int, refine: str | None, compute: bool) -> Any:
    """The first budget with R² ≥ .9: a number, a reason why there is none, or None where it was not run."""
    if method == "engine":
        # Lazily, from the smallest on.
        records = ours.measure(cache, case, STEPS, refine=refine)
        return next((record["m"] for record in records if record["r2"] >= GOAL), f"> {STEPS[-1]}")
    failures: list[str] = []

    def used(step: int) -> int | None:
        """The ablations that reach the goal with this budget; None where it is missed."""
        record = runs.peer(cache, method, case, STEPS[step], compute=compute)
        if record is None:
            raise _NotRun
        if "error" in record:
            failures.append(record["error"])
        return record["used"] if record.get("r2", 0.0) >= GOAL else None

    try:
        at, reached = begin, used(begin)
        # The need of a smaller game is where to begin; from there down as long as less will do, else up until it does.
        while reached and at > 0 and (less := used(at - 1)):
            at, reached = at - 1, less
        while not reached and at + 1 < len(STEPS):
            at += 1
            # What fails with so many players fails with any budget.
            if failures and "budget" not in failures[-1].lower():
                return f"fails ({failures[-1].split(':')[0]})"
            reached = used(at)
    except _NotRun:
        return None
    return reached or f"> {STEPS[-1]}"


def sizes(cache: Cache, method: str, seed: int, refine: str | None, compute: bool) -> Iterator[tuple[int, Any]]:
    """The need of each size; that of the smaller game is where to begin."""
    begin = 4
    for n in SIZES:
        answer = first(cache, method, Case(GAME, n, seed), begin, refine, compute)
        if isinstance(answer, int):
            begin = min(range(len(STEPS)), key=lambda i, a=answer: abs(STEPS[i] - a))
        yield n, answer


def run_peers(cache: Cache, seed: int) -> None:
    """Compute what the cache lacks."""
    for method in ("SPEX", "ProxySPEX"):
        for n, answer in sizes(cache, method, seed, None, True):
            print(f"{method}, {GAME}, n = {n}, seed {seed}: {answer}", flush=True)


def scaling(args: argparse.Namespace, cache: Cache) -> None:
    needs: dict[str, dict[int, list[Any]]] = {method: {} for method in METHODS}
    for method in METHODS:
        for seed in args.seeds[:3]:
            for n, answer in sizes(cache, method, seed, args.refine, False):
                if answer is not None:
                    needs[method].setdefault(n, []).append(answer)
    rows = [[n, *(_spelled(needs[method].get(n)) for method in METHODS)] for n in SIZES]
    lines = [
        setting("python benchmarks/engine.py scaling", "shapiq"),
        "Ten conjunctions and disjunctions of 2 or 3 players, however many players there are; no noise; seeds "
        f"{', '.join(map(str, args.seeds[:3]))}; the first of {', '.join(map(str, STEPS[:3]))}, … {STEPS[-1]:,} "
        f"(each √2 times the last) ablations with R² ≥ {GOAL} on {runs.FRESH:,} fresh coalitions; of "
        "SPEX, the ablations that its design used.",
        "",
        *table(("n", "engine", "ProxySPEX (shapiq)", "SPEX (shapiq)"), rows),
        "",
        "![Ablations for R² ≥ .9](charts/scaling.svg)",
    ]
    chart(needs)
    write_section("Scaling with the number of players", lines, args.out)


def _spelled(needs: list[Any] | None) -> str | None:
    return ", ".join(map(str, needs)) if needs else None


def chart(needs: dict[str, dict[int, list[Any]]]) -> None:
    import altair as alt

    names = {"engine": "engine", "ProxySPEX": "ProxySPEX (shapiq)", "SPEX": "SPEX (shapiq)"}
    rows = [
        {"n": n, "ablations": float(np.median(reached)), "line": names[method]}
        for method, by_size in needs.items()
        for n, answers in by_size.items()
        if len(reached := [a for a in answers if isinstance(a, int)]) == len(answers)
    ]
    sizes = np.geomspace(16, 1024, 60)
    anchor = next((row["ablations"] for row in rows if row["n"] == 128 and row["line"] == "engine"), 256)
    scale = anchor / (128 * np.log2(128))
    rows += [{"n": n, "ablations": scale * n * np.log2(n), "line": "∝ n log n"} for n in sizes]
    rows += [{"n": n, "ablations": 2.0**n, "line": "2ⁿ"} for n in np.linspace(5, 16, 12)]
    order = [*names.values(), "∝ n log n", "2ⁿ"]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("n:Q", title="players", scale=alt.Scale(type="log", base=2)),
        y=alt.Y("ablations:Q", title="ablations for R² ≥ .9", scale=alt.Scale(type="log", domain=[20, 70_000])),
        color=alt.Color(
            "line:N",
            title=None,
            sort=order,
            scale=alt.Scale(domain=order, range=["#1b5fb4", "#ad4e00", "#7a9a01", "#8a8a8a", "#c0c0c0"]),
        ),
        tooltip=["line:N", "n:Q", "ablations:Q"],
    )
    measured = base.transform_filter(alt.FieldOneOfPredicate("line", order[:3])).mark_line(point=True)
    lines = base.transform_filter(alt.FieldOneOfPredicate("line", order[3:])).mark_line(strokeDash=[4, 3])
    save_chart(alt.layer(lines, measured).properties(width=460, height=320), "scaling")
