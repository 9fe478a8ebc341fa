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

    Once in one batch, once in two that are turned round, and where that was quick once among others. It takes no more
    ablations than there are coalitions, of which there are at least four.
    """
    few = coalitions[: min(_AGAIN, len(coalitions) // 2)]
    cut = max(1, 3 * len(few) // 8)
    batches = [few, few[::-1][:cut], few[::-1][cut:]]
    rates = [_rate(game, batch, log) for batch in batches]
    among = coalitions[: len(coalitions) - 2 * len(few)]
    if len(among) > len(few) and rates[0] * _QUICK >= len(few):
        rates.append(_rate(game, among[::-1], log))
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
