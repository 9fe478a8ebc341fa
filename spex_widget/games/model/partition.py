"""Which rows share a pass: as few tokens for nothing as the passes that this takes are worth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def partition(lengths: IntArray, most_rows: int, most_tokens: int, pass_tokens: float) -> list[int]:
    """Cut rows, sorted by length, into batches that cost the least time.

    Dynamic programming over the lengths that there are: rows of equal length stay together, but where they are more
    than a batch holds. The cost is that of all tokens with their padding, and of the passes.

    Parameters
    ----------
    lengths : ndarray of shape (m,), int64
        Tokens of each row, at least 1, ascending.
    most_rows, most_tokens : int
        The most that a batch may hold, padding included; a row that is longer is a batch of its own.
    pass_tokens : float
        How many tokens take as long as what a pass takes by itself.

    Returns
    -------
    list of int
        Where each batch ends, ascending; the last of them m.

    Examples
    --------
    >>> lengths = np.array([2, 2, 3, 30, 30, 30, 31])
    >>> partition(lengths, 64, 2_048, pass_tokens=10)
    [3, 7]
    >>> partition(lengths, 2, 2_048, pass_tokens=10)
    [2, 3, 5, 7]
    """
    sizes, counts = np.unique(lengths, return_counts=True)
    upto = np.append(0, counts.cumsum())
    rows = upto[1:, None] - upto[:-1]  # of the lengths from the one of the column to the one of the row
    most = np.clip(most_tokens // sizes, 1, most_rows)[:, None]
    passes = -(-rows // most)
    cost = rows * sizes[:, None] + pass_tokens * passes
    least, first = np.zeros(len(sizes) + 1), np.zeros(len(sizes), dtype=np.int64)
    for last in range(len(sizes)):
        totals = least[: last + 1] + cost[last, : last + 1]
        first[last] = np.argmin(totals)
        least[last + 1] = totals[first[last]]
    ends: list[int] = []
    last = len(sizes) - 1
    while last >= 0:
        start = first[last]
        shares = np.arange(passes[last, start], 0, -1) * rows[last, start] // passes[last, start]
        ends += (upto[start] + shares).tolist()
        last = start - 1
    return ends[::-1]
