"""What is measured of an encoder: how near a text lies to a query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spex_widget.games.characters import check_characters
from spex_widget.games.model.batching import Batcher
from spex_widget.games.model.output import ModelOutput
from spex_widget.games.model.subject import Subject
from spex_widget.games.targets.readout import Prompt, Readout, Target, refusal

if TYPE_CHECKING:
    from torch import Tensor

POOLS = {"mean": "mean of the tokens", "cls": "first token", "last": "last token", "pooler": "the model's pooler"}


@dataclass(frozen=True)
class Similarity(Target):
    """The cosine similarity between a text's embedding and that of a query.

    For an encoder without a head (as `AutoModel` loads it); what is inside a model with one is ``model.base_model``.

    Parameters
    ----------
    query : str, optional
        What the text is compared with, as the model's tokenizer takes it (with an instruction in front, where the
        model was trained with one). By default the whole text itself: how much of its meaning an ablation leaves.
    pool : {"mean", "cls", "last", "pooler"}
        How hidden states become one embedding: their mean over all tokens that are there, special ones included; that
        of the first token, or of the last; or what the model's own pooler makes of them. The model's card says which it
        was trained with.

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
        if self.query is not None:
            check_characters(self.query, "a query")
        if self.pool not in tuple(POOLS):
            raise ValueError(f"pool must be one of {', '.join(map(repr, POOLS))}, got {self.pool!r}")

    def resolve(self, prompt: Prompt) -> Readout:
        """Embed the query."""
        subject = prompt.subject
        if subject.kind != "encoder":
            raise refusal(subject, "has no embedding of a text", f"{self}")
        pool = self._pool(subject)
        if self.query is None:
            name, what = "the whole text", "itself, whole"
            query = prompt.values(lambda said: pool(said[0]))
        else:
            name, what = self.query, repr(self.query)
            encoding = subject.encode(self.query)
            if all(encoding.special):
                raise ValueError(f"a query must have at least one token, got {self.query!r}, which has none")
            subject.check_ids(encoding.inputs[0], "the query")
            subject.check_length(encoding.inputs.shape[1], "the query")
            # The text's rows may have lines that the query has not, as where the attention mask hides its players.
            query = Batcher(subject, encoding.names)([encoding.inputs], lambda said: pool(said[0]))[0]

        def read(said: list[ModelOutput]) -> Tensor:
            import torch

            embedding = pool(said[0])
            other = torch.as_tensor(query).to(embedding)
            return torch.nn.functional.cosine_similarity(embedding, other[None], dim=1)[:, None]

        return Readout((name,), f"similarity to {what} ({POOLS[self.pool]})", read)

    def _pool(self, subject: Subject) -> Callable[[ModelOutput], Tensor]:
        """What makes embeddings, (batch, width), of hidden states."""
        if self.pool != "pooler":
            return {"mean": _mean, "cls": _first, "last": _last}[self.pool]
        pooler = getattr(subject.model, "pooler", None)
        # Of that class where it takes all hidden states; a bare layer takes what its model picks out for it.
        if pooler is None or not type(pooler).__name__.endswith("Pooler"):
            raise ValueError(
                f"pool='pooler' needs a model with a pooler that takes hidden states, and {subject.name} has none; "
                "pool='mean', 'cls' or 'last' need none"
            )
        kind = subject.model.dtype
        return lambda said: pooler(said.output.to(kind)).to(said.output)


def _mean(said: ModelOutput) -> Tensor:
    return (said.output * said.present[:, :, None]).sum(1) / said.present.sum(1, keepdim=True)


def _first(said: ModelOutput) -> Tensor:
    return said.output[:, 0]


def _last(said: ModelOutput) -> Tensor:
    import torch

    last = said.present.long().cumsum(1).argmax(1)
    return said.output[torch.arange(len(last), device=last.device), last]
