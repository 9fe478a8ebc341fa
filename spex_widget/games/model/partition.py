"""Which rows share a pass: as few tokens for nothing as the passes that this takes are worth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def partition(lengths: IntArray, most_rows: int, most_tokens: int, pass_tokens: float) -> list[int]:
    """Cut rows, the longest first, into batches that cost the least time, or near it.

    Dynamic programming over the lengths that there are: which of them go together. The cost is that of all tokens with
    their padding, and of the passes. Where that is more rows than a batch holds, they are shared out evenly, each
    share reckoned as if it were of the longest.

    Parameters
    ----------
    lengths : ndarray of shape (m,), int64
        Tokens of each row, at least 1, descending.
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
    >>> lengths = np.array([31, 30, 30, 30, 3, 2, 2])
    >>> partition(lengths, 64, 2_048, pass_tokens=10)
    [4, 7]
    >>> partition(lengths, 2, 2_048, pass_tokens=10)
    [2, 4, 5, 7]
    """
    sizes, counts = np.unique(lengths, return_counts=True)
    upto = np.append(0, counts.cumsum())
    most = np.clip(most_tokens // sizes, 1, most_rows)
    least, first, passes = np.zeros(len(sizes) + 1), [0] * len(sizes), [0] * len(sizes)
    for last, size in enumerate(sizes):
        rows = upto[last + 1] - upto[: last + 1]  # from each length on
        needed = -(-rows // most[last])
        totals = least[: last + 1] + rows * size + pass_tokens * needed
        first[last] = start = int(np.argmin(totals))
        passes[last], least[last + 1] = int(needed[start]), totals[start]
    ends: list[int] = []
    last = len(sizes) - 1
    while last >= 0:
        start, stop, count = upto[first[last]], upto[last + 1], passes[last]
        ends += (len(lengths) - stop + np.arange(1, count + 1) * (stop - start) // count).tolist()
        last = first[last] - 1
    return ends
