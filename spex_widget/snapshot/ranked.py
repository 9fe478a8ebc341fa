"""Interactions in the order of their size, as a person reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spex_widget.spectrum import SparseSpectrum, interactions, set_orders
from spex_widget.spectrum.sets import IntArray

KINDS = ("single", "reinforcing", "redundant", "reversal", "mixed")
"""What an interaction does to its parts, see `kind_of`."""

_TURNS = 0.1  # a part turns round when its smaller effect is at least this share of the larger

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

        Ties stand in the order of the sets, so that the same surrogate always gives the same ranking.
        """
        table = interactions(spectrum, index, max_order)
        keep = table.orders == order if order is not None else table.orders > 0
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

    def sets(self) -> list[tuple[int, ...]]:
        """The members of each row as a tuple of players."""
        return [tuple(int(i) for i in row if i < self.n) for row in self.members]


def player_effects(spectrum: SparseSpectrum) -> Effects:
    """Each player's own effect, its Banzhaf value, (n,): what the bars over the text show."""
    table = interactions(spectrum, "BV")
    single = table.orders == 1
    effects = np.zeros(table.n)
    effects[table.members[single, 0]] = table.coefficients[single]
    return effects


def kind_of(spectrum: SparseSpectrum, players: tuple[int, ...], effect: float) -> str:
    """What an interaction does to its parts, all else averaged over.

    With g(A) the surrogate when of these players just A is present and all others are uniform:

    - *reversal*: some part's effect, g(A ∪ i) − g(A), has one sign when none of the others is there and the opposite
      sign when all are (the smaller at least a tenth of the larger);
    - *reinforcing*: the interaction has the sign of every part's own effect, its Banzhaf value;
    - *redundant*: it has the opposite sign of every one;
    - *mixed*: none of these. A set of one player is *single*.

    Examples
    --------
    >>> both = SparseSpectrum.from_values([0, 0, 0, 1])  # x0 and x1
    >>> either = SparseSpectrum.from_values([0, 1, 1, 1])  # x0 or x1
    >>> kind_of(both, (0, 1), 1.0), kind_of(either, (0, 1), -1.0)
    ('reinforcing', 'redundant')
    """
    order = len(players)
    if order < 2:
        return "single"
    # Averaged over the others, only the terms inside the set are left.
    inside = np.isin(spectrum.members, (*players, spectrum.n)).all(axis=1)
    part = SparseSpectrum(spectrum.n, spectrum.members[inside], spectrum.coefficients[inside])
    coalitions = np.zeros((2 * order + 2, spectrum.n), dtype=np.bool_)
    one, all_but_one = coalitions[:order], coalitions[order : 2 * order]
    one[np.arange(order), players] = True
    coalitions[order:-1, players] = True
    all_but_one[np.arange(order), players] = False
    values = part(coalitions)
    alone, together = values[:order] - values[-1], values[-2] - values[order : 2 * order]
    larger, smaller = np.maximum(abs(alone), abs(together)), np.minimum(abs(alone), abs(together))
    if ((alone * together < 0) & (smaller >= _TURNS * larger)).any():
        return "reversal"
    own = player_effects(part)[list(players)]
    if (own * effect > 0).all():
        return "reinforcing"
    return "redundant" if (own * effect < 0).all() else "mixed"
