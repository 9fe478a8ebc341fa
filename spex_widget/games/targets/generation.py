"""What a language model writes by itself, and the texts of its tokens."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from spex_widget.games.model.evaluating import evaluating
from spex_widget.games.targets.readout import Prompt, TokenIds
from spex_widget.games.units import Span

# One sequence, its likeliest token each time, from the prompt as it is: whatever a model's `generation_config` says.
_GREEDY = {
    "do_sample": False,
    "num_beams": 1,
    "num_return_sequences": 1,
    "penalty_alpha": None,
    "dola_layers": None,
    "prompt_lookup_num_tokens": None,
    "token_healing": False,
    "min_length": 0,
    "min_new_tokens": None,
    "return_dict_in_generate": False,
    "constraints": None,
    "force_words_ids": None,
    "max_time": None,
    "disable_compile": True,
}


def generate(prompt: Prompt, max_new_tokens: int) -> TokenIds:
    """A model's own answer to the whole text, greedily, without the end token; empty where it ends at once.

    At most as many tokens as asked for, and as the model has positions for. Of the model's `generation_config`, what it
    says of single tokens is heeded (where to end, which to penalise or to suppress), how to search is not.
    """
    import torch

    subject = prompt.subject
    model, ids = subject.model, torch.as_tensor(prompt.inputs[:1]).to(subject.device)
    # A decoder of its own starts with tokens that are no part of the answer, and some are made to end with the last
    # token allowed: such a model is asked for more than is taken.
    start = subject.decoder_start if subject.kind == "seq2seq" else ()
    given = len(start) or ids.shape[1]
    asked = max_new_tokens + len(start)
    if subject.positions_written is not None:
        asked = min(asked, subject.positions_written - given + 1)  # the last one is never shown
    with evaluating(model):
        written = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=asked,
            pad_token_id=subject.pad or 0,
            tokenizer=subject.tokenizer,  # which knows where a text to end with ends
            **_GREEDY,
        )[0].tolist()
    ends = _end_tokens(prompt)
    answer = written[given:][:max_new_tokens]
    return tuple(answer[: next((k for k, token in enumerate(answer) if token in ends), len(answer))])


def _end_tokens(prompt: Prompt) -> set[int]:
    """The tokens that a model ends with: one, several or none are configured."""
    found = prompt.subject.model.generation_config.eos_token_id
    several = found if isinstance(found, list | tuple) else [found]
    return {int(token) for token in [*several, prompt.subject.tokenizer.eos_token_id] if token is not None}


def token_texts(prompt: Prompt, ids: TokenIds) -> tuple[str, ...]:
    """A label for each token of what follows a prompt: its text, with white space, numbered where it comes again.

    A token of white space only, or of a part of a character, goes by its name in the vocabulary; one that the tokenizer
    does not know by its number.

    Examples
    --------
    >>> token_texts(prompt, ids)  # doctest: +SKIP
    (' the', ' cat', ' and', ' the (2)', ' dog')
    """
    tokenizer, whole = prompt.subject.tokenizer, _growing(prompt, ids)
    labels: list[str] = []
    seen: Counter[str] = Counter()
    for before, after, token in zip(whole, whole[1:], ids, strict=False):
        text = after[len(before) :] if after.startswith(before) else ""
        if not text.strip() or "\N{REPLACEMENT CHARACTER}" in text:
            text = tokenizer.convert_ids_to_tokens(token) or f"token {token}"
        seen[text] += 1
        label = text if seen[text] == 1 else f"{text} ({seen[text]})"
        labels.append(label)
    return tuple(labels)


def spell(prompt: Prompt, ids: TokenIds) -> tuple[str, tuple[Span, ...]]:
    """What the tokens that follow a prompt read as together, and the characters of it that each has a part in.

    Examples
    --------
    >>> spell(prompt, ids)  # doctest: +SKIP
    (' the cat', ((0, 4), (4, 8)))
    """
    whole = _growing(prompt, ids)
    ends = [_shared(text, whole[-1]) for text in whole]
    first = ends[0]
    # Of the tokens that make one character together (its bytes) all but the last add nothing, and are a part of it.
    spans = tuple((a - first, max(b, a + 1) - first) for a, b in pairwise(ends))
    return whole[-1][first:], spans


def _shared(text: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    unlike = (i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b)
    return next(unlike, min(len(text), len(other)))


def _growing(prompt: Prompt, ids: TokenIds) -> list[str]:
    """The prompt's last token alone, which keeps the white space before what follows it, and with ever more tokens."""
    shown = [*prompt.inputs[0, -1:].tolist(), *ids]
    decode = prompt.subject.tokenizer.decode
    return [
        str(decode(shown[: k + 1], skip_special_tokens=False, clean_up_tokenization_spaces=False))
        for k in range(len(shown))
    ]
