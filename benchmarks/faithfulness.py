"""R² against ablations: the engine, shapiq's ProxySPEX and SPEX, and ridge, on the same games (claims a, b and d)."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

import ours
import runs
from cache import Cache
from games import NOISE, Case
from plan import BUDGETS, DENSE, FLAT, LADDER, SPARSE
from results import save_chart, setting, table, write_section

TARGET = 2000  # the peer's ablations, whose R² is to be reached with fewer
Records = dict[tuple[str, int, float], dict[int, list[dict[str, Any]]]]


def cases(seeds: Iterable[int]) -> Iterator[Case]:
    for game, n in (*DENSE, *SPARSE, FLAT):
        for noise in (0.0, NOISE):
            for seed in seeds:
                yield Case(game, n, seed, noise)


def collect(args: argparse.Namespace, cache: Cache) -> Records:
    """By game, size and noise, then by budget: one record a seed, with the peers' R² where the cache has it."""
    records: Records = defaultdict(lambda: defaultdict(list))
    for case in cases(args.seeds):
        ladder = LADDER if (case.game, case.n) in DENSE else BUDGETS
        for record in ours.measure(cache, case, ladder, refine=args.refine):
            m = record["m"]
            theirs = {name: runs.peer(cache, name, case, m) if m in BUDGETS else None for name in ("ProxySPEX", "SPEX")}
            peers = {name: r["r2"] if r and "r2" in r else None for name, r in theirs.items()}
            records[case.game, case.n, case.noise][m].append(record | peers)
    return records


def label(game: tuple[str, int, float]) -> str:
    return f"{game[0]}{' + noise' if game[2] else ''}, n = {game[1]}"


def mean(records: list[dict[str, Any]], name: str = "r2", *, where: str | None = None) -> float | None:
    """Over the seeds; of those for which the peer `where` has been run."""
    values = [r[name] for r in records if r[name] is not None and (where is None or r[where] is not None)]
    return float(np.mean(values)) if values else None


def needed(ladder: dict[int, list[dict[str, Any]]], seed: int, target: float) -> int | None:
    """The first budget at which the engine has that R² on this seed."""
    for m in sorted(ladder):
        if any(r["seed"] == seed and r["r2"] >= target for r in ladder[m]):
            return m
    return None


def fewer(records: Records) -> list[str]:
    """Claim a: how many times fewer ablations than the peer's 2,000 give its R²."""
    rows, medians = [], []
    for game, ladder in records.items():
        if (game[0], game[1]) not in DENSE or TARGET not in ladder:
            continue
        known = [r for r in ladder[TARGET] if r["ProxySPEX"] is not None]
        if not known:
            continue
        needs = [needed(ladder, r["seed"], r["ProxySPEX"]) for r in known]
        shares = [m / TARGET if m else np.inf for m in needs]
        medians.append(float(np.median(shares)))
        spelled = ", ".join(str(m) if m else f"> {TARGET}" for m in needs)
        rows.append([
            label(game), len(known), mean(known, "ridge"), mean(known, "ProxySPEX"), mean(known), spelled,
            f"1/{1 / medians[-1]:.1f}" if np.isfinite(medians[-1]) else "> 1",
        ])  # fmt: skip
    if not rows:
        return ["No peer has been run on these seeds yet."]
    overall = float(np.median(medians))
    return [
        f"Ablations with which the engine reaches the R² that shapiq's ProxySPEX has at {TARGET:,}, the first of "
        f"{', '.join(map(str, LADDER))}; no interpolation. **Median over games: "
        f"{f'1/{1 / overall:.1f}' if np.isfinite(overall) else 'more than the peer'}.**",
        "",
        *table(
            ("game", "seeds", f"ridge at {TARGET}", f"ProxySPEX at {TARGET}", f"engine at {TARGET}",
             "engine's ablations, by seed", "share, median"),
            rows,
        ),
    ]  # fmt: skip


def beside(records: Records) -> list[str]:
    """Every common budget: the engine's R² less the peer's."""
    rows, worst = [], (np.inf, "")
    for game, ladder in records.items():
        for m, column in sorted(ladder.items()):
            theirs = mean(column, "ProxySPEX")
            if theirs is None:
                continue
            mine = mean(column, where="ProxySPEX")
            assert mine is not None
            worst = min(worst, (mine - theirs, f"{label(game)}, {m} ablations"))
            count = sum(r["ProxySPEX"] is not None for r in column)
            single = min(r["r2"] - r["ProxySPEX"] for r in column if r["ProxySPEX"] is not None)
            spex = mean(column, "SPEX", where="ProxySPEX")
            rows.append([
                label(game), m, count, mean(column, "ridge", where="ProxySPEX"), spex, theirs, mine,
                f"{mine - theirs:+.3f}", f"{single:+.3f}",
            ])  # fmt: skip
    if not rows:
        return []
    return [
        f"Every budget at which the peer was run; R² on {runs.FRESH:,} fresh coalitions, mean of the seeds "
        "that both have. "
        f"**The least difference is {worst[0]:+.3f}** ({worst[1]}).",
        "",
        *table(
            ("game", "ablations", "seeds", "ridge", "SPEX", "ProxySPEX", "engine", "difference", "least, one seed"),
            rows,
        ),
    ]


def sparse(records: Records) -> list[str]:
    """Claim b: noiseless sparse games."""
    rows = []
    for game, m, aim in [(g, 1000, 0.97 if "parities" in g[0] else 0.99) for g in SPARSE] + [(FLAT, 2000, 0.9)]:
        column = records.get((*game, 0.0), {}).get(m)
        if column:
            rows.append([
                label((*game, 0.0)), m, len(column), mean(column, "ridge"), mean(column, "SPEX"),
                mean(column, "ProxySPEX"), mean(column), min(r["r2"] for r in column), f"{aim:.2f}",
            ])  # fmt: skip
    return table(("game", "ablations", "seeds", "ridge", "SPEX", "ProxySPEX", "engine", "worst seed", "aim"), rows)


def ridge(records: Records) -> list[str]:
    """Claim d: never below ridge on main effects."""
    games, single = [], []
    for game, ladder in records.items():
        for m, column in ladder.items():
            mine, main = mean(column), mean(column, "ridge")
            assert mine is not None
            assert main is not None
            games.append((mine - main, f"{label(game)}, {m} ablations", mine, main))
            single += [r["r2"] - r["ridge"] for r in column]
    games.sort()
    below = sum(g[0] < -0.01 for g in games)
    return [
        f"Engine less ridge on main effects, all games, from {min(BUDGETS)} ablations on: {below} of {len(games)} "
        f"pairs of a game and a budget are below by more than .01 (mean of seeds), {sum(s < -0.01 for s in single)} of "
        f"{len(single)} single runs. The ten least:",
        "",
        *table(
            ("game, ablations", "engine", "ridge", "difference"),
            [(g[1], g[2], g[3], f"{g[0]:+.3f}") for g in games[:10]],
        ),
    ]


def chart(records: Records) -> None:
    import altair as alt

    methods = {
        "ridge": "ridge, main effects",
        "SPEX": "SPEX (shapiq)",
        "ProxySPEX": "ProxySPEX (shapiq)",
        "r2": "engine",
    }
    rows = [
        {"game": label(game), "ablations": m, "method": name, "R²": max(value, -0.05)}
        for game, ladder in records.items()
        for m, column in ladder.items()
        for field, name in methods.items()
        if (value := mean(column, field)) is not None
    ]
    drawn = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("ablations:Q", scale=alt.Scale(type="log", base=2)),
            y=alt.Y("R²:Q", scale=alt.Scale(domain=[-0.05, 1])),
            color=alt.Color(
                "method:N",
                title=None,
                sort=list(methods.values()),
                scale=alt.Scale(domain=list(methods.values()), range=["#8a8a8a", "#7a9a01", "#ad4e00", "#1b5fb4"]),
            ),
            tooltip=["game:N", "method:N", "ablations:Q", alt.Tooltip("R²:Q", format=".3f")],
        )
        .properties(width=210, height=150)
        .facet(alt.Facet("game:N", title=None, sort=[label(game) for game in records]), columns=4)
    )
    save_chart(drawn, "faithfulness")


def faithfulness(args: argparse.Namespace, cache: Cache) -> None:
    records = collect(args, cache)
    seeds = f"seeds {min(args.seeds)} to {max(args.seeds)}"
    command = "python benchmarks/engine.py faithfulness"
    lines = [
        setting(command, "shapiq"),
        f"S{seeds[1:]}; the engine is at {ours.engine_version()} (a digest of its sources). Noise is gaussian, .3 of",
        "the values' standard deviation; R² is always of the function without it. A peer counts on the seeds that it",
        "was run on; it is read by its own spectrum, or its sets refitted with an intercept where that is better.",
        "",
        "### Fewer ablations than the peer",
        "",
        *fewer(records),
        "",
        "### Noiseless sparse games",
        "",
        *sparse(records),
        "",
        "### Never below ridge",
        "",
        *ridge(records),
        "",
        "### Every common budget",
        "",
        "![R² against ablations](charts/faithfulness.svg)",
        "",
        *beside(records),
    ]
    chart(records)
    write_section("Faithfulness beside shapiq", lines, args.out)
