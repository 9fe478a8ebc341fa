"""A sparse spectrum by LASSO on candidate sets, its penalty chosen on a hold-out."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from spex_widget.spectrum import SparseSpectrum, characters, set_orders
from spex_widget.spectrum.arguments import BoolArray, FloatArray
from spex_widget.spectrum.sets import IntArray

_HOLD_OUT = 0.2
_PENALTIES = 40
_SMALLEST = 2e-3  # the last penalty of the path, as a share of the first
_ORDER_WEIGHT = 0.3  # how much harder each further order is penalised
_EXACT = 1e-10  # misses below this share of the values' range are rounding errors
_RIDGE = 1e-8  # keeps refits solvable where columns coincide on few rows


def fit_lasso(coalitions: BoolArray, values: FloatArray, candidates: IntArray, *, seed: int) -> SparseSpectrum:
    """Fit coefficients of candidate sets to values.

    A LASSO path, its penalty growing with the order of a set, is fitted to four fifths of the rows; the rest choose the
    penalty, and whether its sets are refitted without one (relaxed). Then all rows are fitted so.

    Parameters
    ----------
    coalitions : ndarray of shape (m, n), bool
    values : ndarray of shape (m,), float64
    candidates : ndarray of shape (p, d), int
        Distinct non-empty sets. The mean is always fitted.
    seed : int
        Draws the hold-out.
    """
    n = coalitions.shape[1]
    mean, scale = values.mean(), np.ptp(values)
    if len(values) < 5 or scale == 0 or not len(candidates):
        return SparseSpectrum.from_sets(n, {(): float(mean)})
    features = characters(coalitions, candidates)
    weights: FloatArray = 1 + _ORDER_WEIGHT * (set_orders(candidates, n).astype(np.float64) - 1)
    y = (values - mean) / scale

    shuffled = np.random.default_rng(seed).permutation(len(y))
    held = shuffled[: max(1, round(_HOLD_OUT * len(y)))]
    kept = shuffled[len(held) :]
    train = _Problem(features[kept], y[kept], weights)
    # Penalties are shares of the smallest that leaves nothing: the held-out rows may hold all that there is to see.
    shares = np.geomspace(1.0, _SMALLEST, _PENALTIES)
    best: tuple[float, int, bool] = (np.inf, 0, False)
    path = train.path(shares)
    for step, coefficients in enumerate(path):
        for relaxed in (False, True):
            fitted = train.refit(coefficients) if relaxed else coefficients
            if fitted is None:
                continue
            miss = y[held] - train.predict(features[held], fitted)
            best = min(best, (float(miss @ miss) if np.abs(miss).max() > _EXACT else 0.0, step, relaxed))

    error, step, relaxed = best
    whole = _Problem(features, y, weights)
    # Sets that foretell the held-out rows to the last digit are the right ones; else all rows choose anew.
    coefficients = path[step] if error == 0 else whole.path(shares[: step + 1])[-1]
    fitted = whole.refit(coefficients) if relaxed else None
    fitted = coefficients if fitted is None else fitted
    support = np.flatnonzero(fitted)
    sets = np.concatenate([np.full((1, candidates.shape[1]), n, dtype=np.int32), candidates[support]])
    intercept = mean - scale * (whole.centre[support] @ fitted[support])
    return SparseSpectrum.from_terms(n, sets, np.concatenate([[intercept], scale * fitted[support]]))


class _Problem:
    """One weighted LASSO through its Gram matrix: characters need no scaling, they are ±1."""

    def __init__(self, features: FloatArray, y: FloatArray, weights: FloatArray) -> None:
        self.centre = features.mean(axis=0)
        self.offset = y.mean()
        self.weights = weights
        self.rows = len(y)
        self._features = (features - self.centre) / weights
        self._y = y - self.offset
        self._gram = self._features.T @ self._features
        self._cross = self._features.T @ self._y

    def path(self, shares: FloatArray) -> FloatArray:
        """Coefficients (shares, p) of the characters at descending shares of the penalty that leaves none of them."""
        from sklearn.linear_model import lasso_path

        penalties = shares * np.abs(self._cross).max(initial=1e-12) / self.rows
        _, coefficients, _ = lasso_path(
            self._features,
            self._y,
            alphas=penalties,
            precompute=self._gram,
            Xy=self._cross,
            copy_X=False,
            check_input=False,
            tol=1e-3,
            max_iter=100_000,  # tens serve, a thousand were seen: so many that no ConvergenceWarning is met
        )
        return np.asarray(coefficients.T / self.weights)

    def refit(self, coefficients: FloatArray) -> FloatArray | None:
        """Least squares on the chosen sets alone; None where they are too many for the rows."""
        support = np.flatnonzero(coefficients)
        if not 0 < len(support) <= 0.7 * self.rows:
            return None
        gram, cross = self._gram[np.ix_(support, support)], self._cross[support]
        ridged = linalg.cho_factor(gram + _RIDGE * self.rows * np.eye(len(support)))
        # The second solution takes out what the ridge put into the first.
        first = linalg.cho_solve(ridged, cross)
        out = np.zeros_like(coefficients)
        out[support] = (first + linalg.cho_solve(ridged, cross - gram @ first)) / self.weights[support]
        return out

    def predict(self, features: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Values (k,) at rows of characters (k, p)."""
        support = np.flatnonzero(coefficients)
        return np.asarray(self.offset + (features[:, support] - self.centre[support]) @ coefficients[support])
