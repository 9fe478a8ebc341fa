"""What every algorithm offers: ask it what to ablate, tell it the values, read off what it knows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spex_widget.spectrum import SparseSpectrum


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
        Of the surrogate, on ablations that it had not seen.
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
    """

    output: Output
    round: int
    ablations: int
    spectrum: SparseSpectrum
    exact: bool = False
    history: tuple[Mark, ...] = ()

    @property
    def r2(self) -> R2 | None:
        """The newest held-out R²; None before the second round, while no value differs, and where it is exact."""
        return self.history[-1].r2 if self.history else None

    def settled(self, top: int = 10) -> tuple[tuple[int, ...], ...]:
        """Which of the `top` largest interactions are settled; none where nothing says so."""
        return ()


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
