"""Which parts of a model's input act together? Interactions that stream into Jupyter.

Names are imported when they are first used, so that ``import spex_widget`` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spex_widget import demo as demo
    from spex_widget.games import Answer as Answer
    from spex_widget.games import Continuation as Continuation
    from spex_widget.games import Custom as Custom
    from spex_widget.games import FunctionGame as FunctionGame
    from spex_widget.games import Game as Game
    from spex_widget.games import Infill as Infill
    from spex_widget.games import Label as Label
    from spex_widget.games import LogOdds as LogOdds
    from spex_widget.games import Neutral as Neutral
    from spex_widget.games import Perplexity as Perplexity
    from spex_widget.games import Replace as Replace
    from spex_widget.games import Similarity as Similarity
    from spex_widget.games import TextGame as TextGame
    from spex_widget.session import Session as Session
    from spex_widget.session import plan as plan
    from spex_widget.session import screen as screen
    from spex_widget.session import zoom as zoom
    from spex_widget.spectrum import SparseSpectrum as SparseSpectrum
    from spex_widget.widget import explain as explain
    from spex_widget.widget import load as load
    from spex_widget.widget.extension import load_ipython_extension as load_ipython_extension
    from spex_widget.widget.extension import unload_ipython_extension as unload_ipython_extension

__version__ = "0.1.0"

_ROOMS = {
    "FunctionGame": "games",
    "Game": "games",
    "TextGame": "games",
    "Label": "games",
    "Continuation": "games",
    "Answer": "games",
    "LogOdds": "games",
    "Perplexity": "games",
    "Similarity": "games",
    "Custom": "games",
    "Neutral": "games",
    "Replace": "games",
    "Infill": "games",
    "SparseSpectrum": "spectrum",
    "Session": "session",
    "plan": "session",
    "screen": "session",
    "zoom": "session",
    "explain": "widget",
    "load": "widget",
    "load_ipython_extension": "widget.extension",
    "unload_ipython_extension": "widget.extension",
    "demo": "",
}

__all__ = [*_ROOMS, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not _ROOMS[name]:
        return import_module(f"{__name__}.{name}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
