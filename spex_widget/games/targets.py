"""What is measured: small types that say what to read off a model's logits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from spex_widget.games.answer import Answer
from spex_widget.games.subject import Subject

if TYPE_CHECKING:
    from torch import Tensor

SCALES = {"logit": "logit", "logprob": "log-probability", "logodds": "log-odds"}
TokenIds = tuple[int, ...]


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
        From a list of `Answer`, one for each suffix, to values, (batch, outputs); see `Batcher`.
    suffixes : tuple of tuples of int
        Token ids that the text is continued by; a pass through the model, and an entry of `read`'s list, for each.
    """

    outputs: tuple[str, ...]
    value: str
    read: Callable[[list[Answer]], Tensor]
    suffixes: tuple[TokenIds, ...] = ((),)


class Target(ABC):
    """What to measure; subclasses say how to read it off a model."""

    @abstractmethod
    def resolve(self, subject: Subject, text: str) -> Readout:
        """Look the target up in a model: ValueError or TypeError where it is not to be had there."""


@dataclass(frozen=True)
class Label(Target):
    """A class of a sequence classifier.

    Parameters
    ----------
    label : str or int
        Its name (letter case is forgiven where that leaves one) or its index.
    scale : {"logit", "logprob", "logodds"}
        The logit itself, the log-probability, or the log-odds against all other classes.

    Raises
    ------
    TypeError, ValueError
        If the label is neither a name nor an index, or the scale is unknown.
    """

    label: str | int
    scale: str = "logit"

    def __post_init__(self) -> None:
        _check_label(self.label)
        if self.scale not in tuple(SCALES):
            raise ValueError(f"scale must be one of {', '.join(map(repr, SCALES))}, got {self.scale!r}")

    def resolve(self, subject: Subject, text: str) -> Readout:
        """Look the label up among the classifier's."""
        index, name = _find_label(subject, self.label)
        if self.scale == "logit":
            return Readout((name,), f"logit of {name}", lambda answers: answers[0].output[:, index : index + 1])
        independent = _labels_are_independent(subject, f"scale={self.scale!r}")
        score = _log_probability if self.scale == "logprob" else _log_odds
        return Readout(
            (name,),
            f"{SCALES[self.scale]} of {name}",
            lambda answers: score(answers[0].output, index, independent)[:, None],
        )


@dataclass(frozen=True)
class Continuation(Target):
    """The log-probability of a text that follows the prompt: the sum over its tokens.

    Parameters
    ----------
    text : str
        As it would follow the prompt, with the white space between them: " Paris" rather than "Paris".

    Raises
    ------
    TypeError
        If the text is no string.
    """

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"a continuation must be a str, got {type(self.text).__name__}; it follows the prompt")

    def resolve(self, subject: Subject, text: str) -> Readout:
        """Turn the continuation into token ids."""
        return read_continuation(_continuation_ids(subject, text, self.text), self.text)


@dataclass(frozen=True)
class LogOdds(Target):
    """How much likelier one answer is than another.

    Parameters
    ----------
    a : str or int
        A classifier's label, or a language model's continuation.
    b : str or int, optional
        The other one: log P(a) - log P(b) is measured. Without it, a classifier's label against all others.

    Raises
    ------
    TypeError, ValueError
        If an answer is neither a name nor an index, or both are the same.
    """

    a: str | int
    b: str | int | None = None

    def __post_init__(self) -> None:
        _check_label(self.a)
        if self.b is not None:
            _check_label(self.b)
        if self.a == self.b:
            raise ValueError(f"log-odds must be between two different answers, got {self.a!r} twice")

    def resolve(self, subject: Subject, text: str) -> Readout:
        """Look both answers up."""
        if not subject.generative:
            return self._between_labels(subject)
        if not (isinstance(self.a, str) and isinstance(self.b, str)):
            raise ValueError(
                f"log-odds of a language model must be between two continuations, got {self.a!r} and {self.b!r}; "
                "LogOdds(' yes', ' no'), say"
            )
        suffixes, scores = _read_continuations([_continuation_ids(subject, text, t) for t in (self.a, self.b)])
        return Readout(
            (f"{self.a} / {self.b}",),
            f"log-odds of {self.a!r} against {self.b!r}",
            lambda answers: -scores(answers).diff(dim=1),
            suffixes,
        )

    def _between_labels(self, subject: Subject) -> Readout:
        if self.b is None:
            return Label(self.a, "logodds").resolve(subject, "")
        (a, a_name), (b, b_name) = _find_label(subject, self.a), _find_label(subject, self.b)
        independent = _labels_are_independent(subject, "log-odds")
        if a == b:
            raise ValueError(f"log-odds must be between two different labels, got {a_name!r} twice")

        def read(answers: list[Answer]) -> Tensor:
            score = partial(_log_probability, answers[0].output, independent=independent)
            return (score(a) - score(b))[:, None]

        return Readout((f"{a_name} / {b_name}",), f"log-odds of {a_name} against {b_name}", read)


def as_target(target: Any, subject: Subject) -> Target:
    """A target from what a user may write for one: a string is a label or a continuation, an int a label's index."""
    if isinstance(target, Target):
        return target
    if isinstance(target, str):
        return Continuation(target) if subject.generative else Label(target)
    if not subject.generative and isinstance(target, (int, np.integer)):
        return Label(target if isinstance(target, int) else int(target))
    wanted = "a continuation (a str)" if subject.generative else "a label (a str, or its index)"
    raise TypeError(f"target must be {wanted}, a target such as LogOdds(…), or None, got {type(target).__name__}")


def read_continuation(ids: TokenIds, words: str) -> Readout:
    """The log-probability of token ids that follow the prompt."""
    suffixes, scores = _read_continuations([ids])
    return Readout((words,), f"log-probability of {words!r}", scores, suffixes)


def _read_continuations(continuations: Sequence[TokenIds]) -> tuple[tuple[TokenIds, ...], Callable[..., Tensor]]:
    """Suffixes that show a model every continuation, in as few passes as can be, and what reads their scores off.

    The last token of a continuation is only predicted, never shown; and what begins as another does is read off the
    same pass. So all continuations of one token need a single pass, with nothing behind the prompt.
    """
    suffixes: list[TokenIds] = []
    for shown in sorted((ids[:-1] for ids in continuations), key=len, reverse=True):
        if not any(suffix[: len(shown)] == shown for suffix in suffixes):
            suffixes.append(shown)
    home = [next(k for k, s in enumerate(suffixes) if s[: len(ids) - 1] == ids[:-1]) for ids in continuations]

    def scores(answers: list[Answer]) -> Tensor:
        import torch

        logits = [answer.output for answer in answers]
        # Some devices have no float64; where there is one, many small log-probabilities add up without loss.
        wide = torch.float32 if logits[0].device.type == "mps" else torch.float64
        columns = []
        for k, ids in zip(home, continuations, strict=True):
            tokens = [logits[k][:, j, i] - logits[k][:, j].logsumexp(-1) for j, i in enumerate(ids)]
            columns.append(torch.stack(tokens).sum(0, dtype=wide))
        return torch.stack(columns, dim=1)

    return tuple(suffixes), scores


def _log_probability(logits: Tensor, index: int, independent: bool) -> Tensor:
    import torch

    return torch.nn.functional.logsigmoid(logits[:, index]) if independent else logits.log_softmax(1)[:, index]


def _log_odds(logits: Tensor, index: int, independent: bool) -> Tensor:
    """The log-odds of one label against all others."""
    if independent:
        return logits[:, index]
    others = logits.clone()
    others[:, index] = float("-inf")
    return logits[:, index] - others.logsumexp(1)


def _check_label(label: Any) -> None:
    if isinstance(label, bool) or not isinstance(label, str | int):
        raise TypeError(f"a label must be a name or an index, got {type(label).__name__} {label!r}")


def _find_label(subject: Subject, label: str | int) -> tuple[int, str]:
    """The index and the name of a classifier's label."""
    labels = subject.labels
    known = ", ".join(f"{name!r} ({i})" for i, name in enumerate(labels))
    if subject.generative:
        raise ValueError(
            f"{subject.name} is a language model, which has no labels, got {label!r}; a Continuation, or "
            "LogOdds between two, is what can be measured of it"
        )
    if isinstance(label, int):
        found = [label] if 0 <= label < len(labels) else []
    else:
        found = [i for i, name in enumerate(labels) if name == label]
        found = found or [i for i, name in enumerate(labels) if name.casefold() == label.casefold()]
    if len(found) != 1:
        problem = "is ambiguous among" if found else "is none of"
        raise ValueError(f"target {label!r} {problem} the labels of {subject.name}: {known}")
    return found[0], labels[found[0]]


def _labels_are_independent(subject: Subject, what: str) -> bool:
    """Whether each label has a probability of its own; ValueError where there are no probabilities."""
    if subject.config.problem_type == "multi_label_classification":
        return True
    if len(subject.labels) < 2 or subject.config.problem_type == "regression":
        raise ValueError(
            f"{what} needs a classifier's probabilities, and {subject.name} has {len(subject.labels)} "
            "output(s) without any; Label(0, scale='logit') measures the output itself"
        )
    return False


def _continuation_ids(subject: Subject, text: str, continuation: str) -> TokenIds:
    if not subject.generative:
        raise ValueError(
            f"{subject.name} is a classifier, which continues no text, got the continuation {continuation!r}; Label "
            f"or LogOdds measure one of its labels: {', '.join(map(repr, subject.labels))}"
        )
    ids = subject.continuation(text, continuation)
    if not ids:
        raise ValueError(f"a continuation must have at least one token, got {continuation!r}, which has none")
    subject.check_ids(np.array(ids), f"the continuation {continuation!r}")
    return ids
