"""Which tokens of a text belong to which player."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.game import Piece
from spex_widget.games.units import Span, divide, stripped, touches


@dataclass(frozen=True)
class Layout:
    """The players of a text, the parts of it that each stands for, and the tokens of each part.

    Parameters
    ----------
    text : str
    players : tuple of str
        A label for each.
    parts : tuple of (start, end)
        Spans of the text, in order, without white space at either end.
    player_of : ndarray of shape (parts + 1,), int
        The player of each part, -1 for those that are always present; at the end -1, for what is no part.
    part_of : ndarray of shape (tokens,), int
        The part of each token; -1 for those that belong to none.
    """

    text: str
    players: tuple[str, ...]
    parts: tuple[Span, ...]
    player_of: npt.NDArray[np.intp]
    part_of: npt.NDArray[np.intp]

    @cached_property
    def owner(self) -> npt.NDArray[np.intp]:
        """The player of each token, (tokens,); -1 for those that are always present."""
        return self.player_of[self.part_of]

    def holding(self, spans: Iterable[Span]) -> Layout:
        """The layout in which what touches one of some spans is no player, but always present."""
        held = list(spans)
        out = {p for p, part in zip(self.player_of, self.parts, strict=False) if touches(part, held)}
        kept = [p for p in range(len(self.players)) if p not in out]
        place = np.full(len(self.players) + 1, -1)
        place[kept] = np.arange(len(kept))
        return replace(self, players=tuple(self.players[p] for p in kept), player_of=place[self.player_of])

    def pieces(self) -> list[Piece]:
        """The text cut into pieces: one for each part of a player, in order, and one for each stretch between them."""
        pieces, at = [], 0
        for (start, end), player in zip(self.parts, self.player_of, strict=False):
            if player >= 0:
                pieces += [Piece(self.text[at:start])] if at < start else []
                pieces.append(Piece(self.text[start:end], int(player)))
                at = end
        return pieces + ([Piece(self.text[at:])] if at < len(self.text) else [])


def lay_out(text: str, units: Any, tokens: Sequence[Span], fixed: Sequence[bool]) -> Layout:
    """Find the units of a text and the tokens that belong to each.

    A token belongs to the first unit that it covers a character of, and a token of a single space between units to the
    one of the token that follows, as if the two were one (which they are before most words). A unit reaches to
    the ends of its tokens, for these are what is ablated. One without a token of its own, which the model does not
    see or not by itself, is no unit; where it was given by hand, that is an error.

    Parameters
    ----------
    text : str
    units : str, re.Pattern, sequence of (start, end), or mapping
        See `divide`.
    tokens : sequence of (start, end)
        The characters that each token covers.
    fixed : sequence of bool
        True where a token is always present (a special token, say). No unit holds one, nor reaches over one.

    Raises
    ------
    TypeError, ValueError
        If there are no such units, or one that was given by hand has no token of its own.

    Examples
    --------
    >>> layout = lay_out("unbelievable film", "word", [(0, 2), (2, 12), (12, 17)], [False] * 3)
    >>> layout.players, layout.owner.tolist()
    (('unbelievable', 'film'), [0, 0, 1])
    >>> lay_out("New York film", re.compile("York|film"), [(0, 8), (8, 13)], [False] * 2).players
    ('New York', 'film')
    """
    # Blanked out, fixed tokens within the text bound the units on either side of them.
    free = text
    for (start, end), out in zip(tokens, fixed, strict=True):
        if out:
            free = free[:start] + "\n" * (end - start) + free[end:]
    ordinary = [span for span, out in zip(tokens, fixed, strict=True) if not out]
    found = divide(free, units, ordinary)
    whole = sorted((part, unit) for unit, (_, parts) in enumerate(found) for part in parts)
    place = _first_parts(free, [part for part, _ in whole], tokens, fixed)
    covered: dict[int, list[Span]] = {}
    for i, span in zip(place.tolist(), tokens, strict=True):
        for seen in stripped(free, [span]):
            covered.setdefault(i, []).append(seen)

    spans: list[Span] = []
    units_of: list[int] = []
    number = np.full(len(whole) + 1, -1)  # of each part among those that are left
    for i, (part, unit) in enumerate(whole):
        own = [part, *covered.get(i, [])]
        start, end = min(a for a, _ in own), max(b for _, b in own)
        left = stripped(free, [(max(start, spans[-1][1] if spans else 0), end)])
        if i in covered and left:
            spans += left
            units_of.append(unit)
        elif not isinstance(units, str | re.Pattern):
            raise ValueError(
                f"units must each have a token of their own, and {text[slice(*part)]!r} at {part} has none: the "
                "tokenizer drops it, or makes one token of it and what stands beside it; take in more of the text"
            )
        number[i] = len(spans) - 1 if i in covered else -1  # tokens that share a character share a part
    part_of = number[place]
    for token, (start, end) in enumerate(tokens[:-1]):
        if part_of[token] < 0 and not fixed[token] and text[start:end] in ("", " "):
            part_of[token] = part_of[token + 1]

    # Units of which nothing is left are none; the others are numbered anew.
    names: dict[int, str] = {}
    for unit, (start, end) in sorted(zip(units_of, spans, strict=True)):
        label = found[unit][0]
        names.setdefault(unit, text[start:end] if label is None else label)
    players = {unit: player for player, unit in enumerate(names)}
    player_of = np.array([*(players[unit] for unit in units_of), -1])
    return Layout(text, tuple(names.values()), tuple(spans), player_of, part_of)


def _first_parts(
    text: str, parts: Sequence[Span], tokens: Sequence[Span], fixed: Sequence[bool]
) -> npt.NDArray[np.intp]:
    """The first part that each token covers a character of, white space last; -1 where there is none."""
    part_at = np.full(len(text), -1)
    for part, (start, end) in enumerate(parts):
        part_at[start:end] = part
    first = np.full(len(tokens), -1)
    for token, (start, end) in enumerate(tokens):
        if not fixed[token]:
            seen = sorted((text[at].isspace(), at) for at in range(start, end) if part_at[at] >= 0)
            first[token] = part_at[seen[0][1]] if seen else -1
    return first
