"""The arguments of a run, checked where they come in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from spex_widget.algorithms import Algorithm, ProxySPEX
from spex_widget.games import Game
from spex_widget.spectrum.arguments import check_count

ALGORITHMS: dict[str, Callable[..., Algorithm]] = {"proxyspex": ProxySPEX}
"""What `algorithm=` takes."""

REFINERS = ("auto", "lasso")
"""What `refine=` takes; "auto" is the hold-out LASSO."""

MOST_PLAYERS = 8192
"""More would not fit into memory when the surrogate is fitted: the single players' Gram matrix alone is n² numbers."""


def default_budget(n: int) -> int:
    """Ablations when none are said: min(2^n, clip(4 n log₂ n, 256, 4000)).

    Examples
    --------
    >>> default_budget(4), default_budget(24), default_budget(1000)
    (16, 440, 4000)
    """
    return min(1 << n, min(4000, max(256, round(4 * n * math.log2(n)))))


def check_arguments(game: Any, algorithm: Any, refine: Any, evaluator: Any) -> Callable[..., Algorithm]:
    """What makes the algorithm; TypeError or ValueError says which argument is wrong."""
    if not isinstance(game, Game):
        raise TypeError(f"game must be a Game, got {type(game).__name__}; FunctionGame(f, n) makes one of any function")
    if game.n > MOST_PLAYERS:
        raise ValueError(
            f"game must have at most {MOST_PLAYERS:,} players, got {game.n:,}; take larger units, or "
            "game.restrict(players)"
        )
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
    if not isinstance(refine, str) or refine not in REFINERS:
        raise ValueError(f"refine must be one of {', '.join(REFINERS)}, got {refine!r}")
    if evaluator is not None and not (hasattr(evaluator, "submit") and hasattr(evaluator, "slots")):
        raise TypeError(f"evaluator must have submit(coalitions, priority) and slots, got {evaluator!r}")
    return ALGORITHMS[algorithm]


def check_budget(budget: Any, n: int) -> int:
    """The ablations that there may be, at most 2^n; ValueError where there are fewer than two."""
    if budget is None:
        return default_budget(n)
    return min(check_count(budget, "budget", 2), 1 << n)
