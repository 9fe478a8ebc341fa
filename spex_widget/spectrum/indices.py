r"""Interaction indices, exact on a sparse spectrum.

Every index here is linear in the Möbius coefficients M of the set function, with weights that depend on sizes alone:

.. math:: I(S) = \sum_{T \supseteq S} w(|S|, |T|) \, M(T).

So one pass over the subsets of the spectrum's own sets gives any of them; an index is its table w.
"""

from __future__ import annotations

from math import comb

import numpy as np
import numpy.typing as npt

from spex_widget.spectrum.sets import all_subsets
from spex_widget.spectrum.sparse import SparseSpectrum

INDICES = ("Fourier", "Moebius", "BV", "SV", "BII", "SII", "FBII", "FSII")
"""The names of the indices. BV and SV speak of single players only."""

_CHUNK = 1 << 21  # subsets expanded at a time
_DENSE = 20  # up to so many players a table of all 2^n sets is worth a thought


def interactions(spectrum: SparseSpectrum, index: str = "FBII", max_order: int | None = None) -> SparseSpectrum:
    """An interaction index of every set that has one.

    Parameters
    ----------
    spectrum : SparseSpectrum
        The set function.
    index : str
        One of `INDICES`, upper or lower case.
    max_order : int, optional
        For FBII and FSII, the order ℓ of the approximation that defines them; for the others, what is larger is left
        out. By default the largest order of the spectrum.

    Returns
    -------
    SparseSpectrum
        The index of each set as its coefficient: a table of sets, no longer a Fourier spectrum (for "Fourier" it is).

    Raises
    ------
    ValueError
        If there is no such index, or max_order < 1.

    Notes
    -----
    Möbius from Fourier: M(S) = (−2)^|S| Σ_{T⊇S} F(T). Banzhaf and Shapley interaction indices: Grabisch and Roubens
    (1999). FBII and FSII: Tsai, Yeh and Ravikumar, "Faith-Shap" (JMLR 2023), equations 14 and 16. FBII of order ℓ is
    the Möbius transform of the spectrum cut at order ℓ, since that is the best approximation of that order under
    uniform coalitions.

    Examples
    --------
    >>> both = SparseSpectrum.from_values([0, 0, 0, 1])  # x0 and x1
    >>> interactions(both, "BII")[0, 1], interactions(both, "SV")[0]
    (1.0, 0.5)
    """
    name = check_index(index)
    if max_order is not None and max_order < 1:
        raise ValueError(f"max_order must be at least 1, got {max_order}")
    if name in ("BV", "SV"):
        name, max_order = name[0] + "II", 1
    limit = min(spectrum.max_order, max_order) if max_order is not None else spectrum.max_order
    if name == "Fourier":
        return spectrum.truncate(limit)
    if name == "FBII":
        return _moebius(spectrum.truncate(limit))
    moebius = _moebius(spectrum)
    if name == "Moebius":
        return moebius.truncate(limit)
    return _superset_sums(moebius, _weights(name, limit, spectrum.max_order), limit)


def check_index(index: str) -> str:
    """The index's name as `INDICES` spells it; ValueError where there is none such."""
    spelled = {name.lower(): name for name in INDICES} | {"möbius": "Moebius"}
    if not isinstance(index, str) or index.lower() not in spelled:
        raise ValueError(f"index must be one of {', '.join(INDICES)}, got {index!r}")
    return spelled[index.lower()]


def _moebius(spectrum: SparseSpectrum) -> SparseSpectrum:
    orders = np.arange(spectrum.max_order + 1)
    weights = np.where(orders[:, None] <= orders, (-2.0) ** orders[:, None], 0.0)
    return _superset_sums(spectrum, weights, spectrum.max_order)


def _superset_sums(spectrum: SparseSpectrum, weights: npt.NDArray[np.float64], max_order: int) -> SparseSpectrum:
    """Σ_{T⊇S} weights[|S|, |T|] · coefficient(T), for every S of order at most max_order inside a set held."""
    n = spectrum.n
    if n <= _DENSE and (1 << spectrum.orders).sum() > 1 << n:
        return _superset_sums_of_all(spectrum, weights, max_order)
    total = SparseSpectrum(n, spectrum.members[:0, :0], spectrum.coefficients[:0])
    step = max(1, _CHUNK >> spectrum.max_order)
    for start in range(0, len(spectrum), step):
        rows = slice(start, start + step)
        subsets, source = all_subsets(spectrum.members[rows], n)
        small = (subsets < n).sum(axis=1)
        kept = small <= max_order
        subsets, source, small = subsets[kept], source[kept], small[kept]
        terms = weights[small, spectrum.orders[rows][source]] * spectrum.coefficients[rows][source]
        total = total + SparseSpectrum.from_terms(n, subsets, terms)
    # Sums that should cancel leave rounding errors, which are no interactions.
    largest = np.abs(spectrum.coefficients).max(initial=0.0) * np.abs(weights).max(initial=0.0)
    real = np.abs(total.coefficients) > 1e-13 * largest
    return SparseSpectrum(n, total.members[real], total.coefficients[real])


def _superset_sums_of_all(spectrum: SparseSpectrum, weights: npt.NDArray[np.float64], max_order: int) -> SparseSpectrum:
    """The same by a table of all 2^n sets, n 2^n steps an order: quicker where the sets held have more subsets."""
    n = spectrum.n
    bits = np.append(1 << np.arange(n), 0)
    position = bits[spectrum.members].sum(axis=1)
    orders = np.zeros(1 << n, dtype=np.int64)
    for i in range(n):
        orders[1 << i : 2 << i] = orders[: 1 << i] + 1
    small = orders <= max_order
    total = np.zeros(1 << n)
    for order in np.unique(spectrum.orders):
        sums = np.zeros(1 << n)
        sums[position] = np.where(spectrum.orders == order, spectrum.coefficients, 0.0)
        for i in range(n):
            halves = sums.reshape(-1, 2, 1 << i)
            halves[:, 0] += halves[:, 1]
        total[small] += weights[orders[small], order] * sums[small]
    return SparseSpectrum.from_table(total)


def _weights(name: str, limit: int, largest: int) -> npt.NDArray[np.float64]:
    """The table w(s, t) of an index, (limit + 1, largest + 1)."""
    table = np.zeros((limit + 1, largest + 1))
    for s in range(limit + 1):
        for t in range(s, largest + 1):
            table[s, t] = _weight(name, s, t, limit)
    return table


def _weight(name: str, s: int, t: int, limit: int) -> float:
    if name == "BII":
        return 0.5 ** (t - s)
    if name == "SII":
        return 1.0 / (t - s + 1)
    # FSII: a term of order t > ℓ is shared out among the sets of order at most ℓ below it.
    if t <= limit:
        return float(s == t)
    if s == 0:
        return 0.0
    sign = -1.0 if (limit - s) % 2 else 1.0
    share = s / (limit + s) * comb(limit, s) * comb(t - 1, limit) / comb(t + limit - 1, limit + s)
    return sign * share
