"""Interaction indices, exact on a sparse spectrum: of all sets, or as a linear map for the sets that are asked for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.spectrum.arguments import FloatArray
from spex_widget.spectrum.sets import IntArray, all_subsets, set_orders
from spex_widget.spectrum.sparse import SparseSpectrum
from spex_widget.spectrum.weights import fourier_weights, index_order

_CHUNK = 1 << 21  # subsets expanded at a time
_DENSE = 20  # up to so many players a table of all 2^n sets is worth a thought
_ROUNDING = 1e-13  # of the sizes of its terms, is nothing: what is left of a sum that should cancel


def interactions(spectrum: SparseSpectrum, index: str = "FBII", max_order: int | None = None) -> SparseSpectrum:
    r"""An interaction index of every set that has one.

    Parameters
    ----------
    spectrum : SparseSpectrum
        The set function v.
    index : str
        One of `INDICES`; case, hyphens and umlauts are free.
    max_order : int, optional
        The largest order of the sets. By default the largest order of the spectrum, at which k-SII, STII, FBII and FSII
        are all the Möbius transform; a larger one changes nothing. What it means to each index:

        - *Fourier, Moebius, BII, SII*: larger sets are left out, nothing else changes.
        - *k-SII, STII, FBII, FSII*: the order (k or ℓ) that defines the index. What v does at larger orders is shared
          out among the sets up to this one, so each value changes with it.
        - *BV, SV*: nothing, their order is 1.

    Returns
    -------
    SparseSpectrum
        The index of each set as its coefficient: a table of sets, no longer a Fourier spectrum (for "Fourier" it is).
        Of the empty set: v(∅) for Möbius, SV, k-SII, STII and FSII, so that the last four, summed over all sets, give
        v of all players; the constant of the approximation for BV and FBII; the mean of v for Fourier and BII; for SII
        the mean over coalitions whose sizes are equally likely.

    Raises
    ------
    TypeError, ValueError
        If there is no such index, or max_order is no whole number of at least 1.

    Notes
    -----
    BII and SII are mean discrete derivatives: Grabisch and Roubens (1999). k-SII aggregates SII over the larger sets up
    to order k with Bernoulli numbers: the n-Shapley values of Bordt and von Luxburg (AISTATS 2023). STII is the
    discrete derivative at ∅ below its order, and at its order the mean derivative over all orders of coming:
    Sundararajan, Dhamdhere and Agarwal (ICML 2020). FBII and FSII are the best approximations of their order under
    uniform coalitions and under the Shapley kernel: Tsai, Yeh and Ravikumar, "Faith-Shap" (JMLR 2023), equations 14 and
    16.

    Examples
    --------
    >>> both = SparseSpectrum.from_values([0, 0, 0, 1])  # x0 and x1
    >>> interactions(both, "BII")[0, 1], interactions(both, "SV")[0]
    (1.0, 0.5)
    """
    return _interactions(spectrum, *index_order(index, max_order, spectrum.max_order))


@lru_cache(maxsize=32)  # rows, kinds and flags of a snapshot ask for the same, and so do the rounds after it
def _interactions(spectrum: SparseSpectrum, name: str, limit: int) -> SparseSpectrum:
    weights = fourier_weights(name, limit, spectrum.max_order)
    table = _superset_sums(spectrum, weights)
    sizes = SparseSpectrum(table.n, spectrum.members, np.abs(spectrum.coefficients))
    terms = _superset_sums(sizes, np.abs(weights)).at(table.members)
    real = np.abs(table.coefficients) > _ROUNDING * terms
    return SparseSpectrum(table.n, table.members[real], table.coefficients[real])


def index_weights(
    spectrum_members: IntArray, n: int, sets: IntArray, index: str = "FBII", max_order: int | None = None
) -> Any:
    """An interaction index of some sets as a linear map of Fourier coefficients.

    Parameters
    ----------
    spectrum_members : ndarray of shape (K, d), int
        The supports T: a set a row, its players ascending, padded with n.
    n : int
        The number of players.
    sets : ndarray of shape (rows, e), int
        The sets S whose index is asked for, padded likewise. A set that the index does not have is a row of zeros.
    index, max_order
        As in `interactions`; by default the largest order among the supports.

    Returns
    -------
    scipy.sparse.csr_array of shape (rows, K), float64
        Its product with the coefficients F(T), (K,), is the index of the sets, (rows,); with those of several spectra,
        (K, outputs), of several.

    Raises
    ------
    TypeError, ValueError
        If there is no such index, or max_order is no whole number of at least 1.

    Notes
    -----
    Which sets lie in which supports is one sparse product, Σ_i (sets with i) × (supports with i) steps, whatever the
    orders.

    Examples
    --------
    >>> supports, sets = np.array([[0, 3], [0, 1]]), np.array([[0], [1]])
    >>> index_weights(supports, 3, sets, "Moebius").toarray()
    array([[-2., -2.],
           [ 0., -2.]])
    """
    from scipy.sparse import csr_array

    above, below = set_orders(spectrum_members, n), set_orders(sets, n)
    largest = int(above.max(initial=0))
    name, limit = index_order(index, max_order, largest)
    weights = np.zeros((int(below.max(initial=0)) + 1, largest + 1))
    table = fourier_weights(name, limit, largest)[: len(weights)]
    weights[: len(table)] = table
    # Column n is a player who is in every support, and alone in the empty set.
    shared = (_incidence(sets, n, below == 0) @ _incidence(spectrum_members, n, above >= 0).T).tocoo()
    rows, columns = shared.coords
    values = np.where(shared.data == np.maximum(below, 1)[rows], weights[below[rows], above[columns]], 0.0)
    kept = values != 0
    return csr_array((values[kept], (rows[kept], columns[kept])), shape=(len(sets), len(spectrum_members)))


def _incidence(members: IntArray, n: int, extra: npt.NDArray[np.bool_]) -> Any:
    """Which player is in which set, and `extra` as one more column: sparse, (rows, n + 1) int64."""
    from scipy.sparse import csr_array

    rows, columns = np.nonzero(members < n)
    added = np.flatnonzero(extra)
    at = (np.append(rows, added), np.append(members[rows, columns], np.full(len(added), n)))
    return csr_array((np.ones(len(at[0]), dtype=np.int64), at), shape=(len(members), n + 1))


def _superset_sums(spectrum: SparseSpectrum, weights: FloatArray) -> SparseSpectrum:
    """Σ_{T⊇S} weights[|S|, |T|] · coefficient(T), for every S inside a set held that has a row of weights."""
    n = spectrum.n
    if n <= _DENSE and (1 << spectrum.orders).sum() > 1 << n:
        return _superset_sums_of_all(spectrum, weights)
    total = SparseSpectrum(n, spectrum.members[:0, :0], spectrum.coefficients[:0])
    step = max(1, _CHUNK >> spectrum.max_order)
    for start in range(0, len(spectrum), step):
        rows = slice(start, start + step)
        subsets, source = all_subsets(spectrum.members[rows], n)
        small = set_orders(subsets, n)
        kept = small < len(weights)
        subsets, source, small = subsets[kept], source[kept], small[kept]
        terms = weights[small, spectrum.orders[rows][source]] * spectrum.coefficients[rows][source]
        total = total + SparseSpectrum.from_terms(n, subsets[terms != 0], terms[terms != 0])
    return total


def _superset_sums_of_all(spectrum: SparseSpectrum, weights: FloatArray) -> SparseSpectrum:
    """The same by a table of all 2^n sets, n 2^n steps an order: quicker where the sets held have more subsets."""
    n = spectrum.n
    bits = np.append(1 << np.arange(n), 0)
    position = bits[spectrum.members].sum(axis=1)
    orders = np.zeros(1 << n, dtype=np.int64)
    for i in range(n):
        orders[1 << i : 2 << i] = orders[: 1 << i] + 1
    small = orders < len(weights)
    total = np.zeros(1 << n)
    for order in np.unique(spectrum.orders):
        sums = np.zeros(1 << n)
        sums[position] = np.where(spectrum.orders == order, spectrum.coefficients, 0.0)
        for i in range(n):
            halves = sums.reshape(-1, 2, 1 << i)
            halves[:, 0] += halves[:, 1]
        total[small] += weights[orders[small], order] * sums[small]
    return SparseSpectrum.from_table(total)
