"""How long batches take, and so how large they are to be."""

from __future__ import annotations

from collections import deque

import numpy as np

_PROMPT = 0.1  # seconds a batch should take, so that a person's probe need not wait long
_FIRST = 8  # rows in the first batch, which tells how long one takes
_LARGEST = 2048
_GROWTH = 4  # times as many rows as in the batch before, at most
_CALLS = 8  # looked back on
_UNLIKE = 2  # times as many rows: batches must differ by so much to tell what a row takes, and what a batch
_LEAST = 0.25  # of the seconds that a batch takes for each of its rows are the row's own, so that no line leaps far
_KEPT = 0.7  # of the weight of what was done before, with each batch


class Pace:
    """What is known of the seconds of a batch: so many whatever its size, and so many for each of its rows.

    A line through the last few, by medians, so that one slow batch changes little. Until two differ in size all seconds
    are the rows'; once none of the last few do, the line that was known is scaled, and another size is tried.

    Attributes
    ----------
    size : int
        How many rows the next batch should have: what is done in about the time that a person waits; more where most
        of that time would be no row's.
    rate : float
        Rows a second of late, 0 before the first.
    """

    def __init__(self) -> None:
        self.size = _FIRST
        self.rate = 0.0
        self._seen: deque[tuple[int, float]] = deque(maxlen=_CALLS)
        self._batch, self._row = 0.0, 1.0  # seconds
        self._rows = self._seconds = 0.0

    def note(self, rows: int, seconds: float) -> None:
        """Take how long a batch took, from when it was submitted."""
        self._seen.append((rows, max(seconds, 1e-6)))
        sizes, times = np.array(self._seen).T
        unlike = sizes[:, None] >= _UNLIKE * sizes
        if unlike.any():
            slopes = (times[:, None] - times)[unlike] / (sizes[:, None] - sizes)[unlike]
            most = float(np.median(times / sizes))
            self._row = min(max(float(np.median(slopes)), _LEAST * most), most)
            self._batch = max(0.0, float(np.median(times - self._row * sizes)))
        scale = float(np.median(times / (self._batch + self._row * sizes)))
        self._batch, self._row = scale * self._batch, scale * self._row
        best = max(_PROMPT - self._batch, self._batch) / self._row
        if len(sizes) == _CALLS and not unlike.any():
            best = best / _UNLIKE if best > _FIRST else _UNLIKE * rows
        self.size = int(min(max(1.0, best), _GROWTH * self.size, _LARGEST))

    def count(self, rows: int, seconds: float, share: float) -> None:
        """Take that rows are done, in seconds in which no others were: in this share of the batches that were out."""
        kept = _KEPT**share
        self._rows = kept * self._rows + rows
        self._seconds = kept * self._seconds + max(seconds, 1e-6)
        self.rate = self._rows / self._seconds
