"""A text's tokens alone, and where in the text they stand, for tokenizers that do not say so themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from spex_widget.games.units import Span


def plain_ids(tokenizer: Any, text: str, *, written: bool = False) -> list[int]:
    """The ids of a text's own tokens, none put around it and none cut off; as a decoder writes it, where it has one."""
    given = {"text_target": text} if written else {"text": text}
    batch = tokenizer(**given, add_special_tokens=False, truncation=False, padding=False, verbose=False)
    return list(batch["input_ids"])


def token_spans(tokenizer: Any, text: str, ids: Sequence[int]) -> tuple[list[Span], list[bool]]:
    """The characters that each token of an encoded text covers, and which tokens were put around the text.

    Where the words of a text have the same tokens alone as in the whole, tokens are looked for within their word; a
    token that cannot be found there covers the whole word. Otherwise tokens are found by decoding the text up to each.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    text : str
    ids : sequence of int
        The text's token ids, with the special tokens that the tokenizer puts around it.

    Raises
    ------
    ValueError
        If neither way leads back to the text.
    """
    inner = plain_ids(tokenizer, text)
    starts = [i for i in range(len(ids) - len(inner) + 1) if list(ids[i : i + len(inner)]) == inner]
    spans = (_by_words(tokenizer, text, inner) or _by_decoding(tokenizer, text, inner)) if starts else None
    if spans is None:
        raise ValueError(
            f"tokenizer must say where in the text its tokens stand, and {type(tokenizer).__name__} neither has "
            "offsets (is_fast = False) nor decodes its tokens to the text; "
            "AutoTokenizer.from_pretrained(…, use_fast=True) loads one that has them for most models"
        )
    before, after = starts[0], len(ids) - starts[0] - len(inner)
    return [(0, 0)] * before + spans + [(0, 0)] * after, [True] * before + [False] * len(inner) + [True] * after


def _by_words(tokenizer: Any, text: str, ids: list[int]) -> list[Span] | None:
    """Spans within words, each encoded with the white space before it or without; None where that is not the whole."""
    spans: list[Span] = []
    for match in re.finditer(r"\s*(\S+)", text):
        start, end = match.span(1)
        for word in (match.group(), match.group(1)):
            found = plain_ids(tokenizer, word)
            if found and ids[len(spans) : len(spans) + len(found)] == found:
                break
        else:
            return None
        before = match.start()
        inner = _by_decoding(tokenizer, text[before:end], found)
        spans += [(before + a, before + b) for a, b in inner] if inner else [(start, end)] * len(found)
    return spans if len(spans) == len(ids) else None


def _by_decoding(tokenizer: Any, text: str, ids: list[int]) -> list[Span] | None:
    """Spans by what is decoded up to each token, white space and letter case aside; None where that is not the text.

    The tokens that make one character together (its bytes) cover it each. One of white space covers what there is of it
    before the next word; one of a single space nothing.
    """
    places = [i for i, character in enumerate(text) if not character.isspace()]
    wanted = "".join(text[i] for i in places).lower()
    if len(wanted) != len(places):
        return None
    spans: list[Span] = []
    done = 0
    for stop in range(1, len(ids) + 1):
        decoded, alone = (
            str(tokenizer.decode(part, clean_up_tokenization_spaces=False))
            for part in (ids[:stop], ids[stop - 1 : stop])
        )
        seen = "".join(decoded.split()).lower()
        if seen != wanted[: len(seen)]:
            seen = seen.rstrip("\ufffd")  # what stands for the bytes of a character that is not complete
        if seen != wanted[: len(seen)] or len(seen) < done:
            return None
        white = bool(alone) and not alone.strip()
        complete = "\ufffd" not in decoded[-1:] and len(seen) > done
        end = len(seen) if complete or white else min(len(seen) + 1, len(places))
        at = places[done] if done < len(places) else len(text)
        if white and alone != " ":
            spans.append((places[done - 1] + 1 if done else 0, at))
        else:
            spans.append((at, places[end - 1] + 1 if end > done else at))
        done = len(seen)
    return spans if done == len(places) else None
