"""What is measured of an encoder: how near a text lies to a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spex_widget.games.answer import Answer as ModelOutput
from spex_widget.games.readout import Prompt, Readout, Target, refusal

if TYPE_CHECKING:
    from torch import Tensor

POOLS = {"mean": "mean of the tokens", "cls": "first token", "last": "last token"}


@dataclass(frozen=True)
class Similarity(Target):
    """The cosine similarity between a text's embedding and that of a query.

    For an encoder without a head (as `AutoModel` loads it); what is inside a model with one is ``model.base_model``.

    Parameters
    ----------
    query : str, optional
        What the text is compared with, as the model's tokenizer takes it (with an instruction in front, where the
        model was trained with one). By default the whole text itself: how much of its meaning an ablation leaves.
    pool : {"mean", "cls", "last"}
        How hidden states become one embedding: their mean over all tokens that are there, special ones included; or
        that of the first token, or of the last. The model's card says which it was trained with.

    Raises
    ------
    TypeError, ValueError
        If the query is no string, or the pool is unknown.

    Examples
    --------
    >>> Similarity("a film that disappoints")
    Similarity(query='a film that disappoints', pool='mean')
    """

    query: str | None = None
    pool: str = "mean"

    def __post_init__(self) -> None:
        if self.query is not None and not isinstance(self.query, str):
            raise TypeError(f"a query must be a str, got {type(self.query).__name__}; the text is compared with it")
        if self.pool not in tuple(POOLS):
            raise ValueError(f"pool must be one of {', '.join(map(repr, POOLS))}, got {self.pool!r}")

    def resolve(self, prompt: Prompt) -> Readout:
        """Embed the query."""
        subject = prompt.subject
        if subject.kind != "encoder":
            raise refusal(subject, "has no embedding of a text", f"{self}")
        inputs, what = prompt.inputs, "itself, whole"
        if self.query is not None:
            encoding, what = subject.encode(self.query), repr(self.query)
            inputs = encoding.inputs
            if all(encoding.special):
                raise ValueError(f"a query must have at least one token, got {self.query!r}, which has none")
            subject.check_ids(inputs[0], "the query")
            subject.check_length(inputs.shape[1], "the query")
        query = prompt.batcher([inputs], self._embed)[0]

        def read(said: list[ModelOutput]) -> Tensor:
            import torch

            embedding = self._embed(said)
            other = torch.as_tensor(query).to(embedding)
            return torch.nn.functional.cosine_similarity(embedding, other[None], dim=1)[:, None]

        name = "the whole text" if self.query is None else self.query
        return Readout((name,), f"similarity to {what} ({POOLS[self.pool]})", read)

    def _embed(self, said: list[ModelOutput]) -> Tensor:
        """Hidden states (batch, length, width), of which some are padding, to embeddings (batch, width)."""
        import torch

        states, present = said[0].output, said[0].present
        if self.pool == "cls":
            return states[:, 0]
        count = present.sum(1)
        if self.pool == "last":
            return states[torch.arange(len(states), device=states.device), count - 1]
        return (states * present[:, :, None]).sum(1) / count[:, None]
