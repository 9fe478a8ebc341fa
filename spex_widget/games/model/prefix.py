"""The tokens that all rows begin with, run once: their keys and values are shared by every batch."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
# Below this, laying the cache before every batch costs what it saves.
SHORTEST = 16


class Prefix:
    """What a causal model computed of the tokens that all rows begin with.

    Parameters
    ----------
    tokens : ndarray of shape (k, length), int64
        The lines of every row, up to where rows may differ.
    cache : transformers.Cache
        What the model keeps of one row of them.
    """

    def __init__(self, tokens: IntArray, cache: Any) -> None:
        self.tokens = tokens
        self._cache = cache

    def __len__(self) -> int:
        return int(self.tokens.shape[1])

    def begins(self, row: IntArray) -> bool:
        """Whether a row begins with it, and has a token of its own behind it: from that the model goes on."""
        return bool(row.shape[1] > len(self)) and np.array_equal(row[:, : len(self)], self.tokens)

    def for_rows(self, rows: int) -> Any:
        """The cache for a batch, to be used in one pass.

        Attention layers get a view of the one row, which they put in front of the batch's own keys and values without
        keeping the two together; so no more than one layer's are in memory at a time. What else a model keeps (the
        states of linear attention, which it changes in place) is copied.
        """
        import torch
        from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

        shared = copy.copy(self._cache)
        shared.layers = []
        for layer in self._cache.layers:
            if type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) and layer.is_initialized:
                shared.layers.append(_view(layer, rows))
            else:
                own = copy.deepcopy(layer)
                own.reorder_cache(torch.zeros(rows, dtype=torch.long))
                shared.layers.append(own)
        return shared


def beginning(rows: Sequence[IntArray]) -> int:
    """How many tokens several rows, (k, length) each, begin with alike, one of its own left to the shortest.

    Examples
    --------
    >>> beginning([np.array([[7, 8, 9, 4]]), np.array([[7, 8, 9, 5, 6]]), np.array([[7, 8, 1]])])
    2
    """
    length = int(min(row.shape[1] for row in rows)) - 1
    for some in (rows[:: len(rows) - 1], rows):  # two of them tell nearly always
        starts = np.stack([row[:, :length] for row in some])
        alike = (starts == starts[0]).all(axis=(0, 1))
        length = length if alike.all() else int(np.argmin(alike))
    return length


def _view(layer: Any, rows: int) -> Any:
    """An attention layer's cache of one row as that of several, which forgets what it is given."""
    import torch

    view = copy.copy(layer)
    view.keys, view.values = (kept.expand(rows, *kept.shape[1:]) for kept in (layer.keys, layer.values))

    def update(keys: Any, values: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
        return torch.cat([view.keys, keys], dim=-2), torch.cat([view.values, values], dim=-2)

    view.update = update
    return view
