"""What is measured of a classifier: its labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any

from spex_widget.games.characters import check_characters
from spex_widget.games.model.output import ModelOutput
from spex_widget.games.model.subject import Subject
from spex_widget.games.targets.readout import Prompt, Readout, Target, refusal

if TYPE_CHECKING:
    from torch import Tensor

_EVEN = {"logprob": math.log(0.5), "logodds": 0.0, "probability": 0.5}

SCALES = {"logit": "logit", "logprob": "log-probability", "logodds": "log-odds", "probability": "probability"}


@dataclass(frozen=True)
class Label(Target):
    """A class of a sequence classifier.

    Parameters
    ----------
    label : str or int, optional
        Its name (letter case is forgiven where that leaves one) or its index. By default the label that the model
        gives the whole text.
    scale : {"logit", "logprob", "logodds", "probability"}
        The logit itself, the log-probability, the log-odds against all other classes, or the probability. Near 0 and
        near 1 a probability hardly moves, whatever is ablated; the others go on.

    Raises
    ------
    TypeError, ValueError
        If the label is neither a name nor an index, or the scale is unknown.

    Examples
    --------
    >>> Label("POSITIVE", "probability")
    Label(label='POSITIVE', scale='probability')
    """

    label: str | int | None = None
    scale: str = "logit"

    def __post_init__(self) -> None:
        if self.label is not None:
            check_label(self.label)
        if self.scale not in tuple(SCALES):
            raise ValueError(f"scale must be one of {', '.join(map(repr, SCALES))}, got {self.scale!r}")

    def resolve(self, prompt: Prompt) -> Readout:
        """Look the label up among the classifier's."""
        subject = prompt.subject
        label = 0 if self.label is None else self.label
        index, name = _find_label(subject, label)
        if self.label is None:
            index = int(prompt.values(lambda said: said[0].output).argmax())
            name = subject.labels[index]
        value = f"{SCALES[self.scale]} of {name}"
        if self.scale == "logit":
            return Readout((name,), value, lambda said: said[0].output[:, index : index + 1])
        independent = _labels_are_independent(subject, f"scale={self.scale!r}")
        score = {"logprob": _log_probability, "logodds": _log_odds, "probability": _probability}[self.scale]
        return Readout(
            (name,),
            value,
            lambda said: score(said[0].output, index, independent)[:, None],
            # Among three labels the likeliest may have less than even odds.
            threshold=_EVEN[self.scale] if independent or len(subject.labels) == 2 else None,
        )


def log_odds_of_labels(prompt: Prompt, first: str | int, second: str | int) -> Readout:
    """How much likelier a classifier finds one label than another."""
    subject = prompt.subject
    (a, a_name), (b, b_name) = _find_label(subject, first), _find_label(subject, second)
    independent = _labels_are_independent(subject, "log-odds")
    if a == b:
        raise ValueError(f"log-odds must be between two different labels, got {a_name!r} twice")

    def read(said: list[ModelOutput]) -> Tensor:
        score = partial(_log_probability, said[0].output, independent=independent)
        return (score(a) - score(b))[:, None]

    return Readout((f"{a_name} / {b_name}",), f"log-odds of {a_name} against {b_name}", read, threshold=0.0)


def check_label(label: Any, what: str = "a label") -> None:
    """TypeError where a label is neither a name nor an index, ValueError where there is no such name."""
    if isinstance(label, bool) or not isinstance(label, str | Integral):
        raise TypeError(f"a label must be a name or an index, got {type(label).__name__} {label!r}")
    if isinstance(label, str):
        check_characters(label, what)


def _log_probability(logits: Tensor, index: int, independent: bool) -> Tensor:
    import torch

    return torch.nn.functional.logsigmoid(logits[:, index]) if independent else logits.log_softmax(1)[:, index]


def _probability(logits: Tensor, index: int, independent: bool) -> Tensor:
    return logits[:, index].sigmoid() if independent else logits.softmax(1)[:, index]


def _log_odds(logits: Tensor, index: int, independent: bool) -> Tensor:
    """The log-odds of one label against all others."""
    if independent:
        return logits[:, index]
    others = logits.clone()
    others[:, index] = float("-inf")
    return logits[:, index] - others.logsumexp(1)


def _find_label(subject: Subject, label: str | int) -> tuple[int, str]:
    """The index and the name of a classifier's label."""
    if subject.kind != "classifier":
        raise refusal(subject, "has no labels", repr(label))
    labels = subject.labels
    if not isinstance(label, str):
        label = int(label)  # numpy's integers are written otherwise
        found = [label] if 0 <= label < len(labels) else []
    else:
        found = [i for i, name in enumerate(labels) if name == label]
        found = found or [i for i, name in enumerate(labels) if name.casefold() == label.casefold()]
    if len(found) != 1:
        problem = "is ambiguous among" if found else "is none of"
        known = ", ".join(f"{name!r} ({i})" for i, name in enumerate(labels))
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
