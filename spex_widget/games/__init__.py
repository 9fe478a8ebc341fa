"""The lenses: games whose players are words, model components, training examples, or anything at all."""

from spex_widget.games.function import FunctionGame
from spex_widget.games.game import Game, NonFiniteValueError, Piece, are_finite
from spex_widget.games.targets import Continuation, Label, LogOdds, Target
from spex_widget.games.text import TextGame

__all__ = [
    "Continuation",
    "FunctionGame",
    "Game",
    "Label",
    "LogOdds",
    "NonFiniteValueError",
    "Piece",
    "Target",
    "TextGame",
    "are_finite",
]
