"""What a model says of a batch of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# Token ids that a row is continued by, or that a decoder of its own has written.
Suffixes = Sequence[tuple[int, ...]]


@dataclass(frozen=True)
class ModelOutput:
    """What a model says of a batch of rows of one suffix.

    Parameters
    ----------
    output : Tensor, float32 or finer
        (batch, labels): a classifier's logits. (batch, len(suffix) + 1, vocabulary): the logits of a language model
        for the token after the row (for the first that a decoder of its own writes), and for the one after each token
        of the suffix. (batch, length, width): an encoder's last hidden states.
    present : Tensor of shape (batch, length), bool
        True where a token is, False where there is padding behind it; the suffix of a causal model counts as tokens.
    """

    output: Tensor
    present: Tensor
