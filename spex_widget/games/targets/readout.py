"""What every target becomes, once a model and a text are known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spex_widget.games.model.batching import Batcher, IntArray, Read
from spex_widget.games.model.output import ModelOutput
from spex_widget.games.model.subject import Subject
from spex_widget.games.units import Span
from spex_widget.spectrum.arguments import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

TokenIds = tuple[int, ...]


@dataclass(frozen=True)
class Prompt:
    """A whole text before a model, for a target to be looked up in.

    Parameters
    ----------
    batcher : Batcher
        What evaluates the model.
    text : str
        The text, nothing ablated.
    inputs : ndarray of shape (k, length), int64
        The text as the model takes it; token ids come first.
    """

    batcher: Batcher
    text: str
    inputs: IntArray

    @property
    def subject(self) -> Subject:
        """The model with its tokenizer."""
        return self.batcher.subject

    def values(self, read: Read, suffixes: Sequence[TokenIds] = ((),)) -> FloatArray:
        """What is read off the model's output for the whole text: (outputs,) float64."""
        self.check_length(suffixes)
        return np.asarray(self.batcher([self.inputs], read, suffixes)[0])

    def check_length(self, suffixes: Sequence[TokenIds]) -> None:
        """ValueError where the text (or a decoder's start) with a suffix is longer than the model takes."""
        subject = self.subject
        alone = subject.kind == "seq2seq"
        before = len(subject.decoder_start) if alone else self.inputs.shape[1]
        what = "the continuation, with the decoder's start," if alone else "the text with its continuation"
        for suffix in suffixes:
            subject.check_length(before + len(suffix), what, written=True)


@dataclass(frozen=True)
class Readout:
    """A target, once a model and a text are known.

    Parameters
    ----------
    outputs : tuple of str
        A label for each output.
    value : str
        What the values are, in words.
    read : callable
        From a list of what the model says, one for each suffix, to values, (batch, outputs); see `Batcher`.
    suffixes : tuple of tuples of int
        Token ids that the text is continued by; a pass through the model, and an entry of `read`'s list, for each.
    digest : str
        What else tells this readout from another with the same words.
    answer : str
        Where each output is a token of an answer: what they read as together.
    spans : tuple of (start, end)
        The characters of the answer that each output has a part in.
    threshold : float or None
        The value at which what the model says changes; None where no value is known to.
    """

    outputs: tuple[str, ...]
    value: str
    read: Read
    suffixes: tuple[TokenIds, ...] = ((),)
    digest: str = ""
    answer: str = ""
    spans: tuple[Span, ...] = ()
    threshold: float | None = None

    @property
    def tokens(self) -> tuple[str, ...]:
        """The answer, cut into what each output adds to it: empty for one that only ends another's character."""
        ends = [0, *(stop for _, stop in self.spans)]
        return tuple(self.answer[max(ends[: k + 1]) : stop] for k, (_, stop) in enumerate(self.spans))

    def find(self, text: str) -> slice:
        """The outputs that a stretch of the answer is made of; ValueError where it does not occur just once."""
        if not isinstance(text, str):
            raise TypeError(f"a stretch of the answer is given by its text, got {type(text).__name__}")
        starts = range(len(self.answer) - len(text) + 1)
        found = sum(self.answer.startswith(text, start) for start in starts) if text else 0
        if found != 1:
            raise ValueError(
                f"a stretch must occur in the answer just once, and {text!r} does {found} times in {self.answer!r}"
                + ("" if self.answer else ", for the target is no answer: Answer(…) measures one token by token")
            )
        start = self.answer.index(text)
        stop = start + len(text)
        inside = [k for k, (a, b) in enumerate(self.spans) if a < stop and start < b]
        return slice(inside[0], inside[-1] + 1)


def side_by_side(readouts: Sequence[Readout]) -> Readout:
    """Several readouts of the same output, none of which continues the text, as one: their outputs in order.

    Raises
    ------
    ValueError
        If two outputs have one name.
    """
    outputs = tuple(name for readout in readouts for name in readout.outputs)
    if len(set(outputs)) < len(outputs):
        raise ValueError(f"target must name each output once, got {', '.join(map(repr, outputs))}")

    def read(said: list[ModelOutput]) -> Tensor:
        import torch

        return torch.cat([readout.read(said) for readout in readouts], dim=1)

    thresholds = {readout.threshold for readout in readouts}
    shared = thresholds.pop() if len(thresholds) == 1 else None
    # "logit" of several labels, each of which is named as an output; else each by what it is.
    kinds = {readout.value.removesuffix(f" of {readout.outputs[0]}") for readout in readouts}
    value = kinds.pop() if len(kinds) == 1 else "; ".join(readout.value for readout in readouts)
    return Readout(outputs, value, read, threshold=shared)


class Target(ABC):
    """What to measure; subclasses say how to read it off a model."""

    @abstractmethod
    def resolve(self, prompt: Prompt) -> Readout:
        """Look the target up in a model: ValueError or TypeError where it is not to be had there."""


# What a kind of model is, and what can be measured of it.
_KINDS = {
    "classifier": ("a classifier", "Label or LogOdds measure one of its labels: {labels}"),
    "causal": ("a language model", "Continuation, Answer, Perplexity, or LogOdds between two continuations, will do"),
    "encoder": ("an encoder without a head", "Similarity to a query is what can be measured of it"),
}


def refusal(subject: Subject, lacks: str, got: str) -> ValueError:
    """The error for a target that a model has not: what it is and lacks, what was given, what would do."""
    what, instead = _KINDS["causal" if subject.generative else subject.kind]
    if subject.kind == "classifier":
        instead = instead.format(labels=", ".join(map(repr, subject.labels)))
    return ValueError(f"{subject.name} is {what}, which {lacks}, got {got}; {instead}")
