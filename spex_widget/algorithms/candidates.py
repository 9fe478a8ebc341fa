"""Sets of players that may matter: what the trees propose, and what a screen of all pairs and triples finds."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from spex_widget.algorithms.atoms import OFFSETS, literals
from spex_widget.spectrum import SparseSpectrum, all_subsets, group, products, set_orders
from spex_widget.spectrum.arguments import BoolArray, Float32Array, FloatArray
from spex_widget.spectrum.sets import IntArray, stack_sets

_TRIPLES_UP_TO = 256  # players: more would take seconds
_SCREENED = 1 << 34  # products of a screen of pairs at most: past it, the first rows speak for all
_LARGEST = 8  # players of a set that is grown: a conjunction of k is 2^k Fourier coefficients


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


def screen(coalitions: BoolArray, residuals: FloatArray, kinds: tuple[str, ...], top: int) -> dict[str, IntArray]:
    """The `top` pairs, and for up to 256 players the `top` triples, whose atoms correlate most with residuals (m,).

    A guard against functions without hierarchy, of which trees see nothing: all pairs are one matrix product, all
    triples one a player. As a literal is z + offset, the products of every kind follow from those of the z.

    Parameters
    ----------
    coalitions : ndarray of shape (m, n), bool
    kinds : tuple of str
        Of atoms, see `algorithms.atoms`; each has its own sets in what is returned.

    Examples
    --------
    >>> x = np.random.default_rng(0).random((200, 9)) < 0.5
    >>> screen(x, x[:, [2, 5, 7]].sum(axis=1) % 2, ("parity",), 1)["parity"][1]
    array([2, 5, 7], dtype=int32)
    """
    n = coalitions.shape[1]
    rows = max(_SCREENED // n**2, 1)
    z, residuals = literals(coalitions[:rows], "parity"), residuals[:rows]
    weighted = z * (residuals - residuals.mean()).astype(np.float32)[:, None]
    # Of Σ r z_i, Σ r z_i z_j, Σ r z_i z_j z_k; Σ r is 0.
    single, pair = weighted.sum(axis=0), weighted.T @ z
    either = single + single[:, None]
    found = {kind: _largest(pair + OFFSETS[kind] * either, top)[0] for kind in kinds}
    if not 3 <= n <= _TRIPLES_UP_TO:
        return found
    triples = {kind: (np.zeros((0, 3), dtype=np.int32), np.zeros(0, dtype=np.float32)) for kind in kinds}
    for first in range(n - 2):
        rest = slice(first + 1, None)
        triple = (z[:, rest] * weighted[:, first : first + 1]).T @ z[:, rest]
        lower = pair[first, rest] + pair[first, rest, None] + pair[rest, rest]
        lowest = single[first] + either[rest, rest]
        for kind, (sets, sizes) in triples.items():
            offset = OFFSETS[kind]
            least = float(sizes.min()) if len(sizes) == top else 0.0
            others, new = _largest(triple + offset * (lower + offset * lowest), top, least)
            others = np.column_stack([np.full(len(others), first, dtype=np.int32), others + np.int32(first + 1)])
            sets, sizes = np.concatenate([sets, others]), np.append(sizes, new)
            best = np.argsort(-sizes, kind="stable")[:top]
            triples[kind] = sets[best], sizes[best]
    return {kind: union(n, found[kind], triples[kind][0]) for kind in kinds}


def grow(literals: Float32Array, sets: IntArray, residuals: FloatArray, top: int) -> IntArray:
    """The `top` sets of one player more than some (p, d) whose atoms correlate most with residuals (m,); (≤ top, d).

    Where the function is hierarchical this finds orders that no screen reaches, at the price of one matrix product.

    Parameters
    ----------
    literals : ndarray of shape (m, n), float32
        See `algorithms.atoms`.

    Examples
    --------
    >>> z = 1 - 2 * (np.random.default_rng(0).random((200, 9)) < 0.5).astype(np.float32)
    >>> grow(z, np.array([[1, 4, 8], [0, 9, 9]]), z[:, [1, 4, 6, 8]].prod(axis=1), 1)
    array([[1, 4, 6, 8]], dtype=int32)
    """
    m, n = literals.shape
    sets = sets[set_orders(sets, n) < _LARGEST]
    base = products(literals, sets)
    centred = (residuals - residuals.mean()).astype(np.float32)
    table = (base * centred[:, None]).T @ literals
    sums = base.T @ literals
    variances = (base**2).T @ literals**2 - sums * (sums / m)
    inside = np.zeros((len(sets), n + 1), dtype=bool)
    np.put_along_axis(inside, sets.astype(np.int64), True, axis=1)
    gains = np.where(inside[:, :n] | (variances < 1), -1.0, table**2 / np.maximum(variances, 1))
    top = min(top, int((gains >= 0).sum()))
    best = np.argpartition(-gains, max(top - 1, 0), axis=None)[:top]
    row, player = np.unravel_index(best, table.shape)
    return union(n, np.sort(np.column_stack([sets[row], player]), axis=1))


def _largest(table: Float32Array, top: int, least: float = 0.0) -> tuple[IntArray, Float32Array]:
    """The positions (≤ top, 2) above the diagonal of the largest sizes that are over `least`, and these sizes."""
    sizes = np.abs(table)
    # A sample of the rows holds no pair more than twice, and the diagonal: what is below this is not among the largest.
    sample, rank = sizes[::8], 2 * top + len(sizes[::8])
    if sample.size > rank:
        least = max(least, float(np.nextafter(np.partition(sample, -rank, axis=None)[-rank], np.float32(0))))
    rows, columns = np.nonzero(sizes > least)  # few: no triangle of indices is needed
    above = rows < columns
    rows, columns = rows[above], columns[above]
    sizes = sizes[rows, columns]
    if len(sizes) > top:
        best = np.argpartition(-sizes, top - 1)[:top]
        rows, columns, sizes = rows[best], columns[best], sizes[best]
    return np.stack([rows, columns], axis=1).astype(np.int32), sizes
