"""The seam for who evaluates: this thread, a pool of threads, a cluster."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from spex_widget.games import Game
from spex_widget.spectrum.arguments import BoolArray, FloatArray

PROBE, ROUND = 0, 1
"""Priorities: a person's probe goes ahead of a round's ablations."""


class Evaluator(Protocol):
    """Answers coalitions with values, sooner or later."""

    slots: int
    """How many batches may be out at a time."""

    def submit(self, coalitions: BoolArray, priority: int) -> Future[FloatArray]:
        """Begin to evaluate (k, n) coalitions; the future holds (k, outputs) values, or the game's exception."""


class InlineEvaluator:
    """Evaluates in the thread that submits: the session's worker."""

    slots = 1

    def __init__(self, game: Game) -> None:
        self._game = game

    def submit(self, coalitions: BoolArray, priority: int) -> Future[FloatArray]:
        """Evaluate at once."""
        future: Future[FloatArray] = Future()
        try:
            future.set_result(self._game(coalitions))
        except BaseException as error:  # a game may even exit; the thread must live on to say so
            future.set_exception(error)
        return future
