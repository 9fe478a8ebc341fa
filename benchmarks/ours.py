"""The engine on a case: asked, told and advanced as a session does it, and read at several budgets on the way."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV

import spex_widget
from cache import Cache
from games import Case, Playing
from runs import fresh, key, play, r2
from spex_widget.algorithms import ProxySPEX
from spex_widget.algorithms.algorithm import Batch, Estimate


@lru_cache
def engine_version() -> str:
    """A digest of the sources that decide an estimate: what was computed by other ones is not reused."""
    digest = hashlib.sha256()
    root = Path(spex_widget.__file__).parent
    for room in ("algorithms", "spectrum"):
        for path in sorted((root / room).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def method(refine: str | None) -> str:
    return f"engine ({refine})" if refine else "engine"


class Run:
    """One run of the engine on a case, to the largest budget.

    Attributes
    ----------
    coalitions, values : ndarray
        All that it has been told.
    rounds : list of (int, float, float)
        The ablations, the wall seconds and the processor seconds of each round.
    """

    def __init__(self, playing: Playing, most: int, seed: int, refine: str | None = None) -> None:
        self.algorithm = ProxySPEX(playing.n, seed=seed, refine=refine or "auto")
        self.rounds: list[tuple[int, float, float]] = []
        batches: list[Batch] = []
        told = 0
        while told < most and len(batch := self.algorithm.ask(most - told)):
            batches.append(batch)
            told += len(batch)
        self.coalitions = np.concatenate([batch.coalitions for batch in batches])
        self.values = playing(self.coalitions)
        for batch in batches:
            self.algorithm.tell(batch, self.values[batch.start : batch.start + len(batch), None])

    def to(self, budget: int) -> tuple[Estimate, float, float]:
        """The estimate at this budget, and the wall and processor seconds that its last, full fit took."""
        while True:
            wall, cpu = time.perf_counter(), time.process_time()
            estimate = self.algorithm.advance(most=budget)
            if estimate is None:
                break
            self.rounds.append((estimate.ablations, time.perf_counter() - wall, time.process_time() - cpu))
        wall, cpu = time.perf_counter(), time.process_time()
        estimate = self.algorithm.finish(most=budget)
        assert estimate is not None
        return estimate, time.perf_counter() - wall, time.process_time() - cpu


Visit = Callable[[Playing, Estimate], dict[str, Any]]


def measure(
    cache: Cache,
    case: Case,
    budgets: Iterable[int],
    *,
    refine: str | None = None,
    tag: str = "",
    visit: Visit | None = None,
) -> Iterator[dict[str, Any]]:
    """A record for each budget, smallest first, from the cache where this version of the engine has been there.

    What `visit` finds in an estimate goes into the record, which is kept under a tag of its own.
    """
    run: Run | None = None
    for m in sorted(budgets):
        wanted = key(method(refine) + tag, engine_version(), case, m)
        record = cache.get(**wanted)
        if record is None:
            run = run or Run(play(case), max(budgets), case.seed, refine)
            record = wanted | _record(case, m, run, visit)
            cache.put(record)
        yield record


def _record(case: Case, m: int, run: Run, visit: Visit | None) -> dict[str, Any]:
    estimate, wall, cpu = run.to(m)
    x, truth = fresh(case)
    playing = play(case)
    rounds = [round for round in run.rounds if round[0] <= m]
    predicted = estimate.spectrum(x)
    score = r2(truth, predicted)
    screen = estimate.r2
    return {
        "players": playing.n,
        "r2": score,
        "seen": r2(playing(x), predicted) if case.noise else score,
        "ridge": ridge_r2(run.coalitions[:m], run.values[:m], x, truth),
        "screen": [screen.value, screen.low, screen.high] if screen else None,
        "exact": estimate.exact,
        "weights": dict(estimate.weights),
        "wall": sum(wall for _, wall, _ in rounds) + wall,
        "cpu": sum(cpu for _, _, cpu in rounds) + cpu,
        "rounds": rounds,
        "terms": len(estimate.spectrum),
        **(visit(playing, estimate) if visit else {}),
    }


def ridge_r2(coalitions: np.ndarray, values: np.ndarray, x: np.ndarray, truth: np.ndarray) -> float:
    """Of ridge regression on the main effects, its penalty by leave-one-out."""
    ridge = RidgeCV(np.geomspace(1e-2, 1e4, 20)).fit(1.0 - 2 * coalitions, values)
    return r2(truth, ridge.predict(1.0 - 2 * x))
