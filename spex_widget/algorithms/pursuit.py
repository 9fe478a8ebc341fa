"""Sums of few atoms by orthogonal matching pursuit, as many as the extended BIC says (Pati et al., 1993; Chen and
Chen, "Extended Bayesian information criteria for model selection with large model spaces", 2008), of leave-one-out
errors (Allen, "The relationship between variable selection and data augmentation", 1974).

Where a function is a sum of few terms this finds them from far fewer ablations than shrinkage does, with noise too;
where it is not, it says little, and the stack listens to others.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from spex_widget.algorithms.atoms import in_fourier, literals
from spex_widget.algorithms.candidates import grow, screen, union
from spex_widget.spectrum import SparseSpectrum, products, set_orders
from spex_widget.spectrum.arguments import BoolArray, Float32Array, FloatArray
from spex_widget.spectrum.sets import IntArray, group, stack_sets

_PASSES, _FINAL_PASSES = 2, 4  # of growing: in a round, and at the end
_SCREENS, _FINAL_SCREENS = 1, 2  # the passes that screen all pairs and triples too
_FOUND = 100  # sets that a screen or a growth adds
_MOST = 300  # atoms picked
_PATIENCE = 15  # picks without a better criterion
_RAREST = 4.0  # rows that an atom must tell apart
_GAMMA = 0.75  # how much the number of sets of an order weighs: 1 finds fewer, .5 is fooled by noise
_OVERSHOOT = 2.0  # times the variance of the values is more than a sum that is right has, but for the rarest terms
_ROUNDING = 1e-18  # of the squares
_NEW = 1e-6  # the share of an atom's variance that those picked before must leave


def fit_pursuit(
    kinds: tuple[str, ...],
    coalitions: BoolArray,
    values: FloatArray,
    proposed: IntArray,
    *,
    final: bool = False,
) -> SparseSpectrum:
    """Fit a sum of few atoms to values (m,) at coalitions (m, n).

    Each pass starts anew from all atoms known; what it leaves over proposes more of them.

    Parameters
    ----------
    kinds : tuple of str
        Of the atoms, see `algorithms.atoms`.
    coalitions : ndarray of shape (m, n), bool
    values : ndarray of shape (m,), float64
        Of mean 0, and a range of about 1: their products are in single precision.
    proposed : ndarray of shape (p, d), int
        The sets to start from, of every kind.
    final : bool
        Take more passes.
    """
    n = coalitions.shape[1]
    known = _Dictionary(coalitions, values, kinds)
    for kind in kinds:
        known.add(kind, proposed)
    passes, screens = (_FINAL_PASSES, _FINAL_SCREENS) if final else (_PASSES, _SCREENS)
    before: IntArray = np.zeros(0, dtype=np.int64)
    for step in range(passes + 1):
        picks, amounts = known.pick()
        residuals = known.residuals(picks, amounts)
        # What leaves over the same proposes the same.
        settled = step > 0 and np.array_equal(picks, before)
        if settled or step == passes or residuals @ residuals <= _ROUNDING * known.total:
            break
        before = picks
        screened = screen(coalitions, residuals, kinds, _FOUND) if step < screens else {}
        for kind in kinds:
            grown = grow(known.literals[kind], known.sets[picks], residuals, _FOUND)
            known.add(kind, union(n, grown, *(screened[kind],) if screened else ()))
    spectrum = SparseSpectrum.from_sets(n, {(): known.mean - float(known.centre[picks] @ amounts)})
    for place, kind in enumerate(kinds):
        mine = known.kinds[picks] == place
        spectrum = spectrum + in_fourier(n, kind, known.sets[picks][mine], amounts[mine])
    # Rare atoms that nearly cancel on the rows at hand do not elsewhere: R² was seen to fall to −12.
    excess = float(spectrum.energy_by_order()[1:].sum()) / max(float(values.var()), _ROUNDING)
    return spectrum if excess <= _OVERSHOOT else (_OVERSHOOT / excess) ** 2 * spectrum


class _Dictionary:
    """Atoms on some rows, and the products of each with all others: grown, never rebuilt."""

    def __init__(self, coalitions: BoolArray, values: FloatArray, kinds: tuple[str, ...]) -> None:
        m, self.n = coalitions.shape
        self.names = kinds
        self.literals = {kind: literals(coalitions, kind) for kind in kinds}
        self.mean = float(values.mean())
        self.y = values - self.mean
        self.total = float(self.y @ self.y)
        self.kinds: IntArray = np.zeros(0, dtype=np.int64)
        self.sets: IntArray = np.zeros((0, 1), dtype=np.int32)
        self.columns: Float32Array = np.zeros((m, 0), dtype=np.float32)
        self.centre: FloatArray = np.zeros(0)
        self._products: Float32Array = np.zeros((0, 0), dtype=np.float32)  # not centred: whole numbers, exact
        self.cross: FloatArray = np.zeros(0)

    def add(self, kind: str, sets: IntArray) -> None:
        """Take in the sets that are not there yet in this kind."""
        place = self.names.index(kind)
        if place:  # of a single player the atoms of all kinds are one, but for a constant
            sets = sets[set_orders(sets, self.n) > 1]
        mine = self.sets[self.kinds == place]
        unique, which = group(stack_sets(self.n, mine, sets), self.n)
        new = np.ones(len(unique), dtype=bool)
        new[which[: len(mine)]] = False
        sets = unique[new]
        columns = products(self.literals[kind], sets)
        across = self.columns.T @ columns
        self._products = np.block([[self._products, across], [across.T, columns.T @ columns]])
        self.cross = np.append(self.cross, self.y @ columns)
        self.centre = np.append(self.centre, columns.mean(axis=0, dtype=np.float64))
        self.columns = np.concatenate([self.columns, columns], axis=1)
        self.kinds = np.append(self.kinds, np.full(len(sets), place))
        self.sets = stack_sets(self.n, self.sets, sets)

    def pick(self) -> tuple[IntArray, FloatArray]:
        """The atoms that are worth what they say, (k,), and how much of each, (k,)."""
        m = len(self.y)
        variances = np.diagonal(self._products) - m * self.centre**2
        left, usable = variances.copy(), variances >= _RAREST
        cross = np.where(usable, self.cross, 0.0)
        prices = self._prices()
        most = min(_MOST, m // 3, int(usable.sum()))
        # Of each pick what is new in it: its products with all atoms, and itself on the rows.
        basis, directions = np.empty((most, len(cross))), np.empty((most, m))
        residuals, leverage = self.y, np.full(m, 1 / m)
        picks: list[int] = []
        squares, price = self.total, 0.0
        best, kept = m * np.log(max(squares, 1e-300)), 0
        while (step := len(picks)) < most:
            gains = np.where(usable & (left > _NEW * variances), cross**2 / np.maximum(left, 1e-300), 0.0)
            pick = int(np.argmax(gains))
            if gains[pick] <= 0 or squares <= _ROUNDING * self.total or step - kept > _PATIENCE:
                break
            usable[pick] = False
            norm, before = np.sqrt(left[pick]), basis[:step, pick]
            directions[step] = (self.columns[:, pick] - self.centre[pick] - before @ directions[:step]) / norm
            basis[step] = (self._gram(pick) - before @ basis[:step]) / norm
            along = cross[pick] / norm
            cross = cross - along * basis[step]
            left = left - basis[step] ** 2
            residuals = residuals - along * directions[step]
            leverage += directions[step] ** 2
            picks.append(pick)
            # Each row as the others foretell it: an atom that fits a row which it alone tells apart explains nothing.
            alone = residuals / np.maximum(1 - leverage, _NEW)
            squares = max(float(alone @ alone), _ROUNDING * self.total)
            price += prices[pick]
            criterion = m * np.log(squares) + price
            if criterion < best:
                best, kept = criterion, step + 1
        return self._pruned(np.array(picks[:kept], dtype=np.int64), prices)

    def _pruned(self, picks: IntArray, prices: FloatArray) -> tuple[IntArray, FloatArray]:
        """Without those that later ones made dispensable."""
        m = len(self.y)
        while len(picks):
            inverse = np.linalg.inv(self._gram(picks[:, None], picks))
            amounts = inverse @ self.cross[picks]
            squares = max(self.total - float(amounts @ self.cross[picks]), _ROUNDING * self.total)
            worse = m * np.log1p(amounts**2 / np.diagonal(inverse) / squares) - prices[picks]
            least = int(np.argmin(worse))
            if worse[least] > 0:
                return picks, amounts
            picks = np.delete(picks, least)
        return picks, np.zeros(0)

    def residuals(self, picks: IntArray, amounts: FloatArray) -> FloatArray:
        """What a sum of atoms leaves of the values, (m,)."""
        return np.asarray(self.y - self.columns[:, picks] @ amounts + self.centre[picks] @ amounts)

    def _gram(self, rows: IntArray | int, columns: IntArray | slice = slice(None)) -> FloatArray:
        """The products of some atoms, centred, with others."""
        return np.asarray(self._products[rows, columns] - len(self.y) * (self.centre[rows] * self.centre[columns]))

    def _prices(self) -> FloatArray:
        """What the extended BIC asks for an atom, (p,): the more sets of its order there are, the more."""
        k = set_orders(self.sets, self.n).astype(np.float64)
        choices = gammaln(self.n + 1) - gammaln(k + 1) - gammaln(self.n - k + 1)
        return np.asarray(np.log(len(self.y)) + 2 * _GAMMA * choices)
