"""Interactions in the order of their size, as a person reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spex_widget.spectrum import SparseSpectrum, all_subsets, interactions, pad_sets, set_orders
from spex_widget.spectrum.sets import IntArray

KINDS = ("single", "reinforcing", "redundant", "reversal", "mixed")
"""What an interaction does to its parts, see `kind_of`."""

_EQUAL = 1e-9  # effects that differ by less, as a share of the larger, are equal
_TURNS = 0.1  # a part turns round when its smaller effect is at least this share of the larger

_ROUNDING = 1e-12  # of the largest effect is nothing
_LEVEL_ROUNDING = 1e-14  # of the mean is nothing either, where effects lie on a large level

_CHUNK = 1 << 20  # subsets looked up at a time

Effects = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranked:
    """Interactions by the size of their effect, largest first.

    Parameters
    ----------
    index : str
        Which interaction index the effects are.
    members : ndarray of shape (rows, d), int32
        A set a row, its players ascending, padded with n.
    effects : ndarray of shape (rows,), float64
    """

    n: int
    index: str
    max_order: int | None
    members: IntArray
    effects: Effects

    @classmethod
    def of(
        cls, spectrum: SparseSpectrum, index: str, max_order: int | None = None, *, order: int | None = None
    ) -> Ranked:
        """Rank a surrogate's interactions; `max_order` defines the index, `order` only filters.

        Ties stand in the order of the sets, so that the same surrogate always gives the same ranking. What is rounding
        error of the largest effect, or of the mean, is left out.
        """
        table = interactions(spectrum, index, max_order)
        sizes = np.abs(table.coefficients) * (table.orders > 0)
        keep = sizes > max(_ROUNDING * sizes.max(initial=0.0), _LEVEL_ROUNDING * abs(spectrum[()]))
        if order is not None:
            keep &= table.orders == order
        members, effects = table.members[keep], table.coefficients[keep]
        by_size = np.argsort(-np.abs(effects), kind="stable")
        return cls(spectrum.n, index, max_order, members[by_size], effects[by_size])

    @property
    def orders(self) -> IntArray:
        """How many players each interaction has."""
        return set_orders(self.members, self.n)

    def head(self, rows: npt.NDArray[np.bool_], top: int | None) -> Ranked:
        """The first `top` of the chosen rows."""
        chosen = np.flatnonzero(rows)[:top]
        width = int(self.orders[chosen].max(initial=0))
        return Ranked(self.n, self.index, self.max_order, self.members[chosen][:, :width], self.effects[chosen])

    def kinds(self, spectrum: SparseSpectrum) -> npt.NDArray[np.uint8]:
        """What each interaction does to its parts in the surrogate, see `kind_of`: positions in `KINDS`, (rows,)."""
        kinds = np.zeros(len(self.effects), dtype=np.uint8)
        step = max(1, _CHUNK >> self.members.shape[1])
        for start in range(0, len(kinds), step):
            rows = slice(start, start + step)
            kinds[rows] = _kinds(spectrum, self.members[rows])
        return kinds

    def sets(self) -> list[tuple[int, ...]]:
        """The members of each row as a tuple of players."""
        return [tuple(int(i) for i in row if i < self.n) for row in self.members]


def player_effects(spectrum: SparseSpectrum) -> Effects:
    """Each player's own effect, its Banzhaf value, (n,): what the bars over the text show."""
    singles = spectrum.orders == 1
    effects = np.zeros(spectrum.n)
    effects[spectrum.members[singles, :1].ravel()] = -2 * spectrum.coefficients[singles]
    return effects


def kind_of(spectrum: SparseSpectrum, players: tuple[int, ...]) -> str:
    """What the players of a set do to each other's effects, all else averaged over.

    With g(A) the surrogate when of these players just A is present and all others are uniform, each part i has an
    effect alone, g({i}) − g(∅), and one together with the rest of the set, g(S) − g(S ∖ i):

    - *reversal*: some part's two effects have opposite signs (the smaller at least a tenth of the larger);
    - *reinforcing*: every part's effect is larger together than alone;
    - *redundant*: every part's effect is smaller together than alone;
    - *mixed*: none of these. A set of one player is *single*.

    Examples
    --------
    >>> both = SparseSpectrum.from_values([0, 0, 0, 1])  # x0 and x1
    >>> either = SparseSpectrum.from_values([0, 1, 1, 1])  # x0 or x1
    >>> kind_of(both, (0, 1)), kind_of(either, (0, 1))
    ('reinforcing', 'redundant')
    """
    return KINDS[_kinds(spectrum, pad_sets([players], spectrum.n))[0]]


def _kinds(spectrum: SparseSpectrum, members: IntArray) -> npt.NDArray[np.uint8]:
    n = spectrum.n
    # Averaged over the others, only the terms inside the set are left. A part's effect is the sum of those that hold
    # the part: times −2 where the other parts are absent, times 2 (−1)^order where they are present.
    subsets, row = all_subsets(members, n)
    inside = spectrum.at(subsets)
    alone, together = np.zeros(members.shape), np.zeros(members.shape)
    for part, player in enumerate(members.T):
        terms = inside * (subsets == player[row, None]).any(axis=1)
        alone[:, part] = np.bincount(row, -2 * terms, minlength=len(members))
        together[:, part] = np.bincount(row, 2 * terms * (-1.0) ** set_orders(subsets, n), minlength=len(members))
    larger, smaller = np.maximum(abs(alone), abs(together)), np.minimum(abs(alone), abs(together))
    parts = members < n
    turns = parts & (alone * together < 0) & (smaller >= _TURNS * larger)
    change = np.where(parts, abs(together) - abs(alone), 0.0)
    change[abs(change) <= _EQUAL * larger] = 0.0
    kinds = np.select(
        [
            parts.sum(axis=1) < 2,
            turns.any(axis=1),
            ((change > 0) | ~parts).all(axis=1),
            ((change < 0) | ~parts).all(axis=1),
        ],
        [KINDS.index(kind) for kind in ("single", "reversal", "reinforcing", "redundant")],
        KINDS.index("mixed"),
    )
    return kinds.astype(np.uint8)
