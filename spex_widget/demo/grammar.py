"""A little English whose interactions are known: words, how they combine, and which of them act together.

An opinion is an adjective; other words act on it from within its clause:

- a *negation* turns it round: "not good";
- an *intensifier* makes it count three times, "really good", also over a negation, "really not good";
  right behind a negation it adds nothing: "not very good" is no worse than "not good";
- two negations cancel: "nobody thought the plot was not good";
- a *sarcasm* marker turns it round, and only when both its words are there: "yeah right, the plot was good";
- of two opinions with "but" between them the first does not count and the second counts twice, as long as all three
  words are there.

The meaning of a text is the sum over its opinions. All other words say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

MILD = {"fine": 1, "nice": 1, "decent": 1, "pleasant": 1, "slow": -1, "bland": -1, "flat": -1, "clumsy": -1}
PLAIN = {"good": 2, "funny": 2, "clever": 2, "lovely": 2, "bad": -2, "boring": -2, "dull": -2, "weak": -2}
STRONG = {"great": 3, "brilliant": 3, "wonderful": 3, "superb": 3}
STRONG |= {"awful": -3, "terrible": -3, "horrible": -3, "dreadful": -3}
VALENCE: dict[str, int] = MILD | PLAIN | STRONG
"""What an adjective says on its own, in log-odds of POSITIVE."""

NEGATIONS = frozenset({"not", "never", "wasn't", "isn't", "nobody", "don't", "hardly"})
INTENSIFIERS = frozenset({"really", "truly", "absolutely", "so", "very", "extremely"})
MARKERS = frozenset({("yeah", "right"), ("oh", "sure"), ("as", "if")})
SPEAKING = frozenset(VALENCE) | NEGATIONS | INTENSIFIERS | {word for pair in MARKERS for word in pair} | {"but"}
"""All words that say something; any other is neutral."""

KINDS = ("negation", "intensifier", "double negation", "contrast", "sarcasm")


@dataclass(frozen=True)
class Planted:
    """Words that act together by the rules of the grammar.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    members : tuple of int
        Indices of the words, ascending.
    """

    kind: str
    members: tuple[int, ...]


@dataclass(frozen=True)
class _Opinion:
    """An adjective and the words that act on it, all as indices of words."""

    adjective: int
    negations: tuple[int, ...]
    intensifiers: tuple[tuple[int, int | None], ...]  # with the negation right before it, which takes its force away
    markers: tuple[tuple[int, int], ...]
    but: int | None  # the "but" between the opinion before and this one

    @property
    def members(self) -> tuple[int, ...]:
        marked = [i for pair in self.markers for i in pair]
        return tuple(sorted([self.adjective, *self.negations, *(i for i, _ in self.intensifiers), *marked]))

    @property
    def kind(self) -> str:
        if self.markers:
            return "sarcasm"
        if len(self.negations) > 1:
            return "double negation"
        return "intensifier" if self.intensifiers else "negation"


@dataclass(frozen=True)
class Sentence:
    """A text with what the grammar knows of it: one sentence or a whole passage.

    Parameters
    ----------
    text : str
        Written with the words of this module; any others are neutral.

    Examples
    --------
    >>> sentence = Sentence("The plot was really not good.")
    >>> sentence.words
    ('The', 'plot', 'was', 'really', 'not', 'good.')
    >>> sentence.planted
    (Planted(kind='intensifier', members=(3, 4, 5)),)
    >>> sentence.score, sentence.label
    (-6.0, 'NEGATIVE')
    """

    text: str

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The players: what white space separates, with the punctuation that sticks to it."""
        return tuple(self.text.split())

    @cached_property
    def bare(self) -> tuple[str, ...]:
        """The words in lower case without the punctuation."""
        return tuple(_bare(word) for word in self.words)

    @cached_property
    def planted(self) -> tuple[Planted, ...]:
        """The interactions that the rules put there: in each opinion, and over each "but", all that act at once."""
        found = []
        read = _read(self.words)
        for before, opinion in zip((None, *read), read, strict=False):
            if len(opinion.members) > 1:
                found.append(Planted(opinion.kind, opinion.members))
            if before is not None and opinion.but is not None:
                # The weights of both sides change, and each side's own words multiply its own weight only.
                sides = {
                    (*side.members, other.adjective)
                    for side, other in ((before, opinion), (opinion, before))
                    if len(side.members) > 1
                } or {(before.adjective, opinion.adjective)}
                found += [Planted("contrast", tuple(sorted((*side, opinion.but)))) for side in sorted(sides)]
        return tuple(found)

    @property
    def score(self) -> float:
        """The meaning of the whole text, in log-odds of POSITIVE."""
        return float(meaning(self.words, np.ones(len(self.words), dtype=np.bool_)))

    @property
    def label(self) -> str:
        """POSITIVE where the score is above 0, else NEGATIVE."""
        return "POSITIVE" if self.score > 0 else "NEGATIVE"


def meaning(words: Sequence[str], coalitions: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Score exactly what the present words say.

    Parameters
    ----------
    words : sequence of str
        The n words of a text.
    coalitions : array_like of shape (..., n), bool
        True where a word is present, False where it is ablated.

    Returns
    -------
    ndarray of shape (...), float64
        Log-odds of POSITIVE.

    Examples
    --------
    >>> meaning("The plot was not good".split(), [[True] * 5, [True, True, True, False, True]])
    array([-2.,  2.])
    """
    return np.asarray(opinions(words, coalitions)[1].sum(axis=-1))


def opinions(words: Sequence[str], coalitions: npt.ArrayLike) -> tuple[tuple[int, ...], npt.NDArray[np.float64]]:
    """Score each opinion by itself.

    Parameters
    ----------
    words, coalitions
        As for `meaning`.

    Returns
    -------
    adjectives : tuple of int
        The k adjectives, as indices of words.
    scores : ndarray of shape (..., k), float64
        What each opinion adds to the meaning.

    Examples
    --------
    >>> adjectives, scores = opinions("It was a good film but not funny".split(), [True] * 8)
    >>> adjectives, scores
    ((3, 7), array([ 0., -4.]))
    """
    x = np.asarray(coalitions, dtype=np.float64)
    if x.shape[-1:] != (len(words),):
        raise ValueError(f"coalitions must have shape (..., {len(words)}), a column a word, got {x.shape}")
    found = _read(tuple(words))
    scores = np.zeros((*x.shape[:-1], len(found)))
    for k, opinion in enumerate(found):
        score = VALENCE[_bare(words[opinion.adjective])] * x[..., opinion.adjective]
        for i in opinion.negations:
            score = score * (1 - 2 * x[..., i])
        for i, negation in opinion.intensifiers:
            score = score * (1 + 2 * x[..., i] * (1 if negation is None else 1 - x[..., negation]))
        for i, j in opinion.markers:
            score = score * (1 - 2 * x[..., i] * x[..., j])
        if opinion.but is not None:
            contrast = x[..., found[k - 1].adjective] * x[..., opinion.but] * x[..., opinion.adjective]
            scores[..., k - 1] *= 1 - contrast
            score = score * (1 + contrast)
        scores[..., k] = score
    return tuple(opinion.adjective for opinion in found), scores


def _bare(word: str) -> str:
    """Return the word in lower case without the punctuation around it."""
    return word.lower().strip('.,;:!?"()')


@lru_cache(maxsize=4096)
def _read(words: tuple[str, ...]) -> tuple[_Opinion, ...]:
    """Find the opinions. A word acts on the next adjective, not beyond the end of its sentence or past a "but"."""
    found: list[_Opinion] = []
    bare = [_bare(word) for word in words]
    start, but, last = 0, None, -3
    for i, word in enumerate(bare):
        if word == "but":
            start, but = i + 1, i if found and i - last <= 2 else None  # "a good film but …" is two words away
        elif word in VALENCE:
            span = range(start, i)
            negations = tuple(j for j in span if bare[j] in NEGATIONS)
            intensifiers = tuple(
                (j, max((k for k in negations if 0 < j - k <= 2), default=None))
                for j in span
                if bare[j] in INTENSIFIERS
            )
            markers = tuple((j, j + 1) for j in span if (bare[j], bare[j + 1]) in MARKERS)
            found.append(_Opinion(i, negations, intensifiers, markers, but))
            start, but, last = i + 1, None, i
        if words[i][-1] in ".!?":
            start, but = i + 1, None
    return tuple(found)
