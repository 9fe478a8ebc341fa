"""How much a value moves when nothing but its batch changes."""

from __future__ import annotations

import numpy as np

from spex_widget.algorithms import Output
from spex_widget.games import Game
from spex_widget.session.ablate import ablate_at_once
from spex_widget.session.log import AblationLog
from spex_widget.spectrum.arguments import BoolArray, FloatArray

AGAIN = 32
"""How many ablations are evaluated again, alone: where one value in eight moves, 71 of 72 draws have one that does."""

_EVERY = 4  # ablations of a run for each that is evaluated again
_FIRST = 8  # in the first batch of a plan
_QUICK = 1.0  # seconds for these, below which a larger batch is tried as well


class Repeats:
    """Which ablations of a run are evaluated again, alone: its first few, one for every four that are done.

    That depends on nothing but how many are done, so that 200 and then 200 more is 400.

    Parameters
    ----------
    log : AblationLog
        What it holds of them is not evaluated again.
    most : int
        How many there are.
    """

    def __init__(self, log: AblationLog, most: int) -> None:
        self._held = {row.coalition.tobytes() for row in log.of("floor") if row.status == "ok"}
        self._most = most
        self._seen = self._taken = 0
        self._due: list[tuple[int, BoolArray]] = []  # from how many ablations on

    def note(self, coalitions: BoolArray) -> None:
        """Take what the run evaluates next."""
        for row in coalitions[: self._most - self._seen]:
            self._seen += 1
            if row.tobytes() not in self._held:
                self._due.append((_EVERY * self._seen, row))

    def due(self, done: int) -> bool:
        """Whether there is one to evaluate now that so many ablations are done."""
        taken = self._taken  # by another thread, maybe
        return taken < len(self._due) and self._due[taken][0] <= done

    def take(self) -> BoolArray:
        """The next of them, (1, n)."""
        self._taken += 1
        return self._due[self._taken - 1][1][None]


def repeat(game: Game, coalitions: BoolArray, log: AblationLog) -> float:
    """Evaluate the first half of some coalitions in batches and again alone; the best ablations a second.

    The first eight alone where these were not quick. There are at least four coalitions.
    """
    few = coalitions[: len(coalitions) // 2]
    batches = [few[:_FIRST]]
    rates = [_rate(game, batches[0], log)]
    if len(few) > _FIRST and rates[0] * _QUICK >= _FIRST:
        batches.append(few[_FIRST:])
        rates.append(_rate(game, batches[1], log))
    for coalition in np.concatenate(batches):
        ablate_at_once(game, coalition[None], log, "floor")
    return max(rates)


def _rate(game: Game, batch: BoolArray, log: AblationLog) -> float:
    _, seconds = ablate_at_once(game, batch, log, "floor")
    return len(batch) / max(seconds, 1e-6)


def differences(log: AblationLog) -> FloatArray:
    """By how much repeated values (k, outputs) differ from the first for the floor, a single one from the run's."""
    values: dict[str, dict[bytes, list[FloatArray]]] = {"uniform": {}, "floor": {}}
    for row in log.repeated():
        if row.status == "ok" and row.values is not None:
            values[row.purpose].setdefault(row.coalition.tobytes(), []).append(row.values)
    found = []
    for key, again in sorted(values["floor"].items()):  # in whatever order they came
        own = values["uniform"].get(key, [])[:1] if len(again) == 1 else []
        first, *others = own + again
        found += [other - first for other in others]
    return np.array(found)


def noise_floor(differences: FloatArray, output: Output) -> float | None:
    """How far two values of one coalition lie apart, root mean square; None where none was evaluated twice."""
    return float(np.sqrt(np.mean(output.of(differences) ** 2))) if len(differences) else None
