"""Where a text falls apart into players: words, sentences or tokens, as character spans."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.game import Piece

Span = tuple[int, int]
UNITS = ("token", "word", "sentence")

# A sentence ends after its marks and the brackets or quotes that close on them. Western marks count only before white
# space, so that 3.14 stays whole; full-width marks are followed by none.
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？｡]+[”’」』）]*|\n")


def split(text: str, units: str) -> list[Span]:
    """Split a text into words (what white space separates) or sentences (runs that end in . ! ? … or a newline).

    Parameters
    ----------
    text : str
    units : {"word", "sentence"}

    Returns
    -------
    list of (start, end)
        In order, without white space at either end, covering every character that is not white space.

    Examples
    --------
    >>> split("Not bad, at all.", "word")
    [(0, 3), (4, 8), (9, 11), (12, 16)]
    >>> split("It cost 3.50! Was it worth it?", "sentence")
    [(0, 13), (14, 30)]
    """
    if units == "word":
        return [match.span() for match in re.finditer(r"\S+", text)]
    cuts = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    return _stripped(text, pairwise(cuts))


def _stripped(text: str, spans: Iterable[Span]) -> list[Span]:
    """The spans without white space at either end, and without those that held nothing else."""
    tight = []
    for start, end in spans:
        body = text[start:end].strip()
        if body:
            start += text[start:end].index(body)
            tight.append((start, start + len(body)))
    return tight


def _joined(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that share a character joined (the bytes of an emoji share one)."""
    whole: list[Span] = []
    for start, end in sorted(spans):
        if whole and start < whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return whole


def find_units(
    text: str, units: str, tokens: Sequence[Span], special: Sequence[bool]
) -> tuple[list[Span], npt.NDArray[np.intp]]:
    """Find the units of a text and the tokens that belong to each.

    A token belongs to the unit that holds its first character that is not white space, and a token of a single space
    to the one of the token that follows, as if the two were one (which they are before most words). A unit without a
    token of its own joins the unit whose token covers it; one that no token covers is no unit, since the model does
    not see it.

    Parameters
    ----------
    text : str
    units : {"token", "word", "sentence"}
    tokens : sequence of (start, end)
        The characters that each token covers.
    special : sequence of bool
        True where a token is special. No unit holds one, nor reaches over one that stands in the text.

    Returns
    -------
    spans : list of (start, end)
        The units, in order, without white space at either end.
    owner : ndarray of shape (tokens,), int
        The unit of each token; -1 for special tokens and for other white space.

    Examples
    --------
    >>> find_units("unbelievable film", "word", [(0, 2), (2, 12), (12, 17)], [False] * 3)
    ([(0, 12), (13, 17)], array([0, 0, 1]))
    """
    # Blanked out, special tokens within the text bound the units on either side of them.
    for (start, end), out in zip(tokens, special, strict=True):
        if out:
            text = text[:start] + "\n" * (end - start) + text[end:]
    ordinary = [span for span, out in zip(tokens, special, strict=True) if not out]
    found = _joined(_stripped(text, ordinary)) if units == "token" else split(text, units)

    unit_at = np.full(len(text), -1)
    for unit, (start, end) in enumerate(found):
        unit_at[start:end] = unit
    owner = np.full(len(tokens), -1)
    covered: set[int] = set()
    for token, (start, end) in enumerate(tokens):
        seen = [] if special[token] else [unit_at[at] for at in range(start, end) if not text[at].isspace()]
        if seen:
            owner[token] = seen[0]
            covered.update(seen)
    for token, (start, end) in enumerate(tokens[:-1]):
        if owner[token] < 0 and not special[token] and text[start:end] in ("", " "):
            owner[token] = owner[token + 1]

    spans: list[Span] = []
    place = np.full(len(found) + 1, -1)  # the last entry serves the tokens of nobody
    owners = set(owner.tolist())
    for unit, (start, end) in enumerate(found):
        if unit in owners:
            place[unit] = len(spans)
            spans.append((start, end))
        elif unit in covered:  # by a token that began before it, so that there is a span to join
            spans[-1] = (spans[-1][0], end)
    return spans, place[owner]


def protected_spans(text: str, protect: Any) -> list[Span]:
    """Spans of a text that are never ablated.

    Parameters
    ----------
    text : str
    protect : str, (start, end), a sequence of these, or None
        A string stands for all its occurrences.

    Raises
    ------
    ValueError
        If a string does not occur in the text, or a span is empty or reaches beyond it.
    TypeError
        If `protect` is none of these.

    Examples
    --------
    >>> protected_spans("Is it good? Say yes or no.", ["Say", (5, 10)])
    [(12, 15), (5, 10)]
    """
    if protect is None:
        return []
    if isinstance(protect, str):
        spans = [match.span() for match in re.finditer(re.escape(protect), text)] if protect else []
        if not spans:
            raise ValueError(
                f"protect must be found in the text, got {protect!r}; the search is exact, letter case and white space "
                "included"
            )
        return spans
    try:
        parts = list(protect)
    except TypeError:
        parts = [protect]
    if len(parts) == 2 and all(isinstance(part, Integral) for part in parts):
        start, end = (int(part) for part in parts)
        if not 0 <= start < end <= len(text):
            raise ValueError(
                f"protect must be a span (start, end) with 0 <= start < end <= {len(text)}, the text's length, "
                f"got {(start, end)}"
            )
        return [(start, end)]
    if not all(isinstance(part, str | Sequence) for part in parts):
        raise TypeError(
            "protect must be a string of the text, a span (start, end) of characters, or a sequence of these, "
            f"got {protect!r}"
        )
    return [span for part in parts for span in protected_spans(text, part)]


def touches(span: Span, others: Iterable[Span]) -> bool:
    """Whether a span shares a character with any of the others."""
    return any(span[0] < end and start < span[1] for start, end in others)


def to_pieces(text: str, players: Sequence[Span]) -> list[Piece]:
    """Cut a text into pieces: one for each player's span, in order, and one for each stretch that is nobody's.

    Examples
    --------
    >>> to_pieces("not bad", [(0, 3), (4, 7)])
    [Piece(text='not', player=0), Piece(text=' ', player=None), Piece(text='bad', player=1)]
    """
    pieces, at = [], 0
    for player, (start, end) in enumerate(players):
        pieces += [Piece(text[at:start])] if at < start else []
        pieces.append(Piece(text[start:end], player))
        at = end
    return pieces + ([Piece(text[at:])] if at < len(text) else [])
