"""The refiner of the paper: the coefficients that hold 95 % of the proxy's energy, refitted by ridge regression."""

from __future__ import annotations

import numpy as np

from spex_widget.spectrum import SparseSpectrum, characters
from spex_widget.spectrum.arguments import BoolArray, FloatArray

_ENERGY = 0.95
_PENALTIES = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)


def fit_ridge(coalitions: BoolArray, values: FloatArray, proxy: SparseSpectrum) -> SparseSpectrum:
    """Refit the largest coefficients of a proxy to values (m,) at coalitions (m, n) (arXiv 2505.17495, section 3).

    Of the coefficients of order 1 and more, as many of the largest as hold 95 % of their energy are kept.
    """
    from sklearn.linear_model import RidgeCV

    n = proxy.n
    order = np.argsort(-np.abs(proxy.coefficients), kind="stable")
    order = order[proxy.orders[order] > 0]
    energy = np.cumsum(proxy.coefficients[order] ** 2)
    if not len(order) or energy[-1] == 0:
        return SparseSpectrum.from_sets(n, {(): float(values.mean())})
    kept = proxy.members[order[: 1 + int(np.searchsorted(energy, _ENERGY * energy[-1]))]]
    ridge = RidgeCV(_PENALTIES).fit(characters(coalitions, kept), values)
    return SparseSpectrum.from_terms(n, kept, ridge.coef_, float(ridge.intercept_))
