"""What a masked language model would write in the place of each player."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.layout import Layout
from spex_widget.games.model.evaluating import evaluating
from spex_widget.games.model.memory import is_out_of_memory, most_tokens
from spex_widget.games.model.subject import Encoding, Subject
from spex_widget.games.units import Span, touches

if TYPE_CHECKING:
    from torch import Tensor


def check_masked_model(model: Any, tokenizer: Any) -> None:
    """TypeError or ValueError where these are no masked language model and its tokenizer."""
    from transformers import PreTrainedTokenizerBase

    if isinstance(model, type) or not any("ForMaskedLM" in base.__name__ for base in type(model).__mro__):
        raise TypeError(
            "Infill takes a loaded masked language model, as AutoModelForMaskedLM.from_pretrained loads, got "
            f"{model.__name__ if isinstance(model, type) else type(model).__name__}"
        )
    if not isinstance(tokenizer, PreTrainedTokenizerBase) or not tokenizer.is_fast or tokenizer.mask_token is None:
        raise (ValueError if isinstance(tokenizer, PreTrainedTokenizerBase) else TypeError)(
            "Infill takes the model's own tokenizer, with a mask token and offsets of its tokens, got "
            f"{type(tokenizer).__name__}"
        )


def fill_in(model: Any, tokenizer: Any, layout: Layout) -> list[str]:
    """What a masked language model finds likeliest in the place of each part of a text, other than what is there.

    Parameters
    ----------
    model, tokenizer
        See `check_masked_model`.
    layout : Layout
        The text and its players. All tokens of a player are masked at once, and all others are there.

    Returns
    -------
    list of str, one for each part
        Empty for those that are always present.

    Raises
    ------
    ValueError
        If the text is longer than the model takes, or it has no token for a player.
    """
    subject = Subject(model, tokenizer, "encoder")
    encoding = subject.encode(layout.text)
    subject.check_ids(encoding.inputs[0], "the text")
    subject.check_length(encoding.inputs.shape[1], "the text, to be filled in,")
    places = [_tokens_at(encoding, layout.text, part) for part in layout.parts]
    whose = [np.flatnonzero(layout.player_of[:-1] == player) for player in range(len(layout.players))]
    masked = [np.concatenate([places[part] for part in parts]) for parts in whose]
    for label, tokens in zip(layout.players, masked, strict=True):
        if not len(tokens):
            raise ValueError(f"{subject.name} cannot fill in {label!r}, of which its tokenizer makes no token")
    guesses = _guesses(subject, encoding, masked)
    texts = [""] * len(layout.parts)
    for parts, guess in zip(whose, guesses, strict=True):
        for part in parts:
            before, ids = guess[: places[part][0]], guess[places[part]]
            # With the token before it, which tells a piece of a word from a word.
            start = len(tokenizer.decode(before[-1:]))
            texts[part] = tokenizer.decode([*before[-1:], *ids])[start:].strip()
    return texts


def _tokens_at(encoding: Encoding, text: str, part: Span) -> npt.NDArray[np.intp]:
    """The tokens that cover a character of a part, white space aside."""
    shared = [text[max(a, part[0]) : min(b, part[1])] if touches(part, [(a, b)]) else "" for a, b in encoding.spans]
    return np.flatnonzero([bool(both.strip()) for both in shared] & ~np.array(encoding.special))


def _guesses(subject: Subject, encoding: Encoding, masked: list[npt.NDArray[np.intp]]) -> list[npt.NDArray[np.int64]]:
    """The text's token ids with each player's replaced by the likeliest others, given the rest."""
    guesses: list[npt.NDArray[np.int64]] = []
    at_once = max(1, most_tokens(subject) // encoding.inputs.shape[1])
    with evaluating(subject.model):
        while len(guesses) < len(masked):
            some = masked[len(guesses) : len(guesses) + at_once]
            try:
                guesses.extend(_guess(subject, encoding, some))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or len(some) == 1:
                    raise
                at_once = len(some) // 2
    return guesses


def _guess(subject: Subject, encoding: Encoding, masked: list[npt.NDArray[np.intp]]) -> npt.NDArray[np.int64]:
    """The same in one pass."""
    import torch

    model, tokenizer, device = subject.model, subject.tokenizer, subject.device
    lines = (torch.from_numpy(np.tile(line, (len(masked), 1))).to(device) for line in encoding.inputs)
    inputs = dict(zip(encoding.names, lines, strict=True))
    ids = inputs["input_ids"]
    row = torch.from_numpy(np.repeat(np.arange(len(masked)), [len(tokens) for tokens in masked])).to(device)
    at = torch.from_numpy(np.concatenate(masked)).to(device)
    hidden = ids.clone()
    hidden[row, at] = tokenizer.mask_token_id
    with _reading(model, row, at, ids.shape):
        logits: Tensor = model(**inputs | {"input_ids": hidden, "attention_mask": torch.ones_like(ids)}).logits
    scores = (logits[row, at] if logits.ndim == 3 else logits).float()
    special = torch.tensor([i for i in tokenizer.all_special_ids if i < scores.shape[1]], device=scores.device)
    scores[:, special] = -torch.inf
    was = ids[row, at].to(scores.device)
    scores[torch.arange(len(was), device=scores.device), was] = -torch.inf
    ids[row, at] = scores[:, : len(tokenizer)].argmax(1).to(device)
    return np.asarray(ids.cpu().numpy())


@contextmanager
def _reading(model: Any, row: Tensor, at: Tensor, shape: Sequence[int]) -> Iterator[None]:
    """Have a model's last layer answer for some tokens alone, (tokens, vocabulary); others are not asked for.

    A model that does not run it as a layer, or has laid out its tokens otherwise, answers for all, (rows, length,
    vocabulary).
    """

    def pick(_: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        states = args[0]
        return (
            states[row.to(states.device), at.to(states.device)] if states.shape[:-1] == shape else states,
            *args[1:],
        )

    last = model.get_output_embeddings()
    hook = None if last is None else last.register_forward_pre_hook(pick)
    try:
        yield
    finally:
        if hook is not None:
            hook.remove()
