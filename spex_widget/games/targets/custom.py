"""Any function of a model's output as what is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spex_widget.games.characters import check_characters
from spex_widget.games.function import digest
from spex_widget.games.model.output import ModelOutput
from spex_widget.games.targets.answers import continuation_ids
from spex_widget.games.targets.readout import Prompt, Readout, Target

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Custom(Target):
    """Any function of the model's output.

    Parameters
    ----------
    f : callable
        Takes a tensor, float32 or finer, on the model's device, and returns one, (batch, outputs), or (batch,) for a
        single output; finite, and each row from its own alone. It is given a classifier's logits, (batch, labels); a
        language model's, (batch, 1 + tokens of the continuation, vocabulary): what it says of the token that comes
        next, and of the one after each token; or an encoder's last hidden states, (batch, length, width), zeros where
        no token is.
    outputs : str or sequence of str
        A label for each output.
    value : str
        What the values are, in words. Logs know a function by these, by its outputs and by its own code: say what it
        closes over, where that differs (which probe it is, say).
    continuation : str
        For a language model: a text that follows the prompt, to read on from.

    Raises
    ------
    TypeError, ValueError
        If `f` cannot be called, there is no output, or one is named twice.

    Examples
    --------
    All labels of a classifier, from the same ablations:

    >>> Custom(lambda logits: logits, ["NEGATIVE", "POSITIVE"], "logit")  # doctest: +ELLIPSIS
    Custom(f=<function ...>, outputs=('NEGATIVE', 'POSITIVE'), value='logit', continuation='')

    The entropy of a language model's next token:

    >>> Custom(lambda logits: torch.distributions.Categorical(logits=logits[:, 0]).entropy(), "entropy")
    ... # doctest: +SKIP
    """

    f: Callable[[Tensor], Tensor]
    outputs: str | Sequence[str] = "value"
    value: str = "value"
    continuation: str = ""

    def __post_init__(self) -> None:
        if not callable(self.f):
            raise TypeError(f"f must be a function of the model's output, got {type(self.f).__name__}")
        for name in ("value", "continuation"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a str, got {type(getattr(self, name)).__name__}")
            check_characters(getattr(self, name), name)
        outputs = self.outputs
        if isinstance(outputs, str) or not isinstance(outputs, Iterable):
            outputs = (outputs,)
        outputs = tuple(outputs)
        if not all(isinstance(label, str) for label in outputs):
            raise TypeError(f"outputs must be a label (a str) for each output, got {self.outputs!r}")
        for label in outputs:
            check_characters(label, "outputs")
        if not outputs or len(set(outputs)) != len(outputs):
            raise ValueError(f"outputs must name at least one output, and each once, got {list(outputs)}")
        object.__setattr__(self, "outputs", outputs)

    def resolve(self, prompt: Prompt) -> Readout:
        """Try the function on the whole text: ValueError or TypeError where it answers otherwise than it should."""
        ids = continuation_ids(prompt, self.continuation) if self.continuation else ()
        whole = _without_padding if prompt.subject.kind == "encoder" else _output

        def read(said: list[ModelOutput]) -> Tensor:
            return self._checked(whole(said[0]))

        def try_out(said: list[ModelOutput]) -> Tensor:
            import torch

            output = whole(said[0])
            # Behind another row, and by itself: what takes rows together would pass with one, or with equals.
            both = self._checked(torch.cat([1 - output, output]))
            return torch.cat([both, self._checked(output)]).reshape(1, -1)

        other, beside, alone = prompt.values(try_out, (ids,)).reshape(3, -1)
        if not np.isfinite(alone).all():
            raise ValueError(f"f must answer with finite numbers, got {alone.tolist()} for the whole text")
        moved, stake, size = (float(np.abs(x).max()) for x in (beside - alone, other - alone, alone))
        if not moved <= max(1e-4 * size, 0.05 * stake):
            raise ValueError(
                "f must answer each row from its own alone, and what it says of the whole text changes with the row "
                "beside it; a mean or a sum over the batch (dim 0), say, is none over the labels or tokens"
            )
        return Readout(tuple(self.outputs), self.value, read, (ids,), digest(self.f))

    def _checked(self, output: Tensor) -> Tensor:
        import torch

        values = self.f(output)
        count = len(tuple(self.outputs))
        if not isinstance(values, torch.Tensor):
            raise TypeError(f"f must answer with a torch.Tensor, got {type(values).__name__}")
        if values.is_complex():
            raise ValueError("f must answer with real numbers, got complex ones; their absolute value, say")
        expected = (len(output), count)
        if values.shape == expected[:1] and count == 1:
            return values[:, None]
        if values.shape != expected:
            raise ValueError(
                f"f must answer {tuple(output.shape)} with {expected} (batch, outputs), "
                f"got {tuple(values.shape)}; outputs={list(self.outputs)}"
            )
        return values


def _output(said: ModelOutput) -> Tensor:
    return said.output


def _without_padding(said: ModelOutput) -> Tensor:
    return said.output.masked_fill(~said.present[:, :, None], 0.0)
