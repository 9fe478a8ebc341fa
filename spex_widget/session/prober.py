"""Asking the model about coalitions of a person's own, while a run goes on."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from functools import partial
from threading import Event

from spex_widget.session.crank import Crank
from spex_widget.session.publisher import Publisher
from spex_widget.session.run import Run, in_words
from spex_widget.spectrum.arguments import BoolArray, FloatArray


class Prober:
    """Has the model answer a person, and the run keep the answers.

    Parameters
    ----------
    run : Run
        What keeps the answers.
    crank : Crank
        Who asks the model.
    publisher : Publisher
        What is told of every answer.
    """

    def __init__(self, run: Run, crank: Crank, publisher: Publisher) -> None:
        self._run = run
        self._crank = crank
        self._publisher = publisher

    def ask(self, coalitions: BoolArray, stopped: Event | None = None, *, shown: bool = True) -> FloatArray:
        """Ask and wait for the values (k, outputs); snapshots have them where they are to be shown."""
        with self._run.moved:
            self._run.answers.pending += len(coalitions)
        self._publisher.notify()
        try:
            values = self._crank.ask(coalitions, "probe", stopped)
        except BaseException as error:
            self._take(coalitions, None, error)
            raise
        self._take(coalitions, values if shown else None)
        return values

    def start(self, coalitions: BoolArray) -> None:
        """Ask, and leave it to the snapshots to answer."""
        with self._run.moved:
            step = self._run.jobs.size
            for part in (coalitions[start : start + step] for start in range(0, len(coalitions), step)):
                answer = self._crank.put(part, "probe")
                self._run.answers.pending += len(part)
                answer.add_done_callback(partial(self._answered, part))

    def _answered(self, coalitions: BoolArray, answer: Future[FloatArray]) -> None:
        error = answer.exception()
        self._take(coalitions, None if error else answer.result(), error)

    def _take(self, coalitions: BoolArray, values: FloatArray | None, error: BaseException | None = None) -> None:
        with self._run.moved:
            answers = self._run.answers
            answers.pending -= len(coalitions)
            answers.error = "" if error is None or isinstance(error, CancelledError) else in_words(error)
            if values is not None:
                answers.note(coalitions, values)
        self._publisher.notify(urgent=True)
