"""A sparse spectrum by LASSO on candidate sets, its penalty chosen on a hold-out."""

from __future__ import annotations

import numpy as np

from spex_widget.algorithms import lapack
from spex_widget.algorithms.atoms import literals
from spex_widget.spectrum import SparseSpectrum, products, set_orders
from spex_widget.spectrum.arguments import BoolArray, Float32Array, FloatArray
from spex_widget.spectrum.sets import IntArray

_HOLD_OUT = 0.2
_PENALTIES = 40
_SMALLEST = 2e-3  # the last penalty of the path, as a share of the first
_ORDER_WEIGHT = 0.3  # how much harder each further order is penalised
_EXACT = 1e-10  # misses below this share of the values' range are rounding errors
_RIDGE = 1e-8  # keeps refits solvable where columns coincide on few rows
_CHUNK = 1 << 24  # entries of a block in double precision


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
    weights: FloatArray = 1 + _ORDER_WEIGHT * (set_orders(candidates, n).astype(np.float64) - 1)
    features = products(literals(coalitions, "parity"), candidates)
    y = (values - mean) / scale

    shuffled = np.random.default_rng(seed).permutation(len(y))
    held = shuffled[: max(1, round(_HOLD_OUT * len(y)))]
    whole = _Sums.of(features, y)
    train = _Problem(whole - _Sums.of(features[held], y[held]), weights)
    # Penalties are shares of the smallest that leaves nothing: the held-out rows may hold all that there is to see.
    shares = np.geomspace(1.0, _SMALLEST, _PENALTIES)
    best: tuple[float, int, bool] = (np.inf, 0, False)
    path = train.path(shares)
    for step, coefficients in enumerate(path):
        for relaxed in (False, True):
            fitted = train.refit(coefficients) if relaxed else coefficients
            if fitted is None:
                continue
            miss = y[held] - train.predict(features, held, fitted)
            best = min(best, (float(miss @ miss) if np.abs(miss).max() > _EXACT else 0.0, step, relaxed))

    error, step, relaxed = best
    problem = _Problem(whole, weights)
    # Sets that foretell the held-out rows to the last digit are the right ones; else all rows choose anew.
    coefficients = path[step] if error == 0 else problem.path(shares[: step + 1])[-1]
    fitted = problem.refit(coefficients) if relaxed else None
    fitted = coefficients if fitted is None else fitted
    support = np.flatnonzero(fitted)
    intercept = mean - scale * (problem.centre[support] @ fitted[support])
    return SparseSpectrum.from_terms(n, candidates[support], scale * fitted[support], float(intercept))


class _Sums:
    """Sums over rows, which add and subtract: all that a least-squares problem needs of them."""

    def __init__(self, rows: int, features: FloatArray, gram: FloatArray, cross: FloatArray, y: float, square: float):
        self.rows = rows
        self.features = features
        self.gram = gram
        self.cross = cross
        self.y = y
        self.square = square

    @classmethod
    def of(cls, features: Float32Array, y: FloatArray) -> _Sums:
        """Of characters (m, p) and values (m,)."""
        step = max(1, _CHUNK // max(len(y), 1))
        cross = [y @ features[:, start : start + step] for start in range(0, features.shape[1], step)]
        sums = features.sum(axis=0, dtype=np.float64)
        return cls(
            len(y),
            sums,
            (features.T @ features).astype(np.float64),
            np.concatenate(cross),
            float(y.sum()),
            float(y @ y),
        )

    def __sub__(self, other: _Sums) -> _Sums:
        return _Sums(
            self.rows - other.rows,
            self.features - other.features,
            self.gram - other.gram,
            self.cross - other.cross,
            self.y - other.y,
            self.square - other.square,
        )


class _Problem:
    """One weighted LASSO through its centred Gram matrix: characters need no scaling, they are ±1."""

    def __init__(self, sums: _Sums, weights: FloatArray) -> None:
        self.rows = sums.rows
        self.weights = weights
        self.centre = sums.features / sums.rows
        self.offset = sums.y / sums.rows
        self._square = sums.square - sums.rows * self.offset**2
        self._gram = sums.gram - sums.rows * np.outer(self.centre, self.centre)
        self._gram /= weights
        self._gram /= weights[:, None]
        self._cross = (sums.cross - sums.rows * self.offset * self.centre) / weights

    def path(self, shares: FloatArray) -> FloatArray:
        """Coefficients (shares, p) of the characters at descending shares of the penalty that leaves none of them."""
        from sklearn.linear_model import lasso_path

        if self._square <= _EXACT**2 * self.rows:  # nothing differs among these rows
            return np.zeros((len(shares), len(self.centre)))
        penalties = shares * np.abs(self._cross).max(initial=1e-12) / self.rows
        # Given the Gram matrix only the shape of the rows and the length of y are looked at.
        rows = np.broadcast_to(0.0, (self.rows, len(self.centre)))
        y = np.zeros(self.rows)
        y[0] = np.sqrt(self._square)
        _, coefficients, _ = lasso_path(
            rows,
            y,
            alphas=penalties,
            precompute=self._gram,
            Xy=self._cross,
            copy_X=False,
            check_input=False,
            tol=1e-3,
            max_iter=100_000,  # tens serve, a thousand were seen: so many that no ConvergenceWarning is met
            random_state=0,  # never drawn from, but without it NumPy's global stream is
        )
        return np.asarray(coefficients.T / self.weights)

    def refit(self, coefficients: FloatArray) -> FloatArray | None:
        """Least squares on the chosen sets alone; None where they are too many for the rows."""
        support = np.flatnonzero(coefficients)
        if not 0 < len(support) <= 0.7 * self.rows:
            return None
        gram, cross = self._gram[np.ix_(support, support)], self._cross[support]
        ridged = lapack.cholesky(gram + _RIDGE * self.rows * np.eye(len(support)))
        # The second solution takes out what the ridge put into the first.
        first = lapack.solve(ridged, cross)
        out = np.zeros_like(coefficients)
        out[support] = (first + lapack.solve(ridged, cross - gram @ first)) / self.weights[support]
        return out

    def predict(self, features: Float32Array, rows: IntArray, coefficients: FloatArray) -> FloatArray:
        """Values at some rows of characters (m, p)."""
        support = np.flatnonzero(coefficients)
        chosen = features[np.ix_(rows, support)].astype(np.float64)
        return np.asarray(self.offset + (chosen - self.centre[support]) @ coefficients[support])
