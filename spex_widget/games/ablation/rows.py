"""Rows of token ids for coalitions: what the model is given where players are ablated."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.model.subject import Encoding
from spex_widget.spectrum.arguments import BoolArray

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows(ABC):
    """A way to ablate the players of one text.

    Parameters
    ----------
    words : str
        What happens to an ablated player, as a person reads it.
    names : tuple of str
        What the lines of a row are called in the model's `forward`; token ids come first.
    tokens : ndarray of shape (k, length), int64
        Token ids, and below them whatever else goes with each token.
    owner : ndarray of shape (length,), int
        The player of each token, -1 for those that are always present.
    start : int or None
        The token id that stands for a prompt of which nothing is left; None where something always is.
    """

    words: str
    names: tuple[str, ...]
    tokens: IntArray
    owner: npt.NDArray[np.intp]
    start: int | None

    def __call__(self, coalitions: BoolArray) -> list[IntArray]:
        """Ablate: coalitions, (m, n) bool, to m arrays of shape (k, length of the row), int64."""
        rows = self._rows(self._present(coalitions))
        return rows if self.start is None else [row if row.shape[1] else self._alone(self.start) for row in rows]

    @property
    def longest(self) -> int:
        """The most tokens that a row may have."""
        return int(self.tokens.shape[1])

    def show(self, tokenizer: Any, coalition: BoolArray) -> str:
        """What the model sees in one coalition, (n,) bool, special tokens included, decoded from the token ids."""
        return _decoded(tokenizer, self(coalition[None])[0][0])

    def digest(self) -> str:
        """What tells these rows from others in the same words."""
        state = hashlib.sha256(repr((type(self).__name__, self.names, self.start)).encode())
        for array in (self.tokens, self.owner.astype(np.int64)):
            state.update(array.tobytes())
        return state.hexdigest()

    @abstractmethod
    def _rows(self, present: BoolArray) -> list[IntArray]:
        """A row for each coalition, given which tokens' players are present, (m, length)."""

    def _present(self, coalitions: BoolArray) -> BoolArray:
        always = np.ones((len(coalitions), 1), dtype=np.bool_)
        return np.hstack([coalitions, always])[:, self.owner]  # an owner of -1 finds the last column

    def _alone(self, start: int) -> IntArray:
        row = np.zeros((len(self.tokens), 1), dtype=np.int64)
        row[0] = start
        return row


@dataclass(frozen=True)
class Substituted(Rows):
    """Rows in which other tokens, or none, stand for an ablated player's; `substituted` makes them.

    `tokens` holds all that may be shown, in order; `own` says of each whether it is the text's, shown where its player
    is present, or stands for that where the player is ablated.

    Examples
    --------
    >>> encoding = Encoding(np.array([[101, 7, 8, 9, 102]]), ("input_ids",), [], [])
    >>> owner, coalitions = np.array([-1, 0, 0, 1, -1]), np.eye(2) > 0
    >>> substituted("replaced by [MASK]", encoding, owner, [[103]] * 5)(coalitions)
    [array([[101,   7,   8, 103, 102]]), array([[101, 103, 103,   9, 102]])]
    >>> substituted("removed", encoding, owner, [[]] * 5)(coalitions)
    [array([[101,   7,   8, 102]]), array([[101,   9, 102]])]
    """

    own: BoolArray

    @property
    def longest(self) -> int:
        """The most tokens that a row may have."""
        players = self.owner.max() + 2
        counts = [np.bincount(self.owner[which] + 1, minlength=players) for which in (self.own, ~self.own)]
        return int(np.maximum(*counts).sum())

    def digest(self) -> str:
        """What tells these rows from others in the same words."""
        return super().digest() + hashlib.sha256(self.own.tobytes()).hexdigest()

    def _rows(self, present: BoolArray) -> list[IntArray]:
        return [self.tokens.compress(shown, axis=1) for shown in present == self.own]


def substituted(
    words: str,
    encoding: Encoding,
    owner: npt.NDArray[np.intp],
    instead: Sequence[Sequence[int]],
    start: int | None = None,
) -> Substituted:
    """Rows in which, where its player is ablated, other token ids stand in the place of each token.

    Parameters
    ----------
    words : str
    encoding : Encoding
        The whole text.
    owner : ndarray of shape (length,), int
        The player of each of its tokens, -1 for those that are always present.
    instead : sequence of sequences of int
        Token ids for each token; those of tokens that are always present are not used.
    start : int or None
        See `Rows`.
    """
    stand_ins = [list(ids) if player >= 0 else [] for ids, player in zip(instead, owner, strict=True)]
    lengths = np.array([1 + len(ids) for ids in stand_ins])
    tokens = np.repeat(encoding.inputs, lengths, axis=1)
    own = np.zeros(tokens.shape[1], dtype=np.bool_)
    own[np.cumsum(lengths) - lengths] = True
    tokens[0, ~own] = [i for ids in stand_ins for i in ids]
    return Substituted(words, encoding.names, tokens, np.repeat(owner, lengths), start, own)


@dataclass(frozen=True)
class Hidden(Rows):
    """Rows whose ablated tokens stay where they are, but are hidden from all others by the attention mask.

    Behind the last token that is present nothing is left to hide, so that a language model goes on from a token that
    is present. `names` ends in "attention_mask", and in "position_ids" where the model takes them.

    Examples
    --------
    >>> tokens = np.array([[7, 8, 9], [1, 1, 1], [0, 1, 2]])
    >>> names = ("input_ids", "attention_mask", "position_ids")
    >>> for row in Hidden("hidden", names, tokens, np.array([0, 1, -1]), None)(np.eye(2)[::-1] > 0):
    ...     print(row.tolist())
    [[7, 8, 9], [0, 1, 1], [0, 1, 2]]
    [[7, 8, 9], [1, 0, 1], [0, 1, 2]]
    """

    def show(self, tokenizer: Any, coalition: BoolArray) -> str:
        """What the model sees in one coalition, and in brackets what is hidden from it."""
        present = self._present(coalition[None])[0]
        if not present.any():
            present = np.append(True, present)
            ids = np.append(self._alone(self.start or 0)[0], self.tokens[0])
        else:
            ids = self.tokens[0]
        ends = [*np.flatnonzero(np.diff(present)) + 1, len(ids)]
        shown, at, text = "", 0, ""
        for end in ends:
            whole = _decoded(tokenizer, ids[:end])
            part = whole[len(text) :]
            body = part.strip()
            shown += part if present[at] or not body else part.replace(body, f"[hidden: {body}]")
            at, text = end, whole
        return shown

    def _rows(self, present: BoolArray) -> list[IntArray]:
        line = self.names.index("attention_mask")
        rows = []
        for here in present:
            row = self.tokens[:, : here.size - int(np.argmax(here[::-1])) if here.any() else 0].copy()
            row[line] = here[: row.shape[1]]
            rows.append(row)
        return rows

    def _alone(self, start: int) -> IntArray:
        row: IntArray = self.tokens[:, :1].copy()
        row[0] = start
        return row


def _decoded(tokenizer: Any, ids: IntArray) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
