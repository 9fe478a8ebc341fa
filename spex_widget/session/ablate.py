"""Ablations outside a session, as a screen or a plan needs them: in batches, each in the log before it is used."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from spex_widget.games import Game, NonFiniteValueError
from spex_widget.session.log import AblationLog
from spex_widget.spectrum.arguments import BoolArray, FloatArray

_SECONDS = 1.0  # that a batch should take, so that little is lost when the game fails
_FIRST = 8
_LARGEST = 2048


def ablate(game: Game, coalitions: BoolArray, log: AblationLog, purpose: str) -> FloatArray:
    """Values (m, outputs) of coalitions (m, n), in batches of about a second.

    Raises
    ------
    Exception
        What the game raised; what was evaluated until then is in the log.
    """
    answers = []
    size, done = _FIRST, 0
    with game.unchanged():
        while done < len(coalitions):
            batch = coalitions[done : done + size]
            values, seconds = ablate_at_once(game, batch, log, purpose)
            answers.append(values)
            done += len(batch)
            size = int(min(max(1.0, _SECONDS * len(batch) / max(seconds, 1e-6)), 4 * size, _LARGEST))
    return np.concatenate(answers) if answers else np.empty((0, len(game.outputs)))


def ablate_at_once(game: Game, coalitions: BoolArray, log: AblationLog, purpose: str) -> tuple[FloatArray, float]:
    """Values of coalitions in one batch, and how many seconds it took."""
    began, values = perf_counter(), None
    try:
        values = game(coalitions)
    except NonFiniteValueError as error:
        values = error.values
        raise
    finally:
        seconds = perf_counter() - began
        log.append(coalitions, values, purpose=purpose, seconds=seconds)
    return values, seconds
