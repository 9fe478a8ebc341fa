r"""What the held-out residuals say of each coefficient: intervals, and which interactions are settled.

A round's ablations are foretold by the surrogate of the round before, v_r with the coefficients F_r. For a uniform
coalition x, E[(v(x) − v_r(x)) χ_T(x)] = F(T) − F_r(T). So F_r(T) plus the mean of residual times character estimates
F(T) without bias, whatever the surrogate, and a good surrogate makes its variance small. The estimates of all rounds
are pooled by the inverse of their variance. An index is linear in F: the same holds for it, over the surrogate's
sets.

That holds of a set which was named beforehand. Who reports the largest of many has taken their luck along; but there is
none of it in rows that were drawn once a set was large already. So an interval may begin at any round, and pays for how
many sets were as large before that round: one that stood high early has long and cheap evidence, one that the newest
rows have brought up pays for all sets of its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special, stats

from spex_widget.spectrum import SparseSpectrum, characters, index_weights, interactions, set_orders
from spex_widget.spectrum.arguments import BoolArray, FloatArray
from spex_widget.spectrum.sets import IntArray

HONEST = ("Fourier", "BV", "BII")
"""The indices whose intervals cover. Others take in sets that the surrogate does not have: .65 to .85 was measured."""

_LEVEL = 0.95
# Bonferroni's correction for a set's rank is for sets of equal size, and intervals reach to the surrogate's own effect
# besides: both at less than their full price, as .95 to .97 were covered so on games of any strength of signal.
_PRICE, _WIDTH = 0.7, 0.9
_MOST_RIVALS = 1e12
_LEAST_SHARE = 1 / 8  # of the rows: a few that happen to hold no miss would say of a rare event that there is none
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
class Part:
    """What one round says of some sets.

    Parameters
    ----------
    share : float
        How much it counts, beside the other rounds.
    effects : ndarray of shape (sets,), float64
        Those of the surrogate before it.
    rows : ndarray of shape (k, sets), float64
        What each of its rows adds to them.
    errors : ndarray of shape (sets,), float64
        Standard errors of their sum, in units of the values' range.
    rivals : ndarray of shape (sets,), float64
        How many sets were as large as each before it: its rank, or where it was nothing all sets of its order.
    """

    share: float
    effects: FloatArray
    rows: FloatArray
    errors: FloatArray
    rivals: FloatArray

    @cached_property
    def means(self) -> FloatArray:
        """The round's estimates, (sets,)."""
        return np.asarray(self.effects + self.rows.mean(axis=0))


@dataclass(frozen=True, eq=False)
class Pooled:
    """Estimates of interactions, with all that a bootstrap needs.

    Parameters
    ----------
    parts : tuple of Part
        The rounds, oldest first.
    scale : float
        The values' range.
    """

    parts: tuple[Part, ...]
    scale: float

    @cached_property
    def shares(self) -> FloatArray:
        """The rounds' shares, which sum to 1."""
        shares = np.array([part.share for part in self.parts])
        return np.asarray(shares / shares.sum())

    @cached_property
    def means(self) -> FloatArray:
        """The estimates, (sets,)."""
        return self.shares @ np.stack([part.means for part in self.parts])

    @cached_property
    def errors(self) -> FloatArray:
        """Their standard errors, (sets,)."""
        return self.scale * np.sqrt(self.shares**2 @ np.stack([part.errors for part in self.parts]) ** 2)

    def since(self, start: int) -> Pooled:
        """The same without the rounds before this one."""
        return Pooled(self.parts[start:], self.scale)

    def draw(self, rng: np.random.Generator, draws: int) -> FloatArray:
        """The estimates under random weights of the rows (Rubin, "The Bayesian bootstrap", 1981); (draws, sets)."""
        ends = np.cumsum([len(part.rows) for part in self.parts])
        weights = np.split(rng.exponential(size=(draws, ends[-1])), ends[:-1], axis=1)
        total = np.zeros((draws, len(self.means)))
        for share, own, part in zip(self.shares, weights, self.parts, strict=True):
            total += share * (part.effects + own @ part.rows / own.sum(axis=1, keepdims=True))
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
    parts = []
    for share, known in zip(shares, rounds, strict=True):
        rows = known.residuals[:, None] * (characters(known.coalitions, support) @ weights.T)
        variances = (rows / scale).var(axis=0, ddof=1) / len(rows) + _ROUNDING**2
        rivals = _rivals(interactions(known.surrogate, index, max_order), sets)
        parts.append(Part(float(share), weights @ known.surrogate.at(support), rows, np.sqrt(variances), rivals))
    return Pooled(tuple(parts), scale)


def _rivals(table: SparseSpectrum, sets: IntArray) -> FloatArray:
    """How many sets of a table of effects are as large as each of these, see `Part`."""
    sizes = np.sort(np.abs(table.coefficients[table.orders > 0]))
    own = np.abs(table.at(sets))
    ranks = np.maximum(len(sizes) - np.searchsorted(sizes, own), 1)
    return np.where(own > 0, ranks, np.maximum(special.binom(table.n, set_orders(sets, table.n)), len(sizes) + 1))


def interval(pooled: Pooled) -> tuple[FloatArray, FloatArray]:
    """The ends of the 95 % intervals, (sets,) each: of those that begin at a round, each set's narrowest."""
    means, half = np.zeros_like(pooled.means), np.full_like(pooled.means, np.inf)
    rows = np.cumsum([len(part.rows) for part in pooled.parts[::-1]])[::-1]
    for start, part in enumerate(pooled.parts):
        if rows[start] < _LEAST_SHARE * rows[0]:
            break
        newer = pooled.since(start)
        freedom = max(rows[start] - len(newer.parts), 1)
        tail = (1 - _LEVEL) / 2 / np.minimum(part.rivals, _MOST_RIVALS) ** _PRICE
        width = _WIDTH * stats.t.isf(tail, freedom) * newer.errors
        means, half = np.where(width < half, newer.means, means), np.minimum(width, half)
    return means - half, means + half
