"""How good a surrogate is, judged by ablations before it has learnt from them.

Each round's values are predicted by the surrogate of the round before (Dawid, 1984: *prequential*), so every residual
is a held-out one. In-sample cross-validation after screening is not: it claimed .88 where .49 was true.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from spex_widget.algorithms.algorithm import R2
from spex_widget.spectrum.arguments import FloatArray


def held_out_r2(values: FloatArray, predicted: FloatArray) -> R2:
    """R² on points that took no part in the fit, with a 95 % interval.

    Parameters
    ----------
    values, predicted : ndarray of shape (k,), float64
        k >= 2, and the values are not all equal: then there is nothing to explain, and no R².

    Returns
    -------
    R2
        1 − MSE / variance. The interval is Student's on log(1 − R²), whose error is that of the log of a ratio of means
        (delta method); on the log scale it is nearly symmetric, and it cannot pass 1.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> round(held_out_r2(y, y + 0.5 * np.array([1, -1, -1, 1])).value, 3)
    0.8
    """
    scale = np.ptp(values)
    squares = ((values - predicted) / scale) ** 2
    spread = ((values - values.mean()) / scale) ** 2
    error, variance = squares.mean(), spread.mean()
    value = float(1 - error / variance)
    if error <= 0:
        return R2(1.0, 1.0, 1.0)
    influence = squares / error - spread / variance
    k = len(values)
    half = float(stats.t.ppf(0.975, k - 1) * influence.std(ddof=1) / np.sqrt(k))
    return R2(value, float(1 - (1 - value) * np.exp(half)), float(1 - (1 - value) * np.exp(-half)))
