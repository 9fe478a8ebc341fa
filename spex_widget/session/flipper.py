"""Looking for the smallest flip while a run goes on: the newest search alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from threading import Event, Lock, Thread

from spex_widget.report import Result
from spex_widget.session.flip import Players, find_flip, without
from spex_widget.session.prober import Prober
from spex_widget.session.publisher import Publisher
from spex_widget.session.run import Run, in_words
from spex_widget.snapshot import Flip
from spex_widget.spectrum.arguments import BoolArray, FloatArray

_logger = logging.getLogger(__name__)

_EVEN = 1e-9  # of its weights' sizes: a contrast's weights sum to no more


class Flipper:
    """Searches on the surrogate of a run, asks the model, and has the run say how far it is.

    A new search ends the one that is under way.

    Parameters
    ----------
    run : Run
        What is told of each step and of failure.
    prober : Prober
        Who asks the model.
    publisher : Publisher
        What is told of every change.
    """

    def __init__(self, run: Run, prober: Prober, publisher: Publisher) -> None:
        self._run = run
        self._prober = prober
        self._publisher = publisher
        self._one = Lock()
        self._stopped = Event()  # of the newest search; under the run's lock, as what it has found

    def find(self, result: Result, threshold: float | None) -> Flip:
        """Search, and wait for what is found."""
        across, stopped = self._begin(result, threshold)
        try:
            return self._search(result, across, stopped)
        except BaseException as error:
            self._end(result, stopped, error)
            raise

    def start(self, result: Result, threshold: float | None) -> None:
        """Search in a thread of its own."""
        across, stopped = self._begin(result, threshold)
        try:
            search = (result, across, stopped)
            Thread(target=self._search_aside, args=search, name="spex-flipper", daemon=True).start()
        except BaseException as error:
            self._end(result, stopped, error)
            raise

    def stop(self) -> None:
        """End the search that is under way, if one is, at the batch boundary; what was found stays."""
        with self._run.moved:
            self._stopped.set()

    def _begin(self, result: Result, threshold: float | None) -> tuple[float | None, Event]:
        """What is to be crossed, None where the model is to say what is half way, and what ends the search."""
        across = _usual(result) if threshold is None else threshold
        # Until the model has said so, the surrogate's half way stands for it.
        flip = Flip(float(result.predict(_ends(result)).mean()) if across is None else across)
        with self._run.moved:
            self._stopped.set()
            self._stopped = stopped = Event()
            self._run.answers.error = ""
            flips = self._run.answers.flips
            for output in [output for output, other in flips.items() if other.searching]:
                del flips[output]
            flips[result.estimate.output] = flip
        self._publisher.notify(urgent=True)
        return across, stopped

    def _search_aside(self, result: Result, across: float | None, stopped: Event) -> None:
        try:
            self._search(result, across, stopped)
        except BaseException as error:
            if not isinstance(error, CancelledError):
                _logger.exception("looking for a flip failed")  # the run is told in words alone
            self._end(result, stopped, error)

    def _search(self, result: Result, across: float | None, stopped: Event) -> Flip:
        output, n = result.estimate.output, result.spectrum.n

        def ask(sets: Sequence[Players]) -> FloatArray:
            return output.of(self._prober.ask(without(n, sets), stopped, shown=False))

        def note(flip: Flip) -> None:
            if stopped.is_set():
                raise CancelledError("stopped by you")
            with self._run.moved:
                if self._stopped is stopped:
                    self._run.answers.flips[output] = flip
            self._publisher.notify(urgent=True)

        with self._one:
            if across is None:
                across = float(output.of(self._prober.ask(_ends(result), stopped)).mean())
            flip = find_flip(result.spectrum, across, ask, note)
            # Known by now, and shown: what the search set out from, and where it came to.
            self._prober.ask(without(n, [(), *([flip.ablated] if flip.ablated else [])]))
            note(flip)
        return flip

    def _end(self, result: Result, stopped: Event, error: BaseException) -> None:
        """Keep what was found until an error or a stop; of nothing found nobody may think that nothing flips."""
        with self._run.moved:
            answers, output = self._run.answers, result.estimate.output
            if self._stopped is stopped and output in answers.flips:
                flip = replace(answers.flips.pop(output), searching=False)
                if flip.ablated:
                    answers.flips[output] = flip
                if not isinstance(error, CancelledError):
                    answers.error = in_words(error)
        self._publisher.notify(urgent=True)


def _usual(result: Result) -> float | None:
    """Where the model's answer changes: the game says so of one output, and a contrast is even at 0; None elsewhere."""
    output = result.estimate.output
    if output.position >= 0:
        return result.header.threshold
    weights = [weight for _, weight in output.terms]
    return 0.0 if abs(sum(weights)) <= _EVEN * sum(map(abs, weights)) else None


def _ends(result: Result) -> BoolArray:
    """All players, and none."""
    players = result.spectrum.n
    return without(players, [(), tuple(range(players))])
