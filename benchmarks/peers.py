"""shapiq's ProxySPEX and SPEX, each fitted as shapiq does it and read as a predictor.

Both fit a Fourier spectrum and turn it into an index. The spectrum itself is caught on its way, as the most faithful
reading there is: every index of theirs is computed from it. ProxySPEX fits without an intercept and drops the empty set
where the mean is small, so the same sets refitted by ridge with an intercept are a second reading, and the better of
the two counts (by R² on the fresh coalitions: hindsight in the peer's favour).
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np

from spex_widget.spectrum import SparseSpectrum, characters

MAX_ORDER = 4  # of the index that the peers are asked for; their spectrum has all orders


@dataclass
class Fitted:
    """What a peer answered: its readings, what it used, and what it cost."""

    readings: dict[str, SparseSpectrum]
    ablations: int
    wall: float
    cpu: float
    evaluation: float  # seconds of `wall` that went into the game, not the fit
    notes: dict[str, Any] = field(default_factory=dict)


def proxyspex(game: Callable[[np.ndarray], np.ndarray], n: int, m: int, seed: int) -> Fitted:
    """shapiq's ProxySPEX with its defaults; it draws its own uniform coalitions, in pairs with their complements."""
    fitted = _approximate("ProxySPEX", game, n, m, seed)
    own = fitted.readings["own"]
    coalitions, values = fitted.notes.pop("seen")
    sets = own.members[own.orders > 0]
    if len(sets):
        from sklearn.linear_model import RidgeCV

        ridge = RidgeCV(np.logspace(-6, 6, 100)).fit(characters(coalitions, sets), values)
        empty = np.full((1, sets.shape[1]), n, dtype=np.int32)
        fitted.readings["with intercept"] = SparseSpectrum.from_terms(
            n, np.concatenate([empty, sets]), np.append(ridge.intercept_, ridge.coef_)
        )
    return fitted


def spex(game: Callable[[np.ndarray], np.ndarray], n: int, m: int, seed: int) -> Fitted:
    """shapiq's SPEX with its defaults (soft decoding), which uses as many of m ablations as its design can.

    It compiles its arithmetic on first use (up to minutes), so that its seconds are not to be compared.
    """
    fitted = _approximate("SPEX", game, n, m, seed)
    fitted.notes.pop("seen")
    return fitted


PEERS = {"ProxySPEX": proxyspex, "SPEX": spex}


def peer_version() -> str:
    return f"shapiq {version('shapiq')}, lightgbm {version('lightgbm')}"


def _approximate(name: str, game: Callable[[np.ndarray], np.ndarray], n: int, m: int, seed: int) -> Fitted:
    with silence():
        from shapiq.approximator import sparse
        from shapiq.approximator.sparse import base

        peer = getattr(sparse, name)(n=n, index="FBII", max_order=min(MAX_ORDER, n), random_state=seed)
        caught: dict[str, Any] = {"inputs": [], "values": [], "wall": 0.0, "cpu": 0.0}
        convert = base.fourier_to_moebius

        def catch(spectrum: dict[tuple[int, ...], float]) -> Any:
            caught["spectrum"] = dict(spectrum)
            return convert(spectrum)

        def play(x: np.ndarray) -> np.ndarray:
            wall, cpu = time.perf_counter(), time.process_time()
            rows = np.asarray(x, dtype=bool)
            values = game(rows)
            caught["inputs"].append(rows)
            caught["values"].append(values)
            caught["wall"] += time.perf_counter() - wall
            caught["cpu"] += time.process_time() - cpu
            return values

        np.random.seed(seed)  # noqa: NPY002 (SPEX draws its masks from the global generator)
        base.fourier_to_moebius = catch
        try:
            wall, cpu = time.perf_counter(), time.process_time()
            answer = peer.approximate(m, play)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        finally:
            base.fourier_to_moebius = convert
    terms = {tuple(int(i) for i in key): float(value) for key, value in caught["spectrum"].items()}
    seen = np.concatenate(caught["inputs"]), np.concatenate(caught["values"])
    return Fitted(
        {"own": SparseSpectrum.from_sets(n, terms)},
        int(answer.estimation_budget),
        wall - caught["wall"],
        cpu - caught["cpu"],
        caught["wall"],
        {"seen": seen, "terms": len(terms)},
    )


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Send what is written to stdout and stderr nowhere, also by compiled code: LightGBM warns thousands of times."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [(stream, os.dup(stream)) for stream in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream, _ in kept:
            os.dup2(nowhere, stream)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, copy in kept:
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)
