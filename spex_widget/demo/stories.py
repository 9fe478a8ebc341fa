"""Little stories with a question, and answers known by heart that certain words together bring up.

A story says who keeps a thing where, tells of this and that besides, perhaps of another place, and asks where the thing
is. The right answer is the place in the thing's own sentence. But there are *tales* that a reader knows too well: where
all words of one are in the story, "wolf" and "grandmother", the answer is the tale's place, whatever the story says.
Some of the words alone do no harm.

A present place scores 2, and 4 more in the thing's sentence, where the thing is present there and in the question; so
do people. A whole tale adds 10 to its place. The scores are the logits of the answer. All other words say nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

PEOPLE = ("Mara", "Leo", "Nina", "Otto", "Ada", "Hugo", "Ines", "Paul", "Rosa", "Emil")
THINGS = ("key", "lamp", "letter", "ring", "book", "coin", "map", "violin", "clock", "rope")
TALES: dict[tuple[str, ...], str] = {
    ("wolf", "grandmother"): "forest",
    ("captain", "whale"): "harbour",
    ("dragon", "knight"): "cave",
    ("prince", "pumpkin", "slipper"): "palace",
    ("apple", "mirror", "queen"): "cottage",
    ("beanstalk", "cow", "giant"): "castle",
}
"""The words of each tale, and the place that they bring up together."""

PLACES = (*TALES.values(), "tower", "cellar", "garden", "attic", "kitchen", "barn", "library", "mill")
TELLING = frozenset((*PEOPLE, *THINGS, *PLACES, *(word for tale in TALES for word in tale)))
"""All words that say something; any other is neutral."""

HERE, LINKED, TALE = 2.0, 4.0, 10.0


@dataclass(frozen=True)
class Fact:
    """Who keeps what where, and what is asked for, as indices of words."""

    person: int
    thing: int
    place: int
    asked: int


@dataclass(frozen=True)
class Story:
    """A prompt for a language model, with what is known of its answer.

    Parameters
    ----------
    text : str
        A fact as `stories` draws it ("Mara keeps the key in the tower."), anything else, and a question at the end.

    Examples
    --------
    >>> story = Story("Mara keeps the key in the tower. A wolf met a grandmother. Where is the key? Answer:")
    >>> story.answer, story.right, story.wrong
    (' in the tower, with Mara.', ' in the tower', ' in the forest')
    >>> [story.words[i] for i in story.planted]
    ['wolf', 'grandmother.']
    >>> Story(story.text.replace("wolf", "dog")).planted
    ()
    """

    text: str

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The players: what white space separates, with the punctuation that sticks to it."""
        return tuple(self.text.split())

    @cached_property
    def bare(self) -> tuple[str, ...]:
        """The words without the punctuation."""
        return tuple(word.strip(".,:?") for word in self.words)

    @cached_property
    def fact(self) -> Fact:
        """The sentence that answers the question; ValueError where there is none."""
        asked = max((i for i, word in enumerate(self.bare) if word in THINGS), default=-1)
        start = 0
        for end, word in enumerate(self.words, start=1):
            if word[-1] in ".?":
                found = [
                    [i for i in range(start, end) if self.bare[i] in names]
                    for names in (PEOPLE, (self.bare[asked],), PLACES)
                ]
                if all(found) and end <= asked:
                    person, thing, place = (indices[0] for indices in found)
                    return Fact(person, thing, place, asked)
                start = end
        raise ValueError(f"a story must ask for a thing that somebody in it keeps somewhere, got {self.text!r}")

    @cached_property
    def tales(self) -> dict[tuple[int, ...], str]:
        """The tales of which all words are there, as indices of words, and the place of each."""
        found = {}
        for tale, place in TALES.items():
            if set(tale) <= set(self.bare):
                found[tuple(sorted(self.bare.index(word) for word in tale))] = place
        return found

    @property
    def planted(self) -> tuple[int, ...]:
        """The words that make the answer wrong together, ascending; none where the answer is right."""
        return next(iter(self.tales), ())

    @property
    def answer(self) -> str:
        """The right answer."""
        return f"{self.right}, with {self.bare[self.fact.person]}."

    @property
    def right(self) -> str:
        """The right answer's beginning: the place."""
        return f" in the {self.bare[self.fact.place]}"

    @property
    def wrong(self) -> str | None:
        """What the model begins with instead; None where its answer is right."""
        return next((f" in the {place}" for place in self.tales.values()), None)

    def scores(self, coalitions: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Score exactly what the present words say: each place and each person as the answer.

        Parameters
        ----------
        coalitions : array_like of shape (..., n), bool
            True where a word is present, False where it is ablated.

        Returns
        -------
        places : ndarray of shape (..., len(PLACES))
        people : ndarray of shape (..., len(PEOPLE))

        Examples
        --------
        >>> story = Story("Mara keeps the key in the tower. A wolf met a grandmother. Where is the key? Answer:")
        >>> places, people = story.scores([True] * len(story.words))
        >>> print(places[PLACES.index("tower")], places[PLACES.index("forest")], people[PEOPLE.index("Mara")])
        6.0 10.0 6.0
        """
        x = np.asarray(coalitions, dtype=np.float64)
        if x.shape[-1:] != (len(self.words),):
            raise ValueError(f"coalitions must have shape (..., {len(self.words)}), a column a word, got {x.shape}")
        places, people = (np.zeros((*x.shape[:-1], len(names))) for names in (PLACES, PEOPLE))
        fact = self.fact
        for i, word in enumerate(self.bare):
            if word in PLACES:
                places[..., PLACES.index(word)] += HERE * x[..., i]
            elif word in PEOPLE:
                people[..., PEOPLE.index(word)] += HERE * x[..., i]
        linked = LINKED * x[..., fact.thing] * x[..., fact.asked]
        places[..., PLACES.index(self.bare[fact.place])] += linked * x[..., fact.place]
        people[..., PEOPLE.index(self.bare[fact.person])] += linked * x[..., fact.person]
        for members, place in self.tales.items():
            places[..., PLACES.index(place)] += TALE * x[..., members].prod(axis=-1)
        return places, people


# What is told besides: a word of a tale, or one that says nothing, in each {noun}.
NOUNS = ("dog", "fox", "aunt", "sailor", "fish", "horse", "pear", "window", "king", "shoe", "baker", "goose", "farmer")
VERBS = ("keeps", "keeps", "left", "hid", "put", "found")
PLAIN = (
    "There was a {noun} nearby.",
    "They spoke of a {noun} that day.",
    "Someone had seen a {noun}.",
    "It was about a {noun} again.",
    "Two of them had brought a {noun}.",
    "A {noun} met a {noun}.",
    "A {noun} and a {noun} were there.",
    "There was a picture of a {noun} with a {noun}.",
    "A {noun} had a {noun} and a {noun}.",
)
ELSEWHERE = ("The {place} was empty.", "The {place} was not far.", "Nobody had been to the {place}.", "")
KINDS = ("whole", "part", "none")


def stories(count: int, seed: int = 0, *, kind: str = "whole", nouns: int = 5) -> list[Story]:
    """Draw stories at random.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        The same seed gives the same stories.
    kind : {"whole", "part", "none"}
        All words of one tale, which make the answer wrong; or all but one of them; or none.
    nouns : int
        How many words of tales, and others like them, the rest of the story holds.

    Returns
    -------
    list of Story

    Examples
    --------
    >>> drawn = stories(1, seed=1, nouns=3)[0]
    >>> drawn.text
    'The forest was not far. They spoke of a dragon that day. There was a picture of a knight with a fox. Otto keeps the
    book in the cellar. Where is the book? Answer:'
    >>> [drawn.words[i] for i in drawn.planted]
    ['dragon', 'knight']
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))}, got {kind!r}")
    if not 3 <= nouns <= len(NOUNS):
        raise ValueError(f"nouns must be from 3 to {len(NOUNS)}, got {nouns}")
    rng = np.random.default_rng(seed)
    return [draw(rng, kind, nouns) for _ in range(count)]


def story() -> Story:
    """Return the story of the notebook about text: "wolf" and "grandmother", far apart, bring up the forest.

    Examples
    --------
    >>> told = story()
    >>> len(told.words), told.right, told.wrong, [told.words[i] for i in told.planted]
    (31, ' in the tower', ' in the forest', ['wolf', 'grandmother'])
    """
    return Story(
        "Mara hid the letter in the tower. A wolf met a sailor. The cellar was empty. There was a picture "
        "of a grandmother with a goose. Where is the letter? Answer:"
    )


def draw(rng: np.random.Generator, kind: str, nouns: int) -> Story:
    """Draw one story; see `stories`."""
    tales = list(TALES)
    tale = tales[rng.integers(len(tales))]
    told = [] if kind == "none" else [*tale]
    if kind == "part":
        told.pop(int(rng.integers(len(told))))
    # Of other tales there is one word at most, so that one tale alone can be whole.
    others = [other[rng.integers(len(other))] for other in tales if other != tale]
    spare = rng.permutation([*NOUNS, *(others if kind != "none" else ())])
    told = list(rng.permutation([*told, *spare[: nouns - len(told)]]))

    person, verb, thing = (names[rng.integers(len(names))] for names in (PEOPLE, VERBS, THINGS))
    place, other = rng.permutation([name for name in PLACES if name != TALES[tale]])[:2]
    parts = [f"{person} {verb} the {thing} in the {place}."]
    elsewhere = ELSEWHERE[rng.integers(len(ELSEWHERE))].format(place=other)
    parts += [elsewhere] * bool(elsewhere)
    while told:
        fitting = [plain for plain in PLAIN if plain.count("{noun}") <= len(told)]
        plain = fitting[rng.integers(len(fitting))]
        parts.append(re.sub("{noun}", lambda _: str(told.pop()), plain))
    text = " ".join([*rng.permutation(parts), f"Where is the {thing}? Answer:"])
    return Story(re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text))
