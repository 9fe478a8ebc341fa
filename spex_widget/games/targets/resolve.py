"""From what a user may write for a target to what is read off a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from spex_widget.games.targets.answers import Continuation, read_next_token
from spex_widget.games.targets.labels import Label
from spex_widget.games.targets.readout import Prompt, Readout, Target, side_by_side
from spex_widget.games.targets.similarity import Similarity


def read_target(target: Any, prompt: Prompt) -> Readout:
    """What a target says to read off a model, from what a user may write for one.

    A string is a label, a continuation or a query, as the kind of model has it; an int is a label's index. Several
    labels in a list are as many outputs of the same ablations. None is what the model itself makes of the whole text:
    its label, its next token, its embedding.

    Raises
    ------
    TypeError, ValueError
        If the target is none, or the model has not got it.
    """
    subject = prompt.subject
    if subject.kind == "classifier" and isinstance(target, (list, tuple)) and target:
        return side_by_side([read_target(label, prompt) for label in target])
    if target is None and subject.generative:
        return read_next_token(prompt)
    if target is None:
        target = Similarity() if subject.kind == "encoder" else Label()
    elif isinstance(target, str):
        of = {"classifier": Label, "encoder": Similarity}.get(subject.kind, Continuation)
        target = of(target)
    elif subject.kind == "classifier" and isinstance(target, (int, np.integer)):
        target = Label(target if isinstance(target, int) else int(target))
    if not isinstance(target, Target):
        wanted = {"classifier": "a label (a str, or its index) or a list of them", "encoder": "a query (a str)"}
        got = type(target).__name__
        if isinstance(target, type) and issubclass(target, Target):
            got = f"the class {target.__name__}; {target.__name__}(…) makes a target of it"
        raise TypeError(
            f"target must be {wanted.get(subject.kind, 'a continuation (a str)')}, a target such as LogOdds(…), or "
            f"None, got {got}"
        )
    readout = target.resolve(prompt)
    prompt.check_length(readout.suffixes)
    return readout
