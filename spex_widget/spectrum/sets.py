"""Sets of players as rows of integers: ascending players, then n as padding."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer]


def pad_sets(sets: Collection[Iterable[int]], n: int) -> IntArray:
    """Rows of players from sets of players.

    Raises
    ------
    ValueError
        If a player is out of range or stands twice in a set.

    Examples
    --------
    >>> pad_sets([(), (2, 0)], 3)
    array([[3, 3],
           [0, 2]], dtype=int32)
    """
    rows = [sorted(int(i) for i in s) for s in sets]
    for row in rows:
        if row and (row[0] < 0 or row[-1] >= n or len(set(row)) < len(row)):
            raise ValueError(f"a set holds players from 0 to {n - 1}, each once, got {row}")
    width = max(map(len, rows), default=0)
    return np.array([row + [n] * (width - len(row)) for row in rows], dtype=np.int32).reshape(len(rows), width)


def stack_sets(n: int, *sets: IntArray) -> IntArray:
    """Several arrays of sets, one below the other, padded to the same width."""
    stacked = np.full((sum(map(len, sets)), max(s.shape[1] for s in sets)), n, dtype=np.int32)
    below = 0
    for s in sets:
        stacked[below : below + len(s), : s.shape[1]] = s
        below += len(s)
    return stacked


def set_orders(members: IntArray, n: int) -> IntArray:
    """How many players each row holds, (rows,) int64."""
    return np.asarray((members < n).sum(axis=1), dtype=np.int64)


def set_keys(members: IntArray, n: int) -> IntArray | None:
    """A different int64 for every set, ascending with (order, players); None where 63 bits are too few.

    A set of at most d players out of n is a number of d digits to the base n + 1, in which the padding, read as 0,
    comes first: a smaller set has a smaller key.
    """
    width = members.shape[1]
    if width * np.log2(n + 1) >= 63:
        return None
    digits = np.sort(np.where(members < n, members + 1, 0), axis=1).astype(np.int64)
    keys = np.zeros(len(members), dtype=np.int64)
    for digit in digits.T:
        keys = keys * (n + 1) + digit
    return keys


def group(members: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """The distinct sets, sorted by order and then by players, and which of them each row is.

    Returns
    -------
    unique : ndarray of shape (K, d), int32
    which : ndarray of shape (rows,), int64
        ``unique[which] == members``.
    """
    if members.shape[1] == 0:
        return members[:1], np.zeros(len(members), dtype=np.int64)
    keys = set_keys(members, n)
    if keys is None:
        order = np.lexsort((*members.T[::-1], set_orders(members, n)))
        ascending = members[order]
        new = np.append(True, (ascending[1:] != ascending[:-1]).any(axis=1))[: len(members)]
        which = np.empty(len(members), dtype=np.int64)
        which[order] = np.cumsum(new) - 1
        return ascending[new], which
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    return members[first], which.reshape(-1)


def subset_positions(needles: IntArray, sets: IntArray, n: int) -> IntArray:
    """Where each row of `needles` stands among the distinct rows of `sets`, −1 where it does not; (rows,) int64."""
    unique, which = group(stack_sets(n, sets, needles), n)
    place = np.full(len(unique), -1, dtype=np.int64)
    place[which[: len(sets)]] = np.arange(len(sets))
    return place[which[len(sets) :]]


def all_subsets(members: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """Every subset of every row: the subsets (T, d), padded with n, and the row that each comes from, (T,) int64."""
    orders = set_orders(members, n)
    subsets, sources = [], []
    width = members.shape[1]
    for order in np.unique(orders):
        rows = np.flatnonzero(orders == order)
        chosen = (np.arange(1 << int(order))[:, None] >> np.arange(int(order))) & 1 == 1
        block = np.where(chosen[None], members[rows, None, : int(order)], n)
        padded = np.full((len(rows) * len(chosen), width), n, dtype=np.int32)
        padded[:, : int(order)] = np.sort(block.reshape(len(padded), int(order)), axis=1)
        subsets.append(padded)
        sources.append(np.repeat(rows, len(chosen)))
    if not subsets:
        return members[:0].astype(np.int32), np.zeros(0, dtype=np.int64)
    return np.concatenate(subsets), np.concatenate(sources)
