"""The lenses: games whose players are words, model components, training examples, or anything at all."""

from spex_widget.games.ablation.ablation import Infill, Neutral, Replace
from spex_widget.games.function import FunctionGame
from spex_widget.games.game import Game, NonFiniteValueError, Piece, are_finite
from spex_widget.games.targets.answers import Answer, Continuation, LogOdds, Perplexity
from spex_widget.games.targets.custom import Custom
from spex_widget.games.targets.labels import Label
from spex_widget.games.targets.readout import Target
from spex_widget.games.targets.similarity import Similarity
from spex_widget.games.text import TextGame

__all__ = [
    "Answer",
    "Continuation",
    "Custom",
    "FunctionGame",
    "Game",
    "Infill",
    "Label",
    "LogOdds",
    "Neutral",
    "NonFiniteValueError",
    "Perplexity",
    "Piece",
    "Replace",
    "Similarity",
    "Target",
    "TextGame",
    "are_finite",
]
