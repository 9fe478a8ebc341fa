"""Ablations by number, as they come back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.spectrum.arguments import BoolArray, FloatArray


class Rows:
    """Coalitions by number and the values that have come back, in arrays that grow.

    What `known` returned stays as it was: a grown array is a new one, and rows that are in do not change.
    """

    def __init__(self, n: int) -> None:
        self._coalitions = np.empty((0, n), dtype=np.bool_)
        self._values: FloatArray | None = None
        self._told = np.empty(0, dtype=np.bool_)
        self._size = 0
        self._ready = 0

    def add(self, coalitions: BoolArray) -> None:
        """Append coalitions whose values are still out."""
        end = self._size + len(coalitions)
        if end > len(self._told):
            room = max(end, 2 * len(self._told), 1024)
            self._coalitions = _grown(self._coalitions, room)
            self._told = _grown(self._told, room)
            self._told[self._size :] = False
            if self._values is not None:
                self._values = _grown(self._values, room)
        self._coalitions[self._size : end] = coalitions
        self._size = end

    def fill(self, start: int, values: FloatArray) -> None:
        """Take the values (k, outputs) of the coalitions from number `start` on."""
        if self._values is None:
            self._values = np.full((len(self._told), values.shape[1]), np.nan)
        self._values[start : start + len(values)] = values
        self._told[start : start + len(values)] = True
        while self._ready < self._size and self._told[self._ready]:
            self._ready += 1

    def known(self, most: int | None = None) -> tuple[BoolArray, FloatArray]:
        """The coalitions (k, n) and values (k, outputs) up to the first that is still out, or at most `most`."""
        if self._values is None:
            return self._coalitions[:0], np.empty((0, 1))
        ready = self._ready if most is None else min(self._ready, most)
        return self._coalitions[:ready], self._values[:ready]


def _grown(array: npt.NDArray[Any], room: int) -> npt.NDArray[Any]:
    out = np.empty((room, *array.shape[1:]), dtype=array.dtype)
    out[: len(array)] = array
    return out
