"""The smallest ablation that takes a value across a threshold: searched on the surrogate, verified on the model.

The surrogate is searched size by size, all sets of a size where they are few and a beam of them else; what crosses on
it is asked of the model, which has the last word. Of what crosses there each player is put back, one and then several
at a time, until none that is left is needless. That is the smallest there is where the surrogate is right and every set
was looked at; else a smaller one, with other players, may have been overlooked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np

from spex_widget.snapshot import Flip
from spex_widget.spectrum import SparseSpectrum
from spex_widget.spectrum.arguments import BoolArray, FloatArray
from spex_widget.spectrum.sets import IntArray
from spex_widget.spectrum.sparse import characters

CANDIDATES = 8
"""So many sets of one size are asked of the model, those that cross furthest on the surrogate."""

SEARCHED = 64
"""After so many ablations that do not cross on the model the search ends."""

PUT_BACK = 128
"""So many ablations may be asked to see which players are needless."""

LARGEST = 64
"""Sets of more players are not looked for: nobody calls that small."""

_BEAM = 64
_SEEDS = 512  # of the surrogate's own sets of a size, which may do together what none of their parts does
_ALL = 1 << 19  # sets of a size: as many are all looked at
_WORK = 1 << 24  # characters to evaluate for that
_CHUNK = 1 << 20  # characters at a time

Players = tuple[int, ...]
Values = Callable[[Sequence[Players]], FloatArray]


def find_flip(surrogate: SparseSpectrum, threshold: float, ask: Values, note: Callable[[Flip], None]) -> Flip:
    """Search.

    Parameters
    ----------
    surrogate : SparseSpectrum
    threshold : float
        To be crossed from the side on which the model's value with all players present lies.
    ask : callable
        The model's values with each of some sets of players ablated.
    note : callable
        Is told how far the search is.
    """
    whole = float(ask([()])[0])
    side = 1.0 if whole >= threshold else -1.0
    own = float(surrogate(np.ones((1, surrogate.n), dtype=np.bool_))[0])
    # By its value, or by its change added to the model's own: whichever of the two crosses sooner is worth a try.
    limit = side * threshold + max(0.0, side * (own - whole))
    flip = Flip(threshold)
    for found in crossing(side * surrogate, limit):
        if sets := found[: SEARCHED - flip.tried]:
            values = ask(sets)
            flip = replace(flip, tried=flip.tried + len(sets))
            crosses = np.flatnonzero(side * values < side * threshold)
            if len(crosses):
                first = int(crosses[0])
                flip = replace(flip, ablated=sets[first], value=float(values[first]))
        note(flip)
        if flip.ablated or flip.tried == SEARCHED:
            break
    if flip.ablated:
        flip = _put_back(flip, side, ask, note)
    return replace(flip, searching=False)


def _put_back(flip: Flip, side: float, ask: Values, note: Callable[[Flip], None]) -> Flip:
    """Without the players that need not be ablated."""
    most = flip.tried + PUT_BACK
    while len(flip.ablated) > 1 and flip.tried + len(flip.ablated) <= most:
        members = flip.ablated
        values = ask([_without(members, (i,)) for i in members])
        flip = replace(flip, tried=flip.tried + len(members))
        by_margin = np.argsort(side * values, kind="stable")
        needless = [members[i] for i in by_margin if side * values[i] < side * flip.threshold]
        if not needless:
            return replace(flip, minimal=True)
        flip = replace(flip, ablated=_without(members, needless[:1]), value=float(values[by_margin[0]]))
        # Several at once, so that a hundred needless players do not take a hundred rounds.
        longer = [needless[:k] for k in range(2, min(len(needless), len(members) - 1) + 1)][: most - flip.tried]
        if longer:
            values = ask([_without(members, some) for some in longer])
            flip = replace(flip, tried=flip.tried + len(longer))
            crosses = np.flatnonzero(side * values < side * flip.threshold)
            if len(crosses):
                last = int(crosses[-1])
                flip = replace(flip, ablated=_without(members, longer[last]), value=float(values[last]))
        note(flip)
    # One player alone is needed: with all present the value does not cross.
    return replace(flip, minimal=len(flip.ablated) == 1)


def _without(members: Players, some: Sequence[int]) -> Players:
    return tuple(i for i in members if i not in some)


def crossing(surrogate: SparseSpectrum, limit: float) -> Iterator[list[Players]]:
    """For each size, from one: the sets that take the surrogate furthest below a limit when they are ablated.

    At most `CANDIDATES` of each size, none where none does; it ends where no larger set can.

    Examples
    --------
    >>> either = SparseSpectrum.from_values([0, 1, 1, 1])  # x0 or x1
    >>> list(crossing(either, 0.5)), list(crossing(either, 0.0))
    ([[], [(0, 1)]], [])
    """
    steps = _Steps(surrogate)
    least = steps.least_size(limit)
    beam: list[Players] = [()]
    for size in range(1, (min(surrogate.n, LARGEST) if least <= surrogate.n else 0) + 1):
        everything = size >= least and steps.can_see_all(size)
        found = steps.all(size) if everything else steps.beyond(beam, size)
        beam = [players for players, _ in found]
        yield [players for players, value in found[:CANDIDATES] if value < limit]


class _Steps:
    """What a surrogate says of ablated sets, and of one player more."""

    def __init__(self, surrogate: SparseSpectrum) -> None:
        from scipy.sparse import csr_array

        self.n = surrogate.n
        self._members = surrogate.members
        self._orders = surrogate.orders
        # Around the coalition of all, of which every player that is ablated turns its terms' signs round.
        self._terms = surrogate.coefficients * (-1.0) ** surrogate.orders
        ends = np.concatenate([[0], np.cumsum(surrogate.orders)])
        held = surrogate.members[surrogate.members < surrogate.n]
        self._holds = csr_array((np.ones(len(held)), held, ends), shape=(len(surrogate), surrogate.n))

    def least_size(self, limit: float) -> int:
        """No set of fewer players goes below a limit; more than n where none does."""
        # Each term can take away at most twice itself, and only where one of its players is ablated.
        reach = np.sort(2 * (self._holds.T @ np.maximum(self._terms, 0.0)))[::-1]
        return 1 + int((np.cumsum(reach) <= float(self._terms.sum()) - limit).sum())

    def can_see_all(self, size: int) -> bool:
        """Whether there are few enough sets of a size."""
        work = comb(self.n, size - 1) * max(1, len(self._terms))
        return comb(self.n, size) <= _ALL and work <= _WORK

    def all(self, size: int) -> list[tuple[Players, float]]:
        """The best of all sets of a size."""
        smaller = _rows(list(combinations(range(self.n), size - 1)))
        return self._best(smaller, size, once=True)

    def beyond(self, beam: Sequence[Players], size: int) -> list[tuple[Players, float]]:
        """The best that are one player larger than these, or sets of the surrogate itself."""
        found = dict(self._best(_rows(beam), size))
        own = np.flatnonzero(self._orders == size)
        own = own[np.argsort(-np.abs(self._terms[own]), kind="stable")][:_SEEDS]
        sets = [tuple(map(int, row[:size])) for row in self._members[own]]
        if sets:
            found.update(zip(sets, self._values(_rows(sets)).sum(axis=1).tolist(), strict=True))
        return _first(found)

    def _best(self, sets: IntArray, size: int, *, once: bool = False) -> list[tuple[Players, float]]:
        """The best sets of a size that hold one of these and a player more; `once` where it comes after all others."""
        found: dict[Players, float] = {}
        step = max(1, _CHUNK // max(1, len(self._terms), self.n))
        for start in range(0, len(sets), step):
            part = sets[start : start + step]
            terms = self._values(part)
            values = terms.sum(axis=1)[:, None] - 2 * (self._holds.T @ terms.T).T
            np.put_along_axis(values, part, np.inf, axis=1)
            if once and size > 1:
                values[np.arange(self.n) <= part[:, -1:]] = np.inf
            # A set is reached from each of its parts.
            most = min(values.size, _BEAM * (1 if once else min(size, len(part))))
            for place in np.argpartition(values, most - 1, axis=None)[:most].tolist():
                row, player = divmod(place, self.n)
                if values[row, player] < np.inf:
                    found[tuple(sorted((*part[row].tolist(), player)))] = float(values[row, player])
            found = dict(_first(found))
        return _first(found)

    def _values(self, sets: IntArray) -> FloatArray:
        """Each term's value (k, terms) where each of these sets is ablated."""
        ablated = np.zeros((len(sets), self.n), dtype=np.bool_)
        np.put_along_axis(ablated, sets, True, axis=1)
        return characters(ablated, self._members) * self._terms


def _rows(sets: Sequence[Players]) -> IntArray:
    return np.array(sets, dtype=np.int64).reshape(len(sets), -1 if sets and sets[0] else 0)


def _first(found: dict[Players, float]) -> list[tuple[Players, float]]:
    return sorted(found.items(), key=lambda item: (item[1], item[0]))[:_BEAM]


def without(n: int, sets: Sequence[Players]) -> BoolArray:
    """The coalitions (k, n) in which these sets of players are ablated.

    Examples
    --------
    >>> without(3, [(), (0, 2)])
    array([[ True,  True,  True],
           [False,  True, False]])
    """
    coalitions = np.ones((len(sets), n), dtype=np.bool_)
    for row, players in zip(coalitions, sets, strict=True):
        row[list(players)] = False
    return coalitions
