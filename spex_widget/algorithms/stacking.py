"""How much each refiner is worth, by how well it foretold ablations that it had not seen.

Spectra add, so a weighted sum of them is one spectrum (Wolpert, "Stacked generalization",
1992; Breiman, "Stacked regressions", 1996).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import nnls

from spex_widget.spectrum import SparseSpectrum
from spex_widget.spectrum.arguments import FloatArray

_EXPECTED = {"linear": 0.1, "parities": 0.05, "conjunctions": 0.05, "lasso": 0.1, "process": 0.7}
_TOTAL = 0.9  # of what is expected: the rest is the mean's
# Times a row of values is what holds a sum to 1 (Lawson and Hanson, *Solving Least Squares Problems*, 1974, ch. 22).
_HEAVY = 1e3
_ROUNDING = 1e-20  # of the largest square
_TRUST, _FEW = 24.0, 64  # rows that what is expected counts for; more where fewer than so many have been foretold


def expected_weights(names: Sequence[str]) -> FloatArray:
    """Weights of refiners while nothing is known of them, (names,): a single one is taken as it is."""
    if len(names) == 1:
        return np.ones(1)
    weights = np.array([_EXPECTED[name] for name in names])
    return np.asarray(_TOTAL * weights / weights.sum())


def stacking_weights(
    names: Sequence[str], foretold: Mapping[str, FloatArray], values: FloatArray, mean: float
) -> FloatArray:
    """Non-negative weights by least squares, drawn towards what is expected; (names,) float64.

    What they lack to 1 is the mean's. They never sum to more: what a refiner foretold too small by luck, of few values,
    is not to be multiplied up.

    Parameters
    ----------
    names : sequence of str
        The refiners. The weight of a single one is 1.
    foretold : mapping of str to ndarray of shape (k,)
        What each foretold of the values, before it had seen them.
    values : ndarray of shape (k,), float64
    mean : float
        That of all values, since of a rare event these may hold none.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(size=500)
    >>> foretold = {"lasso": np.zeros(500), "process": values}
    >>> stacking_weights(("lasso", "process"), foretold, values, values.mean()).round(2)
    array([0., 1.])
    """
    expected = expected_weights(names)
    if len(names) == 1 or not len(values):
        return expected
    columns, y = np.column_stack([foretold[name] for name in names]) - mean, values - mean
    scale = np.abs(y).max() or np.abs(columns).max() or 1.0  # no square overflows so
    columns, y = columns / scale, y / scale
    # Ridge towards the expected, as strong as so many rows with the error of the best refiner.
    error = ((y[:, None] - columns) ** 2).mean(axis=0).min()
    pull = np.sqrt(_TRUST * max(1, _FEW / len(y)) * max(error, _ROUNDING))
    rows = np.concatenate([columns, pull * np.eye(len(names))])
    rows = np.pad(rows, ((0, 1), (0, 1)))  # a last column for the mean, and a last row for the sum
    rows[-1] = heavy = _HEAVY * np.sqrt(len(y))
    weights, _ = nnls(rows, np.concatenate([y, pull * expected, [heavy]]))
    return np.asarray(weights[:-1])


def weighted(said: Mapping[str, FloatArray], names: Sequence[str], weights: FloatArray, mean: float) -> FloatArray:
    """What they say together, (k,)."""
    return np.asarray(mean + sum(weight * (said[name] - mean) for name, weight in zip(names, weights, strict=True)))


def stack(spectra: Mapping[str, SparseSpectrum], weights: Mapping[str, float], mean: float) -> SparseSpectrum:
    """The weighted sum of spectra, what is missing to a total weight of 1 being the mean's."""
    (first, *_) = spectra.values()
    total = SparseSpectrum.from_sets(first.n, {(): mean * (1 - sum(weights.values()))})
    for name, weight in weights.items():
        if weight > 0:
            total = total + weight * spectra[name]
    return total
