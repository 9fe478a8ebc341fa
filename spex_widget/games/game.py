"""What is explained: players that can be ablated, and a value for every coalition of them."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.work import Work
from spex_widget.spectrum.arguments import BoolArray, FloatArray, check_coalitions

# How much of what a person reads stands for a game in a line.
_SHOWN = 48
# How many players, or values, an error names.
_LISTED = 8
# The largest value whose square, summed over many, is still a number.
_LARGEST = 1e150


class NonFiniteValueError(ValueError):
    """A game answered with NaN or an infinity.

    Attributes
    ----------
    values : ndarray of shape (m, outputs), float64
        All that the game answered, so that the finite rows, which were paid for, can be kept.
    """

    def __init__(self, message: str, values: FloatArray) -> None:
        super().__init__(message)
        self.values = values

    def __reduce__(self) -> tuple[type[NonFiniteValueError], tuple[str, FloatArray]]:
        return type(self), (str(self), self.values)  # so that it comes back from a pool of processes


@dataclass(frozen=True)
class Piece:
    """A stretch of what is shown to a person, in reading order.

    Parameters
    ----------
    text : str
        The characters as they stand in the source, white space included.
    player : int or None
        The player that this stretch belongs to; None where it is always present (protected, or between players).
    """

    text: str
    player: int | None = None


class Game(ABC):
    """Players, outputs, and a value of every output for every coalition of players.

    Subclasses implement `evaluate`; everyone else calls the game itself, which checks what goes in and what comes out.

    Parameters
    ----------
    players : sequence of str
        A label for each of the n players; n >= 2.
    outputs : sequence of str
        A label for each output.
    pieces : sequence of Piece, optional
        What a person reads, in order; by default the players' labels.
    model, value, ablation : str
        In words, for the header: what is explained, which value is measured, and what happens to an ablated player.

    Raises
    ------
    ValueError
        If there are fewer than two players or no output.
    """

    def __init__(
        self,
        players: Sequence[str],
        outputs: Sequence[str],
        *,
        pieces: Sequence[Piece] | None = None,
        model: str = "",
        value: str = "value",
        ablation: str = "absent",
    ) -> None:
        self.players = tuple(str(label) for label in players)
        self.outputs = tuple(str(label) for label in outputs)
        if len(self.players) < 2:
            raise ValueError(
                f"a game needs at least 2 players to have an interaction, got {len(self.players)}: {list(self.players)}"
            )
        if not self.outputs:
            raise ValueError("a game needs at least 1 output, got none; name what is measured, as in outputs=['value']")
        self.pieces = tuple(pieces) if pieces is not None else _spaced(self.players)
        self.model = model
        self.value = value
        self.ablation = ablation

    def __repr__(self) -> str:
        text = " ".join("".join(piece.text for piece in self.pieces).split())
        start = text if len(text) <= _SHOWN else text[:_SHOWN].rstrip() + "…"
        outputs = f" of {len(self.outputs)} outputs" if len(self.outputs) > 1 else ""
        return f"<{type(self).__name__} {start!r}: {self.n} players, ablated: {self.ablation}; {self.value}{outputs}>"

    @property
    def n(self) -> int:
        """The number of players."""
        return len(self.players)

    @property
    def work(self) -> Work | None:
        """What evaluating has taken so far; None where it is not counted."""
        return None

    @property
    def answer_tokens(self) -> tuple[str, ...]:
        """Where each output is a token of an answer: the answer, cut into these; else empty."""
        return ()

    @property
    def answer(self) -> str:
        """The answer that the outputs are tokens of; empty where they are of none."""
        return "".join(self.answer_tokens)

    def span(self, text: str) -> slice:
        """The outputs that a stretch of the answer is made of; ValueError where the outputs are tokens of none."""
        raise ValueError(f"a stretch, got {text!r}, must be one of an answer, and the outputs are tokens of none")

    @property
    def threshold(self) -> float | None:
        """The value at which the model's answer turns, where odds are even, say; None where no value is known to."""
        return None

    @property
    def moves_with_batch(self) -> bool:
        """Whether a value is known to move with the batch that it is evaluated in: a run then measures by how much."""
        return False

    @abstractmethod
    def evaluate(self, coalitions: BoolArray) -> npt.ArrayLike:
        """Answer checked coalitions: (m, n) bool, m >= 1, to (m, outputs), or (m,) for a single output."""

    def __call__(self, coalitions: npt.ArrayLike) -> FloatArray:
        """Evaluate coalitions.

        Parameters
        ----------
        coalitions : array_like of shape (m, n) or (n,), bool
            True where a player is present, False where it is ablated. Zeros and ones are taken as well.

        Returns
        -------
        ndarray of shape (m, outputs), float64

        Raises
        ------
        ValueError
            If the shape is wrong, an entry is neither 0 nor 1, or the answer has the wrong shape or no real numbers.
        NonFiniteValueError
            If the game answers with NaN or an infinity.
        """
        rows = check_coalitions(coalitions, self.n)
        if not len(rows):
            return np.empty((0, len(self.outputs)))
        answer = self.evaluate(rows)
        try:
            values = np.asarray(answer)
            # numpy would drop half of a complex number, with a warning.
            if not np.iscomplexobj(values):
                values = values.astype(np.float64, copy=False)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"the game must answer with an array of numbers, got {type(answer).__name__}: {error}"
            ) from error
        if np.iscomplexobj(values):
            raise ValueError("the game must answer with real numbers, got complex ones; their absolute value, say")
        if values.ndim == 1 and len(self.outputs) == 1:
            values = values[:, None]
        expected = (len(rows), len(self.outputs))
        if values.shape != expected:
            raise ValueError(
                f"{len(rows)} coalitions must be answered with values of shape {expected} (m, outputs), "
                f"got {values.shape}"
            )
        finite = are_finite(values)
        if not finite.all():
            first = int(np.argmin(finite))
            raise NonFiniteValueError(
                f"the game answered {int((~finite).sum())} of {len(rows)} coalitions with NaN or an infinity (or "
                f"more than {_LARGEST:g}), first {_listed(values[first].tolist())} for the coalition of players "
                f"{_listed(np.flatnonzero(rows[first]).tolist())}; "
                "values must be finite (a logit rather than a probability's logarithm, say)",
                values,
            )
        return values

    def restrict(self, players: Iterable[int]) -> Game:
        """Return the game among some of the players, all others held present.

        Parameters
        ----------
        players : iterable of int
            Indices of at least two players, each once, in the order that the new game has them.

        Raises
        ------
        ValueError
            If an index is out of range, named twice, or fewer than two are left.

        Examples
        --------
        >>> from spex_widget.games import FunctionGame
        >>> game = FunctionGame(lambda x: x.sum(axis=1), 4)
        >>> game.restrict([0, 2])([[False, False]])
        array([[2.]])
        """
        from spex_widget.games.restricted import RestrictedGame

        return RestrictedGame(self, players)

    def unchanged(self) -> AbstractContextManager[None]:
        """A stretch in which what is explained does not change, so that what calls have in common may be kept."""
        return nullcontext()

    def show(self, coalition: npt.ArrayLike) -> str:
        """What the model sees in one coalition, as text."""
        row = self.one_coalition(coalition)
        return " ".join(label for label, present in zip(self.players, row, strict=True) if present)

    def one_coalition(self, coalition: npt.ArrayLike) -> BoolArray:
        """A single coalition as (n,) bool; ValueError where it is none, or there are several."""
        rows = check_coalitions(coalition, self.n)
        if len(rows) != 1:
            raise ValueError(f"one coalition of {self.n} entries is shown at a time, got {len(rows)}")
        return np.asarray(rows[0])

    def fingerprint(self) -> str:
        """A digest of what the game is, by which a log knows that it belongs to it."""
        parts = (type(self).__qualname__, self.model, self.value, self.ablation, self.outputs, self.players)
        return hashlib.sha256(json.dumps([*parts, self._identity()]).encode()).hexdigest()

    def _identity(self) -> str:
        """What else tells this game from another of the same labels (a digest of the weights, say)."""
        return ""


def are_finite(values: FloatArray) -> BoolArray:
    """Which rows (m, outputs) hold numbers that can be reckoned with: no NaN, no infinity, no square that overflows."""
    return np.asarray((np.abs(values) <= _LARGEST).all(axis=1))


def _listed(items: Sequence[Any]) -> str:
    """A list as it is printed, but a long one's beginning alone."""
    more = len(items) - _LISTED
    return str(items) if more <= 0 else f"[{', '.join(map(str, items[:_LISTED]))}, … and {more:,} more]"


def _spaced(labels: Sequence[str]) -> tuple[Piece, ...]:
    pieces = [piece for i, label in enumerate(labels) for piece in (Piece(" "), Piece(label, i))]
    return tuple(pieces[1:])
