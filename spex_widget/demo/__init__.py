"""A sentiment classifier that ships, and sentences whose interactions are known because they were planted."""

from spex_widget.demo.grammar import KINDS, Planted, Sentence, meaning
from spex_widget.demo.passages import passage, passages
from spex_widget.demo.pretrained import load
from spex_widget.demo.templates import sentences

__all__ = ["KINDS", "Planted", "Sentence", "load", "meaning", "passage", "passages", "sentences"]
