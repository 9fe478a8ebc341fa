"""The engine beside its peers.

python benchmarks/engine.py peers --cache DIR      what takes long, once, in the background
python benchmarks/engine.py keep --cache DIR       … and what it gave, into the project
python benchmarks/engine.py dev --games and/or …   a quick look while the engine changes
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

import ours
import runs
from cache import Cache
from faithfulness import faithfulness
from games import GAMES, NOISE, Case
from honesty import intervals, screen
from memory import memory
from model_games import ModelGame
from outputs import outputs
from peers import PEERS
from plan import DEVELOPMENT, REPORT, STAGES, peer_cells
from results import RESULTS
from scaling import run_peers, scaling
from spex_widget.algorithms.refiners import REFINE
from timing import times


def peers(args: argparse.Namespace, cache: Cache) -> None:
    for stage in range(len(STAGES)):
        for name, case, m in peer_cells(stage):
            began = time.perf_counter()
            record = runs.peer(cache, name, case, m, compute=True)
            seconds = time.perf_counter() - began
            if record and seconds > 0.5:
                answer = f"R² {record['r2']:.3f}" if "r2" in record else record["error"]
                print(f"{name}, {case}, m = {m}: {answer}, {seconds:.0f} s", flush=True)
        run_peers(cache, REPORT[stage])


def keep(args: argparse.Namespace, cache: Cache) -> None:
    """Write what the peers answered to `benchmarks/peers.jsonl`, so that it need not be computed again."""
    cache.keep(tuple(PEERS))


def dev(args: argparse.Namespace, cache: Cache) -> None:
    """Mean R² of ridge, of the engine, and of the peer where the cache has it, printed as they come."""
    print(f"engine {ours.engine_version()}; R² on {runs.FRESH} fresh coalitions, mean of seeds {args.seeds}")
    print(f"{'game':<34}{'ablations':>9}{'ridge':>8}{'engine':>8}{'min':>8}{'peer':>8}{'on screen':>10}{'s':>7}")
    for game in args.games or [name for name in GAMES if name != "few terms"]:
        for n in args.n:
            for noise in (0.0, NOISE)[args.noise == "only" : 2 if args.noise else 1]:
                cases = [Case(game, n, seed, noise) for seed in args.seeds]
                rows = [list(ours.measure(cache, case, args.budgets, refine=args.refine)) for case in cases]
                for column in zip(*rows, strict=True):
                    m = column[0]["m"]
                    theirs = [runs.peer(cache, "ProxySPEX", case, m) for case in cases]
                    known = [r["r2"] for r in theirs if r and "r2" in r]
                    screen = [r["screen"][0] for r in column if r["screen"]]
                    mean = {name: np.mean([r[name] for r in column]) for name in ("ridge", "r2", "cpu")}
                    label = f"{game}{' + noise' if noise else ''}, n = {column[0]['players']}"
                    print(
                        f"{label:<34}{m:>9}{mean['ridge']:>8.3f}{mean['r2']:>8.3f}{min(r['r2'] for r in column):>8.3f}"
                        f"{f'{np.mean(known):.3f}' if len(known) == len(cases) else '–':>8}"
                        f"{f'{np.mean(screen):.3f}' if screen else '–':>10}{mean['cpu']:>7.2f}",
                        flush=True,
                    )


def everything(args: argparse.Namespace, cache: Cache) -> None:
    for measure in (faithfulness, scaling, times, intervals, screen, memory, outputs):
        measure(args, cache)


MEASURES = {
    "peers": peers,
    "keep": keep,
    "dev": dev,
    "faithfulness": faithfulness,
    "scaling": scaling,
    "times": times,
    "intervals": intervals,
    "screen": screen,
    "memory": memory,
    "outputs": outputs,
    "all": everything,
}
SEEDS = {"dev": DEVELOPMENT[:2], "intervals": REPORT}  # the others: five of those for the report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measure", choices=MEASURES)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "spex-benchmarks")
    parser.add_argument("--games", nargs="*", choices=GAMES)
    parser.add_argument("--n", nargs="*", type=int, default=[128])
    parser.add_argument("--budgets", nargs="*", type=int, default=[64, 128, 256, 512, 1000])
    parser.add_argument("--seeds", nargs="*", type=int, help="0 to 3 are for development, 100 to 109 for the report")
    parser.add_argument("--quick", action="store_true", help="two seeds for development instead of the report's")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--noise", choices=["also", "only"], help="games with noise; without this, none")
    parser.add_argument("--refine", choices=REFINE, help="a refiner by name instead of the engine's own choice")
    args = parser.parse_args()
    if args.seeds is None:
        args.seeds = list(DEVELOPMENT[:2] if args.quick else SEEDS.get(args.measure, REPORT[:5]))
    ModelGame.folder = args.cache / "values"
    MEASURES[args.measure](args, Cache(args.cache / "runs.jsonl"))


if __name__ == "__main__":
    main()
