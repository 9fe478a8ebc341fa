"""Small models that ship, a sentiment classifier and a language model, with texts whose interactions were planted."""

from spex_widget.demo.grammar import KINDS, Planted, Sentence, meaning
from spex_widget.demo.passages import passage, passages
from spex_widget.demo.pretrained import load, load_causal
from spex_widget.demo.stories import Story, stories, story
from spex_widget.demo.templates import sentences

__all__ = [
    "KINDS",
    "Planted",
    "Sentence",
    "Story",
    "load",
    "load_causal",
    "meaning",
    "passage",
    "passages",
    "sentences",
    "stories",
    "story",
]
