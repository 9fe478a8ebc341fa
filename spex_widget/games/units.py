"""Where a text falls apart: tokens, words, …, paragraphs, what an expression matches, what is given by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

from spex_widget.games.characters import check_characters

Span = tuple[int, int]
UNITS = ("token", "word", "clause", "sentence", "line", "paragraph")

# Western marks count only before white space, so that 3.14 and 12:30 stay whole; full-width marks are followed by none.
# The brackets or quotes that close on a mark go with it. The point of a title, an initial, e.g. or i.e. ends nothing.
_CLOSING = r"[\"'”’»)\]]*(?=\s)"
_SHORT = ("Dr", "Mr", "Mrs", "Ms", "Prof", "St", r"[Ee]\.g", r"[Ii]\.e", r"etc(?=\.\s+[a-z])", "[A-HJ-Z]")
_UNENDED = "".join(rf"(?<!\b{short})" for short in _SHORT)
_SENTENCE = rf"(?:{_UNENDED}\.|[!?…؟۔।॥])[.!?…؟۔।॥]*{_CLOSING}|[。！？｡]+[”’」』）]*|[\r\n]"
_ENDS = {
    "clause": re.compile(rf"{_SENTENCE}|[,;:،؛]+{_CLOSING}|—|\s[–-]+(?=\s)|[，；：、]"),
    "sentence": re.compile(_SENTENCE),
    "line": re.compile(r"[\r\n]"),
    "paragraph": re.compile(r"\n\s*\n|\r[^\S\n]*\r"),
}


def split(text: str, units: str) -> list[Span]:
    """Split a text into words, clauses, sentences, lines or paragraphs.

    Parameters
    ----------
    text : str
    units : {"word", "clause", "sentence", "line", "paragraph"}
        Words are what white space separates; sentences end in . ! ? … or with their line, but not in Dr., e.g. or an
        initial; clauses also at a comma, a semicolon, a colon or a dash; an empty line ends a paragraph.

    Returns
    -------
    list of (start, end)
        In order, without white space at either end, covering every character that is not white space.

    Examples
    --------
    >>> split("Not bad, at all.", "word")
    [(0, 3), (4, 8), (9, 11), (12, 16)]
    >>> split("It cost 3.50! Was it, then, worth it?", "sentence")
    [(0, 13), (14, 37)]
    >>> split("It cost 3.50! Was it, then, worth it?", "clause")
    [(0, 13), (14, 21), (22, 27), (28, 37)]
    """
    if units == "word":
        return [match.span() for match in re.finditer(r"\S+", text)]
    return stripped(text, pairwise([0, *(match.end() for match in _ENDS[units].finditer(text)), len(text)]))


def stripped(text: str, spans: Iterable[Span]) -> list[Span]:
    """The spans without white space at either end, and without those that held nothing else."""
    tight = []
    for start, end in spans:
        body = text[start:end].strip()
        if body:
            start += text[start:end].index(body)
            tight.append((start, start + len(body)))
    return tight


def joined(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that share a character joined (the bytes of an emoji share one)."""
    whole: list[Span] = []
    for start, end in sorted(spans):
        if whole and start < whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return whole


def divide(text: str, units: Any, tokens: Iterable[Span]) -> list[tuple[str | None, list[Span]]]:
    """The units of a text, each a label, where it was given one, and its parts.

    Parameters
    ----------
    text : str
    units : str, re.Pattern, sequence of (start, end), or mapping
        One of `UNITS`; an expression, of which each match is a unit; spans of characters, or lists of those that are
        ablated together; or groups: a label for each, with its strings (all their occurrences) and spans.
    tokens : iterable of (start, end)
        The characters that each token covers.

    Raises
    ------
    TypeError
        If `units` is none of these.
    ValueError
        If its name is unknown, spans overlap or reach beyond the text, or a string does not occur.

    Examples
    --------
    >>> divide("not good, not bad", {"negation": "not", "tone": ["good", "bad"]}, [])
    [('negation', [(0, 3), (10, 13)]), ('tone', [(4, 8), (14, 17)])]
    >>> divide("Q: 1+1? A: 2. Q: 1+2? A: 3.", re.compile("Q:.*? A: [0-9]."), [])
    [(None, [(0, 13)]), (None, [(14, 27)])]
    """
    found: list[tuple[str | None, list[Span]]]
    if isinstance(units, str) and units in UNITS:
        spans = joined(stripped(text, tokens)) if units == "token" else split(text, units)
        return [(None, [span]) for span in spans]
    if isinstance(units, re.Pattern) and isinstance(units.pattern, str):
        return [(None, [span]) for span in stripped(text, (match.span() for match in units.finditer(text)))]
    if isinstance(units, Mapping):
        found = [(_label(label), _parts(text, parts, f"units[{label!r}]")) for label, parts in units.items()]
    elif isinstance(units, str | bytes | re.Pattern) or not isinstance(units, Iterable):
        names = ", ".join(map(repr, UNITS))
        kinds = f"units must be one of {names}, an expression made by re.compile, spans (start, end), or a mapping"
        wrong = ValueError if isinstance(units, str) or units is None else TypeError
        raise wrong(f"{kinds} from labels to strings or spans of the text, got {units!r}")
    else:
        found = [(None, _spans(text, unit, f"units[{i}]")) for i, unit in enumerate(units)]
    _refuse_overlaps(text, found)
    return found


def protected_spans(text: str, protect: Any, what: str = "protect") -> list[Span]:
    """Spans of a text that are never ablated, or that are ablated together.

    Parameters
    ----------
    text : str
    protect : str, (start, end), a sequence of these, or None
        A string stands for all its occurrences.
    what : str
        What an error calls them.

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
                f"{what} must be found in the text, got {protect!r}; the search is exact, letter case and white space "
                f"included{'' if what == 'protect' else ', and of a chat in its turns= alone'}"
            )
        return spans
    try:
        parts = [protect] if isinstance(protect, Mapping) else list(protect)
    except TypeError:
        parts = [protect]
    if len(parts) == 2 and all(isinstance(part, Integral) for part in parts):
        return [_span(text, parts, what)]
    if not all(isinstance(part, str | Sequence) for part in parts):
        raise TypeError(
            f"{what} must be a string of the text, a span (start, end) of characters, or a sequence of these, "
            f"got {protect!r}"
        )
    return [span for part in parts for span in protected_spans(text, part, what)]


def touches(span: Span, others: Iterable[Span]) -> bool:
    """Whether a span shares a character with any of the others."""
    return any(span[0] < end and start < span[1] for start, end in others)


def _span(text: str, span: Any, what: str) -> Span:
    ends = list(span) if isinstance(span, Iterable) and not isinstance(span, str) else []
    if len(ends) != 2 or not all(isinstance(end, Integral) for end in ends):
        raise TypeError(
            f"{what} must be a span (start, end) of characters, got {span!r}; strings go into a mapping, as in "
            "units={'label': 'string'}"
        )
    start, end = (int(end) for end in ends)
    if not 0 <= start < end <= len(text):
        raise ValueError(
            f"{what} must be a span (start, end) with 0 <= start < end <= {len(text)}, the text's length, "
            f"got {(start, end)}"
        )
    return start, end


def _spans(text: str, unit: Any, what: str) -> list[Span]:
    """The one span of a unit, or the several of a list of them."""
    several = (
        isinstance(unit, Iterable) and not isinstance(unit, str) and not any(isinstance(i, Integral) for i in unit)
    )
    return joined(_span(text, span, what) for span in (unit if several and unit else [unit]))


def _label(label: Any) -> str:
    if not isinstance(label, str):
        raise TypeError(f"units must have a str for each label, got {type(label).__name__} {label!r}")
    check_characters(label, "a label of units")  # it is to be written and sent
    return label


def _parts(text: str, parts: Any, what: str) -> list[Span]:
    spans = joined(protected_spans(text, parts, what))
    if not spans:
        raise ValueError(f"{what} must name a part of the text, got {parts!r}")
    return spans


def _refuse_overlaps(text: str, units: list[tuple[str | None, list[Span]]]) -> None:
    for (a, b), (c, d) in pairwise(sorted(span for _, spans in units for span in spans)):
        if c < b:
            raise ValueError(
                f"units must not overlap, got {(a, b)} {text[a:b]!r} and {(c, d)} {text[c:d]!r}; a part of the text "
                "belongs to one player"
            )
