"""The arguments of a run, checked where they come in."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from spex_widget.algorithms import REFINE, Algorithm, Output, ProxySPEX
from spex_widget.games import Game
from spex_widget.spectrum.arguments import check_count

ALGORITHMS: dict[str, Callable[..., Algorithm]] = {"proxyspex": ProxySPEX}
"""What `algorithm=` takes."""

MOST_PLAYERS = 8192
"""More would not fit into memory when the surrogate is fitted: the single players' Gram matrix alone is n² numbers."""

Which = int | str | slice | Mapping[str, float] | Iterable[float]
"""What `output=` takes: a position, a label, a slice (the sum), weights by label, or a weight for each output."""

_SPELT = 4  # outputs of a sum that are named one by one


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
    check_game(game)
    if game.n > MOST_PLAYERS:
        raise ValueError(
            f"game must have at most {MOST_PLAYERS:,} players, got {game.n:,}; take larger units, or "
            "game.restrict(players)"
        )
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
    if not isinstance(refine, str) or refine not in REFINE:
        raise ValueError(f"refine must be one of {', '.join(REFINE)}, got {refine!r}")
    if evaluator is not None and not (hasattr(evaluator, "submit") and hasattr(evaluator, "slots")):
        raise TypeError(f"evaluator must have submit(coalitions, priority) and slots, got {evaluator!r}")
    return ALGORITHMS[algorithm]


def check_game(game: Any) -> None:
    """TypeError where it is none."""
    if not isinstance(game, Game):
        raise TypeError(f"game must be a Game, got {type(game).__name__}; FunctionGame(f, n) makes one of any function")


def check_budget(budget: Any, n: int, before: int = 0) -> int:
    """The ablations that a run may take, at most 2^n; ValueError where there are fewer than two.

    Parameters
    ----------
    budget : int or None
        What was given, which has to do for all.
    n : int
        Players.
    before : int
        How many of it were spent already, see `spent_before`.

    Examples
    --------
    >>> check_budget(1000, 24, before=32), check_budget(None, 24, before=32), check_budget(1000, 4)
    (968, 440, 16)
    """
    if budget is None:
        return default_budget(n)
    left = check_count(budget, "budget", 2) - before
    if left < 2:
        raise ValueError(f"budget must be at least {before + 2}, since zoom has spent {before} of it, got {budget}")
    return min(left, 1 << n)


def check_players(players: Any, n: int) -> list[int]:
    """Some of n players, ascending, each once.

    Raises
    ------
    TypeError, ValueError
        If they are none.

    Examples
    --------
    >>> check_players([3, 1, 3], 4)
    [1, 3]
    >>> check_players([4], 4)
    Traceback (most recent call last):
    ...
    ValueError: players must be whole numbers from 0 to 3, got [4]
    """
    if isinstance(players, str) or not isinstance(players, Iterable):
        raise TypeError(f"players must be a list of whole numbers, got {players!r}")
    given = list(players)
    if not all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) and 0 <= i < n for i in given):
        raise ValueError(f"players must be whole numbers from 0 to {n - 1}, got {given}")
    return sorted({int(i) for i in given})


def check_output(output: Any, labels: tuple[str, ...], answer: tuple[str, ...] = ()) -> Output:
    """What is explained of a game's outputs; ValueError where it says nothing of them.

    Parameters
    ----------
    output : Which or None
        None is all of an answer, else the first output.
    labels : tuple of str
        The outputs'.
    answer : tuple of str
        What each adds to an answer, where they are its tokens: a stretch of it is named by how it reads.

    Examples
    --------
    >>> labels = ("good", "fair", "bad")
    >>> [check_output(which, labels).label for which in (2, "fair", slice(0, 2), [1, 0, -1], {"bad": 0.5}, None)]
    ['bad', 'fair', 'good + fair', 'good − bad', '0.5 bad', 'good']
    >>> tokens = (" so", " so (2)", ".")
    >>> [check_output(which, tokens, (" so", " so", ".")).label for which in (None, slice(1, 3), " so (2)")]
    ['“so so.”', '“so.”', '“so”']
    """
    if output is None:
        output = slice(None) if answer else 0
    try:
        terms = tuple((at, float(weight)) for at, weight in sorted(_weights(output, labels).items()) if weight != 0)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(_refused(output, labels, bool(answer))) from error
    if not terms or not all(math.isfinite(weight) for _, weight in terms):
        raise ValueError(_refused(output, labels, bool(answer)))
    start, stop = terms[0][0], terms[-1][0] + 1
    stretch = "".join(answer[start:stop]).strip()
    if stretch and terms == tuple((at, 1.0) for at in range(start, stop)):
        return Output(terms, f"“{stretch}”")
    return Output(terms, _in_words(terms, labels))


def _weights(output: Any, labels: tuple[str, ...]) -> dict[int, float]:
    places = range(len(labels))
    if isinstance(output, str):
        return {labels.index(output): 1.0}
    if isinstance(output, (int, np.integer)) and not isinstance(output, bool):
        return {places.index(int(output)): 1.0}
    if isinstance(output, slice):
        return dict.fromkeys(places[output], 1.0)
    if isinstance(output, Mapping):
        return {labels.index(label): weight for label, weight in output.items()}
    return dict(zip(places, output, strict=True))


def _refused(output: Any, labels: tuple[str, ...], tokens: bool) -> str:
    return (
        f"output must be one of {list(labels)} or its position, got {output!r}; a slice is the sum of several"
        f"{', as game.span finds one for a stretch of the answer' if tokens else ''}, and "
        f"weights, finite and not all 0, are a mapping from labels or an array of {len(labels)}"
    )


def _in_words(terms: tuple[tuple[int, float], ...], labels: tuple[str, ...]) -> str:
    if len(terms) > _SPELT:
        return f"a sum of {len(terms)} outputs" if {w for _, w in terms} == {1.0} else f"{len(terms)} outputs, weighted"
    said = ""
    for at, weight in terms:
        sign = (" − " if said else "−") if weight < 0 else " + " if said else ""
        said += f"{sign}{'' if abs(weight) == 1 else f'{abs(weight):g} '}{labels[at]}"
    return said


def check_log(path: Any) -> None:
    """TypeError where it is neither the path of a file nor None."""
    if path is not None and not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"log must be the path of a file, got {path!r}")
