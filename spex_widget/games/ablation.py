"""What happens to the tokens of an ablated player."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spex_widget.games.subject import Subject
from spex_widget.spectrum.arguments import BoolArray

IntArray = npt.NDArray[np.int64]
ABLATIONS = ("auto", "mask_token", "remove")


@dataclass(frozen=True)
class Ablation:
    """A way to take players out of a row of token ids.

    Parameters
    ----------
    words : str
        What happens to an ablated player, as a person reads it.
    replacement : int or None
        The token id that each of its tokens is replaced by; None where they are removed.
    start : int or None
        The token id that stands for a prompt of which nothing is left; None where something always is.
    """

    words: str
    replacement: int | None = None
    start: int | None = None

    def rows(self, inputs: IntArray, owner: npt.NDArray[np.intp], coalitions: BoolArray) -> list[IntArray]:
        """Ablate.

        Parameters
        ----------
        inputs : ndarray of shape (k, length), int64
            Token ids, and below them whatever else goes with each token (its type).
        owner : ndarray of shape (length,), int
            The player of each token, -1 for those that are always present.
        coalitions : ndarray of shape (m, n), bool

        Returns
        -------
        list of m ndarrays of shape (k, length of the row), int64

        Examples
        --------
        >>> inputs, owner, coalitions = np.array([[101, 7, 8, 9, 102]]), np.array([-1, 0, 0, 1, -1]), np.eye(2) > 0
        >>> Ablation("replaced by [MASK]", 103).rows(inputs, owner, coalitions)
        [array([[101,   7,   8, 103, 102]]), array([[101, 103, 103,   9, 102]])]
        >>> Ablation("removed").rows(inputs, owner, coalitions)
        [array([[101,   7,   8, 102]]), array([[101,   9, 102]])]
        """
        always = np.ones((len(coalitions), 1), dtype=np.bool_)
        present = np.hstack([coalitions, always])[:, owner]  # an owner of -1 finds the last column
        if self.replacement is not None:
            rows = np.repeat(inputs[None], len(coalitions), axis=0)
            rows[:, 0][~present] = self.replacement
            return list(rows)
        removed = [inputs[:, here] for here in present]
        if self.start is None:
            return removed
        alone = np.array([[self.start], *([0] for _ in inputs[1:])])
        return [row if row.shape[1] else alone for row in removed]


def choose_ablation(name: str, subject: Subject, owner: npt.NDArray[np.intp]) -> Ablation:
    """Turn the name of an ablation into what it means for a model and a text.

    Parameters
    ----------
    name : {"auto", "mask_token", "remove"}
        "auto" is the tokenizer's mask token where there is one, and removal else.
    subject : Subject
        The model with its tokenizer.
    owner : ndarray of shape (length,), int
        The player of each token of the text, -1 for those that are always present.

    Raises
    ------
    ValueError
        If the name is unknown, the tokenizer has no mask token to replace with, or removing everything would leave
        nothing and neither a start nor an end token can stand in.
    """
    if not isinstance(name, str) or name not in ABLATIONS:
        raise ValueError(f"ablation must be one of {', '.join(map(repr, ABLATIONS))}, got {name!r}")
    replacement = subject.tokenizer.mask_token_id
    if name == "mask_token" and replacement is None:
        raise ValueError(
            f"ablation='mask_token' needs a tokenizer with a mask token, and {subject.tokenizer_name} has "
            "none; ablation='remove' removes the tokens instead"
        )
    if name != "remove" and replacement is not None:
        subject.check_ids(np.array([replacement]), "the mask token")
        return Ablation(f"replaced by {subject.tokenizer.mask_token}", replacement)
    if (owner < 0).any():
        return Ablation("removed")
    start = subject.start
    if start is None:
        raise ValueError(
            f"with every player removed, {subject.name} would be given no token at all, and {subject.tokenizer_name} "
            "has no start or end token to stand in; protect a part of the text, as in protect='…', or set "
            "tokenizer.bos_token"
        )
    subject.check_ids(np.array([start]), "the start token")
    return Ablation("removed", start=start)
