"""Sets of players that may matter: what the trees propose, and what a screen of all pairs and triples finds."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from spex_widget.spectrum import SparseSpectrum, all_subsets, characters, group, set_orders
from spex_widget.spectrum.arguments import BoolArray, FloatArray
from spex_widget.spectrum.sets import IntArray, stack_sets

_TRIPLES_UP_TO = 256  # players: more would take seconds
_GROWN_FROM = 150  # sets


def singles(n: int) -> IntArray:
    """Every single player as a set; (n, 1)."""
    return np.arange(n, dtype=np.int32)[:, None]


def strongest_singles(coalitions: BoolArray, values: FloatArray, top: int) -> IntArray:
    """The `top` players that correlate most with values (m,); (≤ top, 1)."""
    sizes = np.abs((1 - 2.0 * coalitions).T @ (values - values.mean()))
    return np.sort(np.argsort(-sizes, kind="stable")[:top]).astype(np.int32)[:, None]


def every_set(n: int, order: int) -> IntArray:
    """All sets of so many of n players, (C(n, order), order)."""
    if order == 2:  # the one that is large
        return np.stack(np.triu_indices(n, 1), axis=1).astype(np.int32)
    sets = list(combinations(range(n), order))
    return np.array(sets, dtype=np.int32).reshape(len(sets), order)


def union(n: int, *sets: IntArray) -> IntArray:
    """The distinct sets of at least one player, from several arrays of them; (p, d)."""
    members, _ = group(stack_sets(n, *sets), n)
    return members[set_orders(members, n) > 0]


def propose(spectrum: SparseSpectrum, top: int) -> IntArray:
    """The `top` sets of largest coefficient, and all their subsets; (p, d), none of them empty."""
    largest = np.argsort(-np.abs(spectrum.coefficients), kind="stable")[:top]
    subsets, _ = all_subsets(spectrum.members[largest], spectrum.n)
    return union(spectrum.n, subsets)


def screen(coalitions: BoolArray, residuals: FloatArray, top: int) -> IntArray:
    """The `top` pairs, and for up to 256 players the `top` triples, that correlate most with residuals (m,).

    A guard against functions without hierarchy, of which trees see nothing: all pairs are one matrix product, all
    triples one a player.

    Examples
    --------
    >>> x = np.random.default_rng(0).random((200, 9)) < 0.5
    >>> screen(x, (1 - 2.0 * x[:, 2]) * (1 - 2.0 * x[:, 5]) * (1 - 2.0 * x[:, 7]), 1)[1]
    array([2, 5, 7], dtype=int32)
    """
    n = coalitions.shape[1]
    signs = 1 - 2 * coalitions.astype(np.float32)
    weighted = signs * residuals.astype(np.float32)[:, None]
    pairs = _largest(weighted.T @ signs, top)
    if not 3 <= n <= _TRIPLES_UP_TO:
        return pairs
    sets, sizes = [], []
    for first in range(n - 2):
        rest = signs[:, first + 1 :]
        table = (rest * weighted[:, first : first + 1]).T @ rest
        found = _largest(table, top)
        sets.append(np.column_stack([np.full(len(found), first, dtype=np.int32), found + np.int32(first + 1)]))
        sizes.append(np.abs(table[found[:, 0], found[:, 1]]))
    best = np.argsort(-np.concatenate(sizes), kind="stable")[:top]
    return union(n, pairs, np.concatenate(sets)[best])


def grow(spectrum: SparseSpectrum, coalitions: BoolArray, residuals: FloatArray, top: int) -> IntArray:
    """The `top` sets of one player more than the largest found that correlate most with residuals (m,); (≤ top, d).

    Where the function is hierarchical this finds orders that no screen reaches, at the price of one matrix product.

    Examples
    --------
    >>> x = np.random.default_rng(0).random((200, 9)) < 0.5
    >>> known = SparseSpectrum.from_sets(9, {(1, 4, 8): 1.0, (0,): 0.5})
    >>> grow(known, x, np.prod(1 - 2.0 * x[:, [1, 4, 6, 8]], axis=1), 1)
    array([[1, 4, 6, 8]], dtype=int32)
    """
    n = spectrum.n
    largest = np.argsort(-np.abs(spectrum.coefficients), kind="stable")
    base = spectrum.members[largest[spectrum.orders[largest] > 0][:_GROWN_FROM]]
    table = (characters(coalitions, base) * residuals[:, None]).T @ (1 - 2.0 * coalitions)
    inside = np.zeros((len(base), n + 1), dtype=bool)
    np.put_along_axis(inside, base.astype(np.int64), True, axis=1)
    sizes = np.where(inside[:, :n], -1.0, np.abs(table))
    best = np.argsort(-sizes, axis=None, kind="stable")[: min(top, int((sizes >= 0).sum()))]
    row, player = np.unravel_index(best, table.shape)
    return union(n, np.sort(np.column_stack([base[row], player]), axis=1))


def _largest(table: FloatArray, top: int) -> IntArray:
    """The positions (≤ top, 2) above the diagonal of the largest sizes."""
    rows, columns = np.triu_indices(len(table), 1)
    sizes = np.abs(table[rows, columns])
    best = np.argpartition(-sizes, top - 1)[:top] if len(sizes) > top else np.arange(len(sizes))
    return np.stack([rows[best], columns[best]], axis=1).astype(np.int32)
