"""Sentences and passages drawn at random from templates of the grammar."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from spex_widget.demo.grammar import INTENSIFIERS, KINDS, MILD, PLAIN, STRONG, Sentence

SARCASM = ("yeah right,", "oh sure,", "as if")

RULES: dict[str, tuple[str, ...]] = {
    # Opinions, a rule a kind. {adjective} is bound by the caller.
    "plain": (
        "{subject} {was} {adjective}",
        "{subject} {was} {adjective}",
        "{it} was a {adjective} {noun}",
    ),
    "negation": (
        "{subject} was {not} {adjective}",
        "{subject} {wasn't} {adjective}",
        "{nobody} {subject} was {adjective}",
        "{it} was {not} a {adjective} {noun}",
    ),
    "intensifier": (
        "{subject} {was} {very} {adjective}",
        "{subject} was {truly} not {adjective}",
        "{subject} {truly} {wasn't} {adjective}",
        "{subject} was not {very} {adjective}",
        "{it} was {truly} not a {adjective} {noun}",
        "{it} was a {truly} {adjective} {noun}",
    ),
    "double negation": (
        "{nobody} {subject} was not {adjective}",
        "{nobody} {subject} {wasn't} {adjective}",
        "{subject} was never not {adjective}",
        "{nobody} {subject} was {truly} not {adjective}",
    ),
    "sarcasm": (
        "{yeah right} {subject} {was} {adjective}",
        "{yeah right} {it} was a {adjective} {noun}",
        "{yeah right} {subject} was {not} {adjective}",
        "{yeah right} {subject} was {very} {adjective}",
    ),
    "subject": (
        "{it}", "everything", "the film", "the movie", "the plot", "the story", "the acting", "the music", "the cast",
        "the ending", "the dialogue", "the script", "the lead actor", "the second half", "the first hour",
        "the camera work",
    ),
    "it": ("it", "this"),
    "noun": ("film", "movie", "story", "script", "ending"),
    "was": ("was", "was", "is", "felt", "seemed", "looked"),
    "not": ("not", "not", "not", "never", "hardly"),
    "wasn't": ("wasn't", "wasn't", "isn't"),
    "nobody": ("nobody thought", "nobody said", "i don't think"),
    "very": tuple(sorted(INTENSIFIERS)),
    "truly": ("really", "really", "truly", "absolutely"),  # these may stand before "not" as well
    "yeah right": SARCASM,
    # What says nothing, around them.
    "neutral": (
        "{who} {saw} {what} {when} {where} {with}",
        "{when} {who} {saw} {what} {where}",
        "{set} {place} {time}",
        "{fact}",
    ),
    "who": ("we", "i", "my sister", "my brother and i", "our neighbours", "a friend from work", "two of my students"),
    "saw": ("saw", "watched", "rented", "chose", "booked"),
    "what": ("it", "this one", "the film", "the movie", "the new film by that director"),
    "when": ("last week", "on sunday", "on a rainy evening", "after dinner", "during the holidays", "late at night"),
    "where": ("", "at home", "at the old cinema", "near the station", "in a small theatre", "in the city"),
    "with": ("", "with some friends", "with my family", "with a colleague", "together with the children"),
    "set": ("the story takes place", "it is set", "they filmed it", "the whole thing was made", "most of it happens"),
    "place": ("in a small town", "in the mountains", "on an island", "in a quiet village by the sea", "in the north"),
    "time": ("", "after the war", "in the last century", "over one long summer", "many years ago", "during the winter"),
    "fact": (
        "it runs for two hours", "the director also wrote the book", "there were twenty people in the room",
        "it started at eight", "we walked home after that", "my sister had read the book", "the seats were red",
        "the same people made a series for television", "it is in french with english subtitles",
        "we talked about it over a drink", "the tickets were still on the table",
    ),
}  # fmt: skip


def sentences(
    count: int,
    seed: int = 0,
    *,
    kinds: Sequence[str] = KINDS,
    words: tuple[int, int] = (5, 14),
) -> list[Sentence]:
    """Draw sentences at random, each around an interaction of one of the kinds.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        The same seed gives the same sentences.
    kinds : sequence of str
        Which interactions, out of `KINDS`, equally often; "plain" stands for none.
    words : tuple of int
        The fewest and the most words. A range that reaches further gives passages: milder opinions, now and then with
        an interaction of their own, and neutral sentences around the main one.

    Returns
    -------
    list of Sentence

    Raises
    ------
    ValueError
        If a kind is unknown, or no sentence of it has so few words.

    Examples
    --------
    >>> for sentence in sentences(2, seed=1, words=(5, 7)):
    ...     print(sentence.text, [(p.kind, p.members) for p in sentence.planted])
    I don't think the plot wasn't clever. [('double negation', (1, 5, 6))]
    It felt dull, but everything wasn't weak. [('negation', (5, 6)), ('contrast', (2, 3, 5, 6))]
    """
    unknown = [kind for kind in kinds if kind not in (*KINDS, "plain")]
    if unknown or not kinds:
        raise ValueError(f"kinds must be some of {(*KINDS, 'plain')}, got {kinds!r}")
    rng = np.random.default_rng(seed)
    return [_draw(rng, kinds[int(rng.integers(len(kinds)))], *words) for _ in range(count)]


def _draw(rng: np.random.Generator, kind: str, low: int, high: int) -> Sentence:
    for _ in range(1000):
        sentence = Sentence(_passage(rng, kind, int(rng.integers(low, max(low, high) + 1))))
        if low <= len(sentence.words) <= high and sentence.score:  # a score of 0 has no label
            return sentence
    raise ValueError(f"words must be a range in which there are sentences of the kind {kind!r}, got {(low, high)}")


def _passage(rng: np.random.Generator, kind: str, length: int) -> str:
    """Put other clauses around an opinion of this kind until there are about `length` words."""
    parts = [_opinion(rng, kind, PLAIN | STRONG)]
    size, others = len(parts[0].split()), 0
    while length - size > 3:
        if others < 3 and rng.random() < 0.3:
            # What else is said is little and mild, so that the first opinion is what the passage is about.
            others += 1
            second = size > 10 and rng.random() < 0.3
            part = _opinion(rng, KINDS[rng.integers(len(KINDS))] if second else "plain", MILD)
        else:
            part = _expand(rng, "{neutral}")
        size += len(part.split())
        parts.insert(int(rng.integers(len(parts) + 1)), part)
    text, joined = parts[0], False
    for part in parts[1:]:
        # No two in a row, and sarcasm opens a sentence of its own.
        joined = not joined and not part.startswith(SARCASM) and rng.random() < 0.5
        text += ((", and ", " and ")[rng.integers(2)] if joined else ". ") + part
    return _spell(text + ".")


def _opinion(rng: np.random.Generator, kind: str, adjectives: dict[str, int]) -> str:
    sign = 1 if rng.random() < 0.5 else -1
    if kind != "contrast":
        return _expand(rng, f"{{{kind}}}", _signed(rng, adjectives, sign))
    # In two thirds of the contrasts one side is turned round by a negation of its own: an interaction of order 4.
    negated = rng.integers(3)
    sides = [
        _expand(rng, "{negation}" if negated == i else "{plain}", _signed(rng, adjectives, -s if negated == i else s))
        for i, s in enumerate((sign, -sign))
    ]
    return f"{sides[0]}{',' * int(rng.integers(2))} but {sides[1]}"


def _signed(rng: np.random.Generator, adjectives: dict[str, int], sign: int) -> str:
    """Return one of the adjectives that say good things (sign 1) or bad things (-1)."""
    options = [word for word, valence in adjectives.items() if valence * sign > 0]
    return options[rng.integers(len(options))]


def _expand(rng: np.random.Generator, template: str, adjective: str = "") -> str:
    """Replace every {slot} by a random choice of its rule, and the slots in that, until none is left."""

    def choose(match: re.Match[str]) -> str:
        options = RULES[match[1]] if match[1] != "adjective" else (adjective,)
        return options[rng.integers(len(options))]

    while "{" in template:
        template = re.sub(r"{([^{}]+)}", choose, template)
    return " ".join(template.split())


def _spell(text: str) -> str:
    """Put capitals where sentences begin, "I", and "an" before a vowel."""
    text = re.sub(r"\ba (?=[aeiou])", "an ", text)
    text = re.sub(r"\bi\b", "I", text)
    return re.sub(r"(^|\. )([a-z])", lambda match: match[0].upper(), text)
