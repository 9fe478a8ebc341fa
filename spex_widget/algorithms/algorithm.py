"""What every algorithm offers: ask it what to ablate, tell it the values, read off what it knows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spex_widget.algorithms.evidence import HONEST, Foretold, Pooled, interval, pool
from spex_widget.spectrum import SparseSpectrum, check_index, index_weights, interactions
from spex_widget.spectrum.arguments import FloatArray
from spex_widget.spectrum.sets import IntArray

_AT_A_TIME = 256  # sets
_RIVALS = 4  # times as many as the top are looked at: one from further down does not come in


@dataclass(frozen=True)
class Output:
    """What is explained of a game's outputs: one of them, or a weighted sum (a contrast has weights of both signs).

    Parameters
    ----------
    terms : tuple of (int, float)
        Positions of outputs, ascending, and their weights; the first output alone by default.
    label : str
        In words; says nothing that the terms do not.

    Examples
    --------
    >>> contrast = Output(((0, 1.0), (2, -1.0)), "positive − negative")
    >>> contrast.of(np.array([[5.0, 9.0, 3.0]])), contrast.position, Output(((2, 1.0),)).position
    (array([2.]), -1, 2)
    """

    terms: tuple[tuple[int, float], ...] = ((0, 1.0),)
    label: str = field(default="", compare=False)

    @property
    def position(self) -> int:
        """Which output it is; −1 where it is none, but a sum."""
        (position, weight), *more = self.terms
        return position if weight == 1 and not more else -1

    def of(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The output's values (k,), given those of all outputs, (k, outputs)."""
        # Term by term: a matrix product would round a row's sum differently with the number of rows.
        total = np.zeros(len(values))
        for position, weight in self.terms:
            total += weight * values[:, position]
        return total


FIRST = Output()
"""The first output of a game."""


@dataclass(frozen=True)
class R2:
    """A held-out R² with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Mark:
    """What was known at the end of one round: the convergence line has one point a mark.

    Parameters
    ----------
    ablations : int
        How many uniform ablations had been used up to here.
    r2 : R2
        Of the newest surrogate, projected from how well those before it foretold ablations that they had not seen.
    r2_linear : float
        The same of a first-order surrogate, so that a person sees whether interactions matter.
    """

    ablations: int
    r2: R2
    r2_linear: float


@dataclass(frozen=True, eq=False)
class Estimate:
    """What an algorithm knows after some ablations: one surrogate and how far to trust it.

    Parameters
    ----------
    output : Output
        What it speaks of.
    round : int
        How many round marks it has passed.
    ablations : int
        How many uniform ablations the surrogate was fitted to.
    spectrum : SparseSpectrum
        The surrogate.
    exact : bool
        Every coalition was evaluated: no error, so no interval and no R².
    history : tuple of Mark
        The convergence line, oldest first; empty where exact, and while no held-out value differs from the others.
    weights : mapping of str to float
        Which refiners speak in the surrogate, and with what weight; what is missing to 1 is the mean's.
    foretold : tuple of Foretold
        The rounds, each with what had been foretold of it: what the intervals are made from. Empty where exact.
    notes : tuple of str
        What a person should know of how it was made, a plain sentence each: data that a refiner left out.
    """

    output: Output
    round: int
    ablations: int
    spectrum: SparseSpectrum
    exact: bool = False
    history: tuple[Mark, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    foretold: tuple[Foretold, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def r2(self) -> R2 | None:
        """The newest held-out R²; None before the second round, while no value differs, and where it is exact."""
        return self.history[-1].r2 if self.history else None

    def intervals(
        self, sets: IntArray, index: str = "BII", max_order: int | None = None
    ) -> tuple[FloatArray, FloatArray] | None:
        """Honest 95 % intervals of the interactions of some sets, see `algorithms.evidence`.

        Parameters
        ----------
        sets : ndarray of shape (s, d), int
            A set a row, its players ascending, padded with n.
        index, max_order
            See `spex_widget.spectrum.interactions`.

        Returns
        -------
        low, high : ndarray of shape (s,), float64
            Around what the held-out residuals say, and as far as the surrogate's own effect where this lies outside. Or
            None where there is no interval: the result is exact, no round was foretold, or the index is none of
            `evidence.HONEST`.
        """
        if not self.foretold or check_index(index) not in HONEST:
            return None
        # A few sets at a time: what each row adds to each of them is held.
        parts = [sets[start : start + _AT_A_TIME] for start in range(0, max(len(sets), 1), _AT_A_TIME)]
        ends = [interval(self._pooled(part, index, max_order)) for part in parts]
        low, high = (np.concatenate(column) for column in zip(*ends, strict=True))
        own = index_weights(self.spectrum.members, self.spectrum.n, sets, index, max_order) @ self.spectrum.coefficients
        return np.minimum(low, own), np.maximum(high, own)

    def settled(
        self,
        top: int = 10,
        *,
        index: str = "BII",
        max_order: int | None = None,
        least_order: int = 1,
        draws: int = 40,
        share: float = 0.95,
        marks: int = 3,
        r2: float = 0.5,
    ) -> tuple[tuple[int, ...], ...]:
        """Which of the `top` largest interactions are settled for this surrogate and this ablation, largest first.

        The largest are those of at least `least_order` players. One is settled when all of these hold; where the result
        is exact, all are, and where an index has no honest interval, none is.

        - In at least this `share` of bootstrap `draws` it is among the `top`.
        - Its sign was the same at the last `marks` round marks.
        - Its interval leaves out 0.
        - The lower end of the held-out R² is at least `r2`.
        """
        table = interactions(self.spectrum, index, max_order)
        sizes = np.abs(table.coefficients) * (table.orders >= max(least_order, 1))
        largest = np.argsort(-sizes, kind="stable")[: _RIVALS * top]
        largest = largest[sizes[largest] > 0]
        sets, effects = table.members[largest], table.coefficients[largest]
        if self.exact:
            return tuple(_players(row, table.n) for row in sets[:top])
        if len(self.foretold) < marks - 1 or self.r2 is None or self.r2.low < r2 or not len(largest):
            return ()
        if check_index(index) not in HONEST:
            return ()
        pooled = self._pooled(sets, index, max_order)
        low, high = interval(pooled)
        drawn = np.abs(pooled.draw(np.random.default_rng(0), draws))
        inside = np.bincount(np.argsort(-drawn, kind="stable")[:, :top].ravel(), minlength=len(sets))
        sure = (inside >= share * draws) & (np.sign(low) == np.sign(high)) & (np.sign(low) == np.sign(effects))
        for known in self.foretold[len(self.foretold) - marks + 1 :]:
            before = interactions(known.surrogate, index, max_order).at(sets)
            sure &= np.sign(before) == np.sign(effects)
        return tuple(_players(row, table.n) for row in sets[:top][sure[:top]])

    def _pooled(self, sets: IntArray, index: str, max_order: int | None) -> Pooled:
        return pool(self.foretold, self.spectrum.members, sets, index, max_order)


def _players(row: IntArray, n: int) -> tuple[int, ...]:
    return tuple(int(i) for i in row if i < n)


@dataclass(frozen=True, eq=False)
class Batch:
    """Coalitions to ablate together.

    Parameters
    ----------
    start : int
        The number of the first; the others follow it.
    round : int
        The round that they belong to.
    coalitions : ndarray of shape (k, n), bool
    """

    start: int
    round: int
    coalitions: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.coalitions)


class Algorithm(ABC):
    """Ask and tell, as in sequential optimisation.

    Ablations are numbered as they are asked for; rounds are cut by that number, so that neither the size of the
    batches nor the order in which they come back changes an estimate. `ask` and `tell` may run beside `advance`.
    """

    @abstractmethod
    def ask(self, most: int) -> Batch:
        """The next at most `most` coalitions, of one round; none when there is nothing left to ablate."""

    @abstractmethod
    def mark_after(self, ablations: int) -> int:
        """The first round mark beyond so many ablations: what ends a run that knows enough is looked at there."""

    @abstractmethod
    def tell(self, batch: Batch, values: npt.NDArray[np.float64]) -> None:
        """Take the values (k, outputs) of a batch, in any order of batches."""

    @abstractmethod
    def advance(self, output: Output = FIRST, most: int | None = None) -> Estimate | None:
        """Close the next round of this output whose ablations are all in, and estimate; None where there is none.

        With `most`, as if only the first `most` ablations had been asked for: no fewer than a closed round has.
        """

    @abstractmethod
    def finish(self, output: Output = FIRST, most: int | None = None) -> Estimate | None:
        """Estimate from everything told so far, in full; None where there is too little to say anything.

        With `most`, as if only the first `most` ablations had been asked for: no fewer than a closed round has.
        """
