"""The arguments of a run, checked where they come in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from spex_widget.algorithms import Algorithm, ProxySPEX
from spex_widget.games import Game

ALGORITHMS: dict[str, Callable[..., Algorithm]] = {"proxyspex": ProxySPEX}
"""What `algorithm=` takes."""

REFINERS = ("auto", "lasso")
"""What `refine=` takes; "auto" is the hold-out LASSO."""


def default_budget(n: int) -> int:
    """Ablations when none are said: min(2^n, clip(4 n log₂ n, 256, 4000)).

    Examples
    --------
    >>> default_budget(4), default_budget(24), default_budget(1000)
    (16, 440, 4000)
    """
    return min(1 << n, min(4000, max(256, round(4 * n * math.log2(n)))))


def check_arguments(game: Any, algorithm: str, refine: str) -> Callable[..., Algorithm]:
    """What makes the algorithm; TypeError or ValueError says which argument is wrong."""
    if not isinstance(game, Game):
        raise TypeError(f"game must be a Game, got {type(game).__name__}; FunctionGame(f, n) makes one of any function")
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
    if refine not in REFINERS:
        raise ValueError(f"refine must be one of {', '.join(REFINERS)}, got {refine!r}")
    return ALGORITHMS[algorithm]


def check_budget(budget: Any, n: int) -> int:
    """The ablations that there may be, at most 2^n; ValueError where there are fewer than two."""
    if budget is None:
        return default_budget(n)
    if check_count(budget, "budget") < 2:
        raise ValueError(f"budget must be at least 2 ablations, got {budget}")
    return min(int(budget), 1 << n)


def check_count(value: Any, name: str) -> int:
    """A whole number; TypeError says what was given instead."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    return int(value)
