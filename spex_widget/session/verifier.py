"""Verifying while a run goes on: one verification at a time, and the run says how far it is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import CancelledError
from threading import Event, Lock, Thread

import numpy as np

from spex_widget.report import Result
from spex_widget.session.crank import Crank
from spex_widget.session.publisher import Publisher
from spex_widget.session.run import Run
from spex_widget.session.verify import Verification, largest, verify
from spex_widget.snapshot import Measured
from spex_widget.spectrum.arguments import BoolArray, FloatArray, check_count

_logger = logging.getLogger(__name__)


class Verifier:
    """Has the largest interactions of a run measured on the model.

    Parameters
    ----------
    run : Run
        What is told of each measurement, of progress, and of failure.
    crank : Crank
        Who asks the model.
    publisher : Publisher
        What is told of every change.
    seed : int
        Of the contexts, which are fresh each time.
    """

    def __init__(self, run: Run, crank: Crank, publisher: Publisher, seed: int) -> None:
        self._run = run
        self._crank = crank
        self._publisher = publisher
        self._seed = seed
        self._one = Lock()
        self._stopped = Event()

    def verify(self, latest: Callable[[], Result], top: int, contexts: int) -> Verification:
        """Measure, once another verification that is under way has ended, what is known by then."""
        _check(top, contexts)
        with self._one:
            result = latest()
            try:
                found = self._measure(result, self._begin(result, top), contexts)
                self._end()
                return found
            except BaseException as error:
                self._end(error)
                raise

    def start(self, result: Result, top: int, contexts: int) -> None:
        """Measure in a thread of its own; while another verification is under way, that one answers."""
        _check(top, contexts)
        if self._one.acquire(blocking=False):
            try:
                # What it begins with is known when this returns, so that the next snapshot says it.
                about = (result, self._begin(result, top), contexts)
                Thread(target=self._measure_aside, args=about, name="spex-verifier", daemon=True).start()
            except BaseException as error:
                self._end(error)
                self._one.release()
                raise

    def stop(self) -> None:
        """End the verification that is under way, if one is, at the batch boundary; what was measured stays."""
        self._stopped.set()

    def _begin(self, result: Result, top: int) -> list[tuple[int, ...]]:
        self._stopped.clear()
        sets = largest(result, top)
        self._run.begin_verifying(len(sets))
        return sets

    def _end(self, error: BaseException | None = None) -> None:
        stopped = self._stopped.is_set() and isinstance(error, CancelledError)
        self._run.end_verifying(None if stopped else error)
        self._publisher.notify(urgent=True)

    def _measure_aside(self, result: Result, sets: list[tuple[int, ...]], contexts: int) -> None:
        try:
            self._measure(result, sets, contexts)
            self._end()
        except BaseException as error:
            if not isinstance(error, CancelledError):
                _logger.exception("verifying failed")  # the run is told in words alone
            self._end(error)
        finally:
            self._one.release()

    def _measure(self, result: Result, sets: list[tuple[int, ...]], contexts: int) -> Verification:
        run = self._run
        seed = np.random.SeedSequence([self._seed, run.jobs.measured]).generate_state(1)[0]

        def ask(rows: BoolArray) -> FloatArray:
            return self._crank.ask(rows, "verify", self._stopped)

        def note(players: tuple[int, ...], measured: Measured | None) -> None:
            run.note(result.estimate.output, players, measured)
            self._publisher.notify(urgent=True)

        return verify(result, sets, contexts, int(seed), ask, note)


def _check(top: int, contexts: int) -> None:
    check_count(top, "top", 1)
    check_count(contexts, "contexts", 2)
