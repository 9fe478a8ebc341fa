"""What a masked language model would write in the place of each player."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.layout import Layout
from spex_widget.games.model.batching import evaluating
from spex_widget.games.model.subject import Encoding, Subject
from spex_widget.games.units import Span, touches

if TYPE_CHECKING:
    from torch import Tensor

_AT_ONCE = 16


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
    import torch

    model, tokenizer = subject.model, subject.tokenizer
    ids = torch.from_numpy(np.ascontiguousarray(encoding.inputs[0]))
    special = torch.tensor([i for i in tokenizer.all_special_ids if i < subject.vocabulary])
    guesses = []
    with evaluating(model):
        for start in range(0, len(masked), _AT_ONCE):
            some = masked[start : start + _AT_ONCE]
            batch = ids.repeat(len(some), 1)
            for row, tokens in zip(batch, some, strict=True):
                row[torch.from_numpy(tokens)] = tokenizer.mask_token_id
            lines = zip(encoding.names, encoding.inputs, strict=True)
            inputs = {name: torch.from_numpy(line).repeat(len(some), 1) for name, line in lines}
            inputs |= {"input_ids": batch, "attention_mask": torch.ones_like(batch)}
            inputs = {name: tensor.to(subject.device) for name, tensor in inputs.items()}
            logits: Tensor = model(**inputs).logits.float().cpu()
            for row, tokens in zip(logits, some, strict=True):
                at = torch.from_numpy(tokens)
                scores = row[at]
                scores[:, special] = -torch.inf
                scores[torch.arange(len(at)), ids[at]] = -torch.inf
                guess = ids.clone()
                guess[at] = scores[:, : len(tokenizer)].argmax(1)
                guesses.append(guess.numpy())
    return guesses
