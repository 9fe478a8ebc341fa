"""What an interaction is when it is measured on the model itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spex_widget.spectrum import SparseSpectrum

VERDICTS = ("confirmed", "contradicted", "undecided")
"""What a measurement says of a surrogate's effect, see `Measured.verdict`."""

_SIZE = 3.0  # effects within this factor of each other are of one order of size
_SMALL = 0.2  # of an effect is next to nothing of it


@dataclass(frozen=True)
class Measured:
    """The mean discrete derivative of the model with respect to a set of players, over contexts: its BII, measured.

    Parameters
    ----------
    effect : float
        The mean.
    low, high : float
        Its interval; no wider than a point where every context was measured.
    contexts : int
        How many contexts of the other players were measured.
    targeted : int
        How many of them a person asked for, of this set alone, as evidence.
    """

    effect: float
    low: float
    high: float
    contexts: int
    targeted: int = 0

    def verdict(self, effect: float) -> str:
        """What this says of a surrogate's effect, its BII.

        - *confirmed*: the interval leaves out 0, on the effect's side, and meets what is within a factor of 3 of it;
        - *contradicted*: the interval lies on the other side of 0, or wholly within a fifth of the effect around 0;
        - *undecided*: neither.

        Examples
        --------
        >>> measured = Measured(0.9, 0.5, 1.3, contexts=16)
        >>> [measured.verdict(effect) for effect in (1.0, -1.0, 7.0, 4.0)]
        ['confirmed', 'contradicted', 'contradicted', 'undecided']
        """
        size = abs(effect)
        low, high = (self.low, self.high) if effect > 0 else (-self.high, -self.low)
        if low > 0 and high >= size / _SIZE and low <= size * _SIZE:
            return "confirmed"
        if high < 0 or (-_SMALL * size < low and high < _SMALL * size):
            return "contradicted"
        return "undecided"


@dataclass(frozen=True)
class Verifying:
    """How a verification stands.

    Parameters
    ----------
    done, chosen : int
        How many interactions have been measured, of how many; of none while no verification is under way.
    ablations : int
        How many ablations all measuring has taken so far, beside those that the surrogate learns from.
    error : str
        Why the last one ended early, in words; empty where it did not.
    """

    done: int = 0
    chosen: int = 0
    ablations: int = 0
    error: str = ""


def bii(spectrum: SparseSpectrum, players: Iterable[int]) -> float:
    """A set's mean discrete derivative in a surrogate, which is what `Measured` is of the model.

    Examples
    --------
    >>> bii(SparseSpectrum.from_values([0, 0, 0, 1]), (0, 1))  # x0 and x1
    1.0
    """
    members = tuple(players)
    return (-2.0) ** len(members) * spectrum[members]
