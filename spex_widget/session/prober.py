"""Asking the model about coalitions of a person's own, while a run goes on."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from functools import partial
from threading import Event

import numpy as np

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
            self._run.answers.expect(coalitions, shown)
        self._publisher.notify()
        try:
            values = self._crank.ask(coalitions, "probe", stopped)
        except BaseException as error:
            self._take(coalitions, None, error, shown=shown)
            raise
        self._take(coalitions, values, shown=shown)
        return values

    def start(self, coalitions: BoolArray) -> None:
        """Ask, and leave it to the snapshots to answer; what is being asked already is not asked again."""
        with self._run.moved:
            answers, step = self._run.answers, self._run.jobs.pace.size
            distinct = {row.tobytes(): row for row in coalitions}
            new = [row for key, row in distinct.items() if not answers.waiting[key]]
            for part in (np.array(new[start : start + step]) for start in range(0, len(new), step)):
                answer = self._crank.put(part, "probe")
                answers.expect(part, shown=True)
                answer.add_done_callback(partial(self._answered, part))

    def _answered(self, coalitions: BoolArray, answer: Future[FloatArray]) -> None:
        error = answer.exception()
        self._take(coalitions, None if error else answer.result(), error)

    def _take(
        self,
        coalitions: BoolArray,
        values: FloatArray | None,
        error: BaseException | None = None,
        *,
        shown: bool = True,
    ) -> None:
        with self._run.moved:
            answers = self._run.answers
            answers.end(coalitions, shown)
            answers.error = "" if error is None or isinstance(error, CancelledError) else in_words(error)
            if shown and values is not None:
                answers.note(coalitions, values)
        self._publisher.notify(urgent=True)
