"""One method on one case: what comes out goes into the cache, and comes from there the next time."""

from __future__ import annotations

import platform
from functools import lru_cache
from importlib.metadata import PackageNotFoundError
from typing import Any

import numpy as np

from cache import Cache
from games import Case, Playing
from peers import PEERS, peer_version

FRESH = 4000


@lru_cache(maxsize=8)
def play(case: Case) -> Playing:
    return Playing(case)


@lru_cache(maxsize=8)
def fresh(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Coalitions that no method has seen, and their noiseless values: what R² is measured on."""
    playing = play(case.noiseless)
    coalitions = playing.uniform(FRESH, 0)
    return coalitions, playing.truth(coalitions)


def r2(values: np.ndarray, predicted: np.ndarray) -> float:
    return float(1 - ((values - predicted) ** 2).mean() / values.var())


def key(method: str, version: str, case: Case, m: int) -> dict[str, Any]:
    return {
        "method": method,
        "version": version,
        "game": case.game,
        "n": case.n,
        "seed": case.seed,
        "noise": case.noise,
        "m": m,
        "fingerprint": play(case.noiseless).fingerprint,
    }


def peer(
    cache: Cache, name: str, case: Case, m: int, *, compute: bool = False, timed: bool = False
) -> dict[str, Any] | None:
    """A peer's record from the cache; computed where it is missing, or lacks its seconds, and `compute` says so."""
    wanted = key(name, peer_version_of(cache) if not compute else peer_version(), case, m)
    found = cache.get(**wanted)
    if not compute or (found is not None and ("cpu" in found or not timed)):
        return found
    playing = play(case)
    x, truth = fresh(case)
    record: dict[str, Any] = {**wanted, "players": playing.n, "python": platform.python_version()}
    try:
        fitted = PEERS[name](playing, playing.n, m, case.seed)
    except Exception as error:
        record["error"] = f"{type(error).__name__}: {str(error)[:200]}"
    else:
        scores = {reading: r2(truth, spectrum(x)) for reading, spectrum in fitted.readings.items()}
        record |= {
            "r2": max(scores.values()),
            "readings": scores,
            "used": fitted.ablations,
            "wall": fitted.wall,
            "cpu": fitted.cpu,
            "terms": len(fitted.readings["own"]),
        }
    cache.put(record)
    return record


def peer_version_of(cache: Cache) -> str:
    """The newest version in the cache: shapiq itself is needed only where something is missing."""
    try:
        return peer_version()
    except PackageNotFoundError:
        return cache.newest(tuple(PEERS))
