"""Verifying while a run goes on: one verification at a time, and the run says how far it is."""

from __future__ import annotations

from threading import Lock, Thread

import numpy as np

from spex_widget.report import Result
from spex_widget.session.crank import Crank
from spex_widget.session.publisher import Publisher
from spex_widget.session.run import Run
from spex_widget.session.verify import Verification, largest, verify
from spex_widget.snapshot import Measured
from spex_widget.spectrum.arguments import check_count


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

    def verify(self, result: Result, top: int, contexts: int) -> Verification:
        """Measure, once another verification that is under way has ended."""
        _check(top, contexts)
        with self._one:
            return self._measure(result, self._begin(result, top), contexts)

    def start(self, result: Result, top: int, contexts: int) -> None:
        """Measure in a thread of its own; while another verification is under way, that one answers."""
        _check(top, contexts)
        if self._one.acquire(blocking=False):
            # What it begins with is known when this returns, so that the next snapshot says it.
            about = (result, self._begin(result, top), contexts)
            Thread(target=self._measure_aside, args=about, name="spex-verifier", daemon=True).start()

    def _begin(self, result: Result, top: int) -> list[tuple[int, ...]]:
        sets = largest(result, top)
        self._run.begin_verifying(len(sets))
        return sets

    def _measure_aside(self, result: Result, sets: list[tuple[int, ...]], contexts: int) -> None:
        try:
            self._measure(result, sets, contexts)
        except BaseException:
            pass  # the run has been told, and says it to whoever looks
        finally:
            self._one.release()

    def _measure(self, result: Result, sets: list[tuple[int, ...]], contexts: int) -> Verification:
        run, failed = self._run, None
        seed = np.random.SeedSequence([self._seed, run.jobs.measured]).generate_state(1)[0]

        def note(players: tuple[int, ...], measured: Measured | None) -> None:
            run.note(result.estimate.output, players, measured)
            self._publisher.notify(urgent=True)

        try:
            return verify(result, sets, contexts, int(seed), lambda rows: self._crank.ask(rows, "verify"), note)
        except BaseException as error:
            failed = error
            raise
        finally:
            run.end_verifying(failed)
            self._publisher.notify(urgent=True)


def _check(top: int, contexts: int) -> None:
    check_count(top, "top", 1)
    check_count(contexts, "contexts", 2)
