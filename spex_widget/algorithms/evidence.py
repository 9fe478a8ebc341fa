r"""What the held-out residuals say of each coefficient: intervals, and which interactions are settled.

A round's ablations are foretold by the surrogate of the round before, v_r with the coefficients F_r. For a uniform
coalition x, E[(v(x) − v_r(x)) χ_T(x)] = F(T) − F_r(T). So F_r(T) plus the mean of residual times character estimates
F(T) without bias, whatever the surrogate, and a good surrogate makes its variance small. The estimates of all rounds
are pooled by the inverse of their variance. An index is linear in F: the same holds for it, over the surrogate's
sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from spex_widget.spectrum import SparseSpectrum, characters, index_weights
from spex_widget.spectrum.arguments import BoolArray, FloatArray
from spex_widget.spectrum.sets import IntArray

HONEST = ("Fourier", "BV", "BII")
"""The indices whose intervals cover. Others take in sets that the surrogate does not have: .65 to .85 was measured."""

_LEVEL = 0.95
WIDER = 1.25
"""Times: who asks has chosen the sets by a fit to these rows. Without it .82 to .96 were covered, by game."""
_ROUNDING = 1e-9  # of the values' range


@dataclass(frozen=True, eq=False)
class Foretold:
    """One round's ablations, and what the surrogate before it had foretold.

    Parameters
    ----------
    coalitions : ndarray of shape (k, n), bool
    values : ndarray of shape (k,), float64
    surrogate : SparseSpectrum
        Fitted to the rounds before only.
    predicted : ndarray of shape (k,), float64
        Its values there.
    """

    coalitions: BoolArray
    values: FloatArray
    surrogate: SparseSpectrum
    predicted: FloatArray

    def __len__(self) -> int:
        return len(self.values)

    @property
    def residuals(self) -> FloatArray:
        """What it missed, (k,)."""
        return self.values - self.predicted


@dataclass(frozen=True, eq=False)
class Pooled:
    """Estimates of interactions, with all that a bootstrap needs.

    Parameters
    ----------
    means : ndarray of shape (sets,), float64
    errors : ndarray of shape (sets,), float64
        Standard errors.
    parts : list of (float, ndarray of shape (sets,), ndarray of shape (k, sets))
        A round's share in the pool, its surrogate's effects, and what each of its rows adds to them.
    """

    means: FloatArray
    errors: FloatArray
    parts: list[tuple[float, FloatArray, FloatArray]]

    def draw(self, rng: np.random.Generator, draws: int) -> FloatArray:
        """The estimates under random weights of the rows (Rubin, "The Bayesian bootstrap", 1981); (draws, sets)."""
        ends = np.cumsum([len(rows) for _, _, rows in self.parts])
        weights = np.split(rng.exponential(size=(draws, ends[-1])), ends[:-1], axis=1)
        total = np.zeros((draws, len(self.means)))
        for own, (share, effects, rows) in zip(weights, self.parts, strict=True):
            total += share * (effects + own @ rows / own.sum(axis=1, keepdims=True))
        return total


def pool(rounds: Sequence[Foretold], support: IntArray, sets: IntArray, index: str, max_order: int | None) -> Pooled:
    """Estimate an index of some sets from held-out residuals.

    Parameters
    ----------
    rounds : sequence of Foretold
        Of at least two rows each.
    support : ndarray of shape (K, d), int
        The sets of the surrogate: what others add to the index is left out.
    sets : ndarray of shape (s, e), int
    index, max_order
        See `spex_widget.spectrum.interactions`.
    """
    n = rounds[0].coalitions.shape[1]
    weights = index_weights(support, n, sets, index, max_order)
    used = np.unique(weights.indices)
    weights, support = weights[:, used], support[used]
    scale = max(float(np.ptp(known.values)) for known in rounds) or 1.0  # no square overflows so
    errors = [float(np.mean((known.residuals / scale) ** 2)) for known in rounds]
    sizes = np.array([len(known) for known in rounds])
    # A few rows without a miss say little of rare ones, so that no round counts for better than twice the newest half.
    recent = np.cumsum(sizes[::-1])[::-1] <= max(sizes[-1], sizes.sum() / 2)
    usual = np.average(errors, weights=sizes * recent)
    shares = sizes / (np.maximum(errors, usual / 2) + _ROUNDING**2)
    shares /= shares.sum()
    means, variances = np.zeros(len(sets)), np.zeros(len(sets))
    parts = []
    for share, known in zip(shares, rounds, strict=True):
        effects = np.asarray(weights @ known.surrogate.at(support))
        rows = known.residuals[:, None] * (characters(known.coalitions, support) @ weights.T)
        means += share * (effects + rows.mean(axis=0))
        variances += share**2 * ((rows / scale).var(axis=0, ddof=1) / len(rows) + _ROUNDING**2)
        parts.append((float(share), effects, rows))
    return Pooled(means, scale * np.sqrt(variances), parts)


def interval(pooled: Pooled) -> tuple[FloatArray, FloatArray]:
    """The ends of the 95 % intervals of sets that were chosen by their size, (sets,) each."""
    rows = sum(len(part[2]) for part in pooled.parts)
    half = WIDER * stats.t.ppf((1 + _LEVEL) / 2, max(rows - len(pooled.parts), 1)) * pooled.errors
    return pooled.means - half, pooled.means + half
