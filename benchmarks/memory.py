"""4,096 players and 20,000 ablations: the most memory that it takes (claim i)."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from cache import Cache
from games import Case
from results import setting, table, write_section

CASE = Case("few terms", 4096, 100)
ABLATIONS = 20_000


def memory(args: argparse.Namespace, cache: Cache) -> None:
    """In a process of its own, whose peak is its own."""
    command = [sys.executable, str(Path(__file__)), args.refine or ""]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    *printed, last = out.stdout.splitlines()
    found = json.loads(last)
    noise = " ".join(printed) + out.stderr or "nothing"
    lines = [
        setting("python benchmarks/engine.py memory"),
        f"{CASE.n:,} players, {ABLATIONS:,} ablations, all rounds and the last fit, in a process of its own; the aim",
        "is 8 GB. The coalitions alone are 82 MB.",
        "",
        *table(
            ("game", "peak memory", "R²", "rounds", "all fits, processor s", "written to stdout and stderr"),
            [(CASE.game, f"{found['peak']:.1f} GB", found["r2"], found["rounds"], f"{found['cpu']:.0f}", noise)],
        ),
    ]
    write_section("Size", lines, args.out)


def child(refine: str = "") -> None:
    import resource
    import time

    import ours
    import runs

    began = time.process_time()
    run = ours.Run(runs.play(CASE), ABLATIONS, CASE.seed, refine or None)
    estimate, _, _ = run.to(ABLATIONS)
    cpu = time.process_time() - began
    x, truth = runs.fresh(CASE)
    print(
        json.dumps(
            {
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
                "r2": runs.r2(truth, estimate.spectrum(x)),
                "rounds": len(run.rounds),
                "cpu": cpu,
            }
        )
    )


if __name__ == "__main__":
    child(*sys.argv[1:2])
