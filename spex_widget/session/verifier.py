"""Measuring on the model while a run goes on: one thing at a time, and the run says how far it is."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread

import numpy as np

from spex_widget.algorithms import Output
from spex_widget.report import Result
from spex_widget.session.crank import Crank
from spex_widget.session.publisher import Publisher
from spex_widget.session.run import Run
from spex_widget.session.verify import Sample, Verification, derivatives, draw_contexts, largest, missed, verify
from spex_widget.snapshot import Measured
from spex_widget.spectrum.arguments import check_count

_logger = logging.getLogger(__name__)


class Verifier:
    """Has the largest interactions of a run measured on the model, or one set in more contexts.

    What was measured of a set is kept, of all outputs, and pooled with what is measured of it later.

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
        self._seed = [seed, run.jobs.measured]  # other contexts than those of the log that is continued
        self._one = Lock()
        self._stopped = Event()  # of all that was begun by now
        self._samples: dict[tuple[int, ...], Sample] = {}  # these two are for whoever has the lock
        self._looks: Counter[tuple[Output, tuple[int, ...]]] = Counter()

    def verify(self, latest: Callable[[], Result], top: int, contexts: int) -> Verification:
        """Measure, once what is under way has ended, what is known by then."""
        _check(top, contexts)
        stopped = self._stopped
        with self._one:
            result = latest()
            with self._told(stopped):
                return self._verify(result, self._begin(result, top), contexts, stopped)

    def start(self, result: Result, top: int, contexts: int) -> None:
        """Measure in a thread of its own; while something is being measured, that is the answer."""
        _check(top, contexts)
        stopped = self._stopped

        def begun() -> None:
            try:
                self._aside(lambda: self._verify(result, sets, contexts, stopped), stopped)
            finally:
                self._one.release()

        if self._one.acquire(blocking=False):
            try:
                # What it begins with is known when this returns, so that the next snapshot says it.
                sets = self._begin(result, top)
                Thread(target=begun, name="spex-verifier", daemon=True).start()
            except BaseException as error:
                self._end(error)
                self._one.release()
                raise

    def add(self, latest: Callable[[], Result], players: tuple[int, ...], contexts: int) -> Measured:
        """Measure one set in so many contexts more, once what is under way has ended."""
        stopped = self._stopped
        with self._one:
            result = latest()
            with self._told(stopped):
                return self._add(result, players, contexts, stopped)

    def start_adding(self, result: Result, players: tuple[int, ...], contexts: int) -> None:
        """The same in a thread of its own, when its turn comes."""
        stopped = self._stopped

        def wait_and_add() -> None:
            with self._one:
                self._aside(lambda: self._add(result, players, contexts, stopped), stopped)

        Thread(target=wait_and_add, name="spex-verifier", daemon=True).start()

    def stop(self) -> None:
        """End what is under way, and what waits, at the batch boundary; what was measured stays."""
        stopped, self._stopped = self._stopped, Event()
        stopped.set()

    def _begin(self, result: Result, top: int) -> list[tuple[int, ...]]:
        sets = largest(result, top)
        self._run.begin_verifying(len(sets))
        return sets

    def _end(self, error: BaseException | None = None) -> None:
        self._run.end_verifying(error)
        self._publisher.notify(urgent=True)

    @contextmanager
    def _told(self, stopped: Event) -> Iterator[None]:
        """Have the run know of the end, and of an error that came before it."""
        try:
            yield
        except BaseException as error:
            self._end(None if stopped.is_set() and isinstance(error, CancelledError) else error)
            raise
        self._end()

    def _aside(self, work: Callable[[], object], stopped: Event) -> None:
        with suppress(BaseException), self._told(stopped):
            try:
                work()
            except CancelledError:
                raise
            except BaseException:
                _logger.exception("verifying failed")  # the run is told in words alone
                raise

    def _verify(self, result: Result, sets: list[tuple[int, ...]], contexts: int, stopped: Event) -> Verification:
        output = result.estimate.output

        def measure(players: tuple[int, ...], miss: float) -> Measured:
            self._extend(result, players, contexts, "verify", stopped)
            return self._look(result, players, miss)

        return verify(result, sets, measure, lambda players, measured: self._note(output, players, measured))

    def _add(self, result: Result, players: tuple[int, ...], contexts: int, stopped: Event) -> Measured:
        self._run.begin_verifying(1)
        self._publisher.notify(urgent=True)
        before = len(self._samples.get(players, ()))
        try:
            self._extend(result, players, contexts, "evidence", stopped)
        except BaseException:
            # What was measured until then is evidence as well, where it is enough for an interval.
            if len(self._samples.get(players, ())) > max(before, 1):
                self._note(result.estimate.output, players, self._look(result, players))
            raise
        measured = self._look(result, players)
        self._note(result.estimate.output, players, measured)
        return measured

    def _look(self, result: Result, players: tuple[int, ...], miss: float = 1.0) -> Measured:
        """What all that was measured of a set says; the interval misses less often the oftener one has looked."""
        output = result.estimate.output
        self._looks[output, players] += 1
        miss = min(miss, missed(self._looks[output, players]))
        return self._samples[players].measured(output, result.spectrum, players, miss)

    def _extend(self, result: Result, players: tuple[int, ...], contexts: int, purpose: str, stopped: Event) -> Sample:
        """Measure in so many contexts more, as far as there are, each of them once."""
        known = len(self._samples.get(players, ()))
        seed = np.random.SeedSequence([*self._seed, *players]).generate_state(1)[0]
        drawn = draw_contexts(result.spectrum.n, players, known + contexts, int(seed))[known:]
        while len(drawn):
            # A batch at a time, so that little is lost where it ends early.
            part, drawn = np.split(drawn, [max(1, self._run.jobs.pace.size >> len(players))])
            derived = derivatives(lambda rows: self._crank.ask(rows, purpose, stopped), players, part)
            fresh = Sample(part, derived, targeted=len(part) if purpose == "evidence" else 0)
            self._samples[players] = self._samples[players] + fresh if players in self._samples else fresh
        return self._samples[players]

    def _note(self, output: Output, players: tuple[int, ...], measured: Measured | None) -> None:
        self._run.note(output, players, measured)
        self._publisher.notify(urgent=True)


def _check(top: int, contexts: int) -> None:
    check_count(top, "top", 1)
    check_count(contexts, "contexts", 2)
