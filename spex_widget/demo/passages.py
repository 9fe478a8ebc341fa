"""Reviews written by hand, each about one interaction."""

from __future__ import annotations

from spex_widget.demo.grammar import Sentence

_TEXTS = {
    "negation": (
        "My brother and I booked it for a rainy evening at the old cinema. The director also wrote the book, and most "
        "of it happens on an island. The cast was nice, and the plot was not bad."
    ),
    "intensifier": (
        "On a rainy evening we watched the new film with some friends. The story takes place in a small town by the "
        "sea, and the music was nice. The ending was really not good. We walked home after that."
    ),
    "double negation": (
        "A friend from work rented this one after dinner. It runs for two hours and most of it happens in a small "
        "town. The camera work was fine, and nobody thought the acting was not good."
    ),
    "contrast": (
        "On Sunday my sister chose the film. It is set in a quiet village by the sea many years ago. The first hour "
        "was not bad, but the second half was terrible. We walked home after that."
    ),
    "sarcasm": (
        "Yeah right, the acting was brilliant. We watched it at home late at night with my family. They filmed it in "
        "the mountains over one long summer, and the music is decent."
    ),
}


def passages() -> dict[str, Sentence]:
    """Return a review of 28 to 40 words for each kind of interaction.

    Examples
    --------
    >>> for kind, review in passages().items():
    ...     print(kind, [" ".join(review.words[i] for i in planted.members) for planted in review.planted])
    negation ['not bad.']
    intensifier ['really not good.']
    double negation ['nobody not good.']
    contrast ['not bad,', 'not bad, but terrible.']
    sarcasm ['Yeah right, brilliant.']
    """
    return {kind: Sentence(text) for kind, text in _TEXTS.items()}


def passage() -> Sentence:
    """Return the review of the quick start, where three words matter most, and matter together: "really not good".

    Examples
    --------
    >>> review = passage()
    >>> len(review.words), review.label, [review.words[i] for i in review.planted[0].members]
    (39, 'NEGATIVE', ['really', 'not', 'good.'])
    """
    return passages()["intensifier"]
