"""First order alone: ridge regression on the players, its penalty by leave-one-out."""

from __future__ import annotations

import numpy as np

from spex_widget.algorithms import lapack
from spex_widget.algorithms.atoms import literals
from spex_widget.algorithms.candidates import singles
from spex_widget.spectrum import SparseSpectrum
from spex_widget.spectrum.arguments import BoolArray, Float32Array, FloatArray

_PENALTIES = np.geomspace(1e-2, 1e4, 20)
_ROUNDING = {np.float32: 1e-5, np.float64: 1e-9}  # of the largest eigenvalue


def fit_linear(coalitions: BoolArray, values: FloatArray) -> SparseSpectrum:
    """Fit the mean and the first-order coefficients to values (m,) at coalitions (m, n).

    The leave-one-out errors of all penalties come from one eigendecomposition of the smaller Gram matrix (Hastie,
    Tibshirani and Friedman, *The Elements of Statistical Learning*, equation 7.64). Of many rows single precision
    tells penalties apart; the coefficients are solved for in double. scikit-learn's takes ten times as long at m = 2n.
    """
    signs = literals(coalitions, "parity")
    m, n = signs.shape
    mean, centre = values.mean(), signs.mean(axis=0, dtype=np.float64)
    y = values - mean
    # Products of signs are whole numbers, exact in single precision; what centres them is not.
    if n <= m:
        gram = (signs.T @ signs).astype(np.float64) - m * np.outer(centre, centre)
    else:
        middle = signs @ centre
        gram = (signs @ signs.T).astype(np.float64) - middle - middle[:, None] + centre @ centre
    penalty = _PENALTIES[int(np.argmin(_missed(signs - centre.astype(np.float32), y / (np.ptp(y) or 1.0), gram)))]
    ridged = lapack.cholesky(gram + penalty * np.eye(len(gram)))
    if n <= m:
        coefficients = lapack.solve(ridged, signs.T @ y - centre * y.sum())
    else:
        dual = lapack.solve(ridged, y)
        coefficients = signs.T @ dual - centre * dual.sum()
    return SparseSpectrum.from_terms(n, singles(n), coefficients, float(mean - centre @ coefficients))


def _missed(z: Float32Array, y: FloatArray, gram: FloatArray) -> FloatArray:
    """The squares that ridge regression leaves of y (m,) at rows z (m, n) without each, for all penalties."""
    m, n = z.shape
    # Of fewer rows than players what is missed, and what each row is worth, cancel to less than single precision holds.
    precision = np.float32 if n <= m else np.float64
    squares, vectors = lapack.eigh(gram.astype(precision))
    held = squares > _ROUNDING[precision] * squares[-1]
    squares = squares[held]
    left = z @ (vectors[:, held] / np.sqrt(squares)) if n <= m else vectors[:, held]
    along = left.T @ y.astype(precision)
    shrunk = squares[:, None] / (squares[:, None] + _PENALTIES.astype(precision))
    misses = (y[:, None] - left @ (along[:, None] * shrunk)) / (1 - 1 / m - left**2 @ shrunk)
    return np.asarray((misses**2).sum(axis=0))
