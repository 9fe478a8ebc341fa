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

AMONG = 2 * AGAIN
"""All that are evaluated again, by a run or a plan before it, are among so many of the run's first coalitions."""

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
        # With values that are not finite as well: they would be again.
        self._held = {row.coalition.tobytes() for row in log.of("floor") if row.values is not None}
        self._most = most
        self._seen: list[bytes] = []
        self._taken = self._back = 0
        self._due: list[tuple[int, BoolArray]] = []  # from how many ablations on

    def note(self, coalitions: BoolArray) -> None:
        """Take what the run evaluates next."""
        for row in coalitions[: self._most - len(self._seen)]:
            self._seen.append(row.tobytes())
            if row.tobytes() not in self._held:
                self._due.append((_EVERY * len(self._seen), row))

    def due(self, done: int) -> bool:
        """Whether there is one to evaluate now that so many ablations are done."""
        taken = self._taken  # by another thread, maybe
        return taken < len(self._due) and self._due[taken][0] <= done

    def take(self) -> BoolArray:
        """The next of them, (1, n)."""
        self._taken += 1
        return self._due[self._taken - 1][1][None]

    def came_back(self) -> None:
        """One that was taken is in the log."""
        self._back += 1

    def waits(self, done: int) -> bool:
        """Whether one is due by then, or was taken, that is not in the log yet."""
        return self.due(done) or self._back < self._taken  # in this order, as another thread may take it in between

    def first(self, done: int) -> set[bytes] | None:
        """Which are due by then, in the log or not; None, for whatever the log holds, where a run repeats none."""
        return set(self._seen[: repeated(done)]) if self._most else None


def repeated(ablations: int) -> int:
    """How many ablations are evaluated again by so many of a run whose values move with the batch."""
    return min(AGAIN, ablations // _EVERY)


def repeat(game: Game, coalitions: BoolArray, log: AblationLog) -> tuple[float, float]:
    """Evaluate some coalitions in two batches and the first of them again alone; ablations a second, at best and alone.

    The first half of them again where values move with the batch, else eight, so that the second batch is larger; no
    second batch where the first, of eight, was not quick. The first is evaluated alone before all else, untimed, as a
    first call may compile, or warm a device up. There are at least four coalitions.
    """
    ablate_at_once(game, coalitions[:1], log, "floor")
    half = len(coalitions) // 2
    few = coalitions[: min(_FIRST, half)]
    again = coalitions[:half] if game.moves_with_batch else few
    rest = coalitions[len(few) : len(coalitions) - len(again)]
    rates = [_rate(game, few, log)]
    if len(rest) and rates[0] * _QUICK >= len(few):
        rates.append(_rate(game, rest, log))
    else:
        again = few
    seconds = sum(ablate_at_once(game, coalition[None], log, "floor")[1] for coalition in again[1:])
    return max(rates), (len(again) - 1) / max(seconds, 1e-6)


def _rate(game: Game, batch: BoolArray, log: AblationLog) -> float:
    _, seconds = ablate_at_once(game, batch, log, "floor")
    return len(batch) / max(seconds, 1e-6)


def differences(log: AblationLog, among: set[bytes] | None = None) -> FloatArray:
    """By how much repeated values (k, outputs) differ from the first for the floor, a single one from the run's.

    Of those coalitions, or of all.
    """
    values: dict[str, dict[bytes, list[FloatArray]]] = {"uniform": {}, "floor": {}}
    for row in log.repeated():
        if row.status == "ok" and row.values is not None:
            values[row.purpose].setdefault(row.coalition.tobytes(), []).append(row.values)
    found = []
    for key, again in sorted(values["floor"].items()):  # in whatever order they came
        own = values["uniform"].get(key, [])[:1] if len(again) == 1 else []
        first, *others = own + again
        found += [other - first for other in others if among is None or key in among]
    return np.array(found)


def noise_floor(differences: FloatArray, output: Output) -> float | None:
    """How far two values of one coalition lie apart, root mean square; None where none was evaluated twice."""
    return float(np.sqrt(np.mean(output.of(differences) ** 2))) if len(differences) else None
