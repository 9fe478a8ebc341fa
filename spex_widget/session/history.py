"""The moments of a run that are worth seeing again."""

from __future__ import annotations

from spex_widget.snapshot import Snapshot

MOST = 120
"""So many moments are kept at most, and the newest."""


class History:
    """A moment for each new estimate and each new state, oldest first.

    Once there are too many, every second one goes, and from then on every second one is kept: so they lie evenly over
    the run, however long it takes.

    Parameters
    ----------
    most : int
        How many are kept, beside the newest.

    Examples
    --------
    >>> history = History(most=4)
    >>> for budget in range(10):
    ...     history.take(0.1 * budget, Snapshot(budget, "running" if budget % 2 else "paused", "", 0, budget))
    >>> [snapshot.seq for _, snapshot in history.moments]
    [0, 4, 8, 9]
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._every = 1
        self._taken = 0
        self._kept: list[tuple[float, Snapshot]] = []
        self._newest: tuple[float, Snapshot] | None = None

    def take(self, seconds: float, snapshot: Snapshot) -> None:
        """Keep a snapshot, so many seconds after the run began, where it is a moment of its own."""
        newest = self._newest and self._newest[1]
        if newest and newest.estimate is snapshot.estimate and newest.state == snapshot.state:
            return
        self._newest = (seconds, snapshot)
        if self._taken % self._every == 0:
            self._kept.append(self._newest)
        self._taken += 1
        if len(self._kept) > self._most:
            self._kept = self._kept[::2]
            self._every *= 2

    @property
    def moments(self) -> list[tuple[float, Snapshot]]:
        """Those that are kept, and the newest, each with its seconds."""
        last = [self._newest] if self._newest and self._newest not in self._kept[-1:] else []
        return [*self._kept, *last]

    def until(self, seconds: float, snapshot: Snapshot) -> list[tuple[float, Snapshot]]:
        """The moments before a snapshot, and it as the last."""
        before = [moment for moment in self.moments if moment[1].seq < snapshot.seq]
        newest = before[-1][1] if before else None
        if newest and newest.estimate is snapshot.estimate and newest.state == snapshot.state:
            seconds, _ = before.pop()  # the same moment, told later
        return [*before, (seconds, snapshot)]
