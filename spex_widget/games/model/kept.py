"""What is kept from call to call while a model does not change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.model.prefix import Prefix
from spex_widget.spectrum.arguments import FloatArray

IntArray = npt.NDArray[np.int64]
RowKey = tuple[int, bytes]

_MOST = 2**25  # bytes of rows that are remembered


@dataclass
class Kept:
    """What earlier calls made of a model: outside of a stretch in which it does not change, of none.

    Parameters
    ----------
    remembers : bool
        Whether the values of rows are kept.
    prefix : Prefix or None
        What the calls begin with.
    last : list of ndarray
        A row of the call before.
    """

    remembers: bool = False
    prefix: Prefix | None = None
    last: list[IntArray] = field(default_factory=list)
    _known: dict[Any, dict[RowKey, FloatArray]] = field(default_factory=dict)
    _bytes: int = 0

    def known(self, question: Any) -> dict[RowKey, FloatArray]:
        """The values of rows that a question, anything hashable, was asked of."""
        return self._known.get(question, {})

    def remember(self, question: Any, rows: Sequence[RowKey], values: FloatArray) -> None:
        """Keep the values of rows, (rows, outputs), as long as they are not too many."""
        if self.remembers and self._bytes < _MOST:
            self._known.setdefault(question, {}).update(zip(rows, values, strict=True))
            self._bytes += sum(len(row) for _, row in rows)
