"""How much a value moves when nothing but its batch changes."""

from __future__ import annotations

import numpy as np

from spex_widget.algorithms import Output
from spex_widget.games import Game
from spex_widget.session.ablate import ablate_at_once
from spex_widget.session.log import AblationLog
from spex_widget.spectrum.arguments import BoolArray, FloatArray

_AGAIN = 8  # coalitions that are evaluated more than once
_QUICK = 1.0  # seconds for these, below which a larger batch is tried as well


def repeat(game: Game, coalitions: BoolArray, log: AblationLog) -> float:
    """Evaluate the first few coalitions again and again, in other batches; the best ablations a second.

    Once in one batch, once in two that are turned round, and where that was quick once among all the coalitions.
    """
    few = coalitions[:_AGAIN]
    batches = [few, few[::-1][:3], few[::-1][3:]]
    rates = [_rate(game, batch, log) for batch in batches]
    if rates[0] * _QUICK >= len(few):
        rates.append(_rate(game, coalitions[::-1], log))
    return max(rates)


def _rate(game: Game, batch: BoolArray, log: AblationLog) -> float:
    _, seconds = ablate_at_once(game, batch, log, "floor")
    return len(batch) / max(seconds, 1e-6)


def differences(log: AblationLog) -> FloatArray:
    """By how much repeated values (k, outputs) differ from the first of the same coalition."""
    first: dict[bytes, FloatArray] = {}
    found = []
    for row in log.of("floor"):
        if row.status == "ok" and row.values is not None:
            key = row.coalition.tobytes()
            if key in first:
                found.append(row.values - first[key])
            first.setdefault(key, row.values)
    return np.array(found)


def noise_floor(differences: FloatArray, output: Output) -> float | None:
    """How far two values of one coalition lie apart, root mean square; None where none was evaluated twice."""
    return float(np.sqrt(np.mean(output.of(differences) ** 2))) if len(differences) else None
