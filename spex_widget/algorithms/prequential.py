"""How good a surrogate is, judged by ablations before it has learnt from them.

Each round's values are predicted by the surrogate of the round before (Dawid, 1984: *prequential*), so every residual
is a held-out one. In-sample cross-validation after screening is not: it claimed .88 where .49 was true.

The newest surrogate has learnt from more ablations than those that made the predictions, and nearly always is better.
How much better, the predictions of still older surrogates for the same ablations tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from spex_widget.algorithms.algorithm import R2
from spex_widget.spectrum.arguments import FloatArray

_PARTS = 1000  # of 1, in which the ends of an interval are told
_FASTEST = 3.0  # times the pace seen is how fast the error may have fallen at most: recovery can come at a stroke


@dataclass(frozen=True, eq=False)
class Older:
    """What surrogates of one round earlier had predicted of the same values.

    Parameters
    ----------
    predicted : ndarray of shape (k,), float64
    ahead : float
        How far the surrogate that is judged is ahead of the one that predicted, as a multiple of how far that was
        ahead of the older one; in logarithms of the number of ablations.
    """

    predicted: FloatArray
    ahead: float


def held_out_r2(values: FloatArray, predicted: FloatArray, older: Older | None = None) -> R2:
    """R² on points that took no part in the fit, or projected from them, with a 95 % interval.

    Parameters
    ----------
    values, predicted : ndarray of shape (k,), float64
        k >= 2, and the values are not all equal: then there is nothing to explain, and no R².
    older : Older, optional
        With it the value is that of a surrogate further on: errors fall as a power of the number of ablations.

    Returns
    -------
    R2
        1 − MSE / variance. The interval is Student's on log(1 − R²), whose error is that of the log of a ratio of means
        (delta method); on the log scale it is nearly symmetric, and it cannot pass 1. Given `older`, it reaches from no
        improvement to three times the improvement expected. Its ends are thousandths, rounded outwards: where a
        function is found at a stroke, the errors before say nothing of the digits behind.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> miss = 0.5 * np.array([1, -1, -1, 1])
    >>> round(held_out_r2(y, y + miss).value, 3), round(held_out_r2(y, y + miss, Older(y + 2 * miss, 1.0)).value, 3)
    (0.8, 0.95)
    """
    scale = np.ptp(values)
    squares = ((values - predicted) / scale) ** 2
    spread = ((values - values.mean()) / scale) ** 2
    error, variance = squares.mean(), spread.mean()
    if error <= 0:
        return R2(1.0, 1.0, 1.0)
    log = np.log(error / variance)
    influence = squares / error - spread / variance
    value, low, high = log, log + _half(influence), log - _half(influence)
    if older is not None:
        before = ((values - older.predicted) / scale) ** 2
        if before.mean() > error:
            gain = np.log(before.mean() / error)
            change = older.ahead * (squares / error - before / before.mean())
            value = log - older.ahead * gain
            fastest = log - _FASTEST * older.ahead * gain
            low = max(low, value + _half(influence + change))
            high = min(high, fastest - _half(influence + _FASTEST * change))
    ends = np.floor(_PARTS * (1 - np.exp(low))), np.ceil(_PARTS * (1 - np.exp(high)))
    return R2(float(1 - np.exp(value)), float(ends[0] / _PARTS), float(ends[1] / _PARTS))


def _half(influence: FloatArray) -> float:
    """Half the width of a 95 % interval of a mean."""
    k = len(influence)
    return float(stats.t.ppf(0.975, k - 1) * influence.std(ddof=1) / np.sqrt(k))
