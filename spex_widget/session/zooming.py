"""From coarse to fine: which words of a long text are worth a closer look."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from spex_widget.games import Game, Replace, TextGame
from spex_widget.games.restricted import RestrictedGame
from spex_widget.games.units import UNITS, divide
from spex_widget.session.arguments import Which, check_log
from spex_widget.session.screening import ScreenedGame, screen
from spex_widget.spectrum.arguments import check_count


class ZoomedGame(RestrictedGame):
    """A text's game among the smallest units of its strongest stretches, the rest held present; `zoom` makes one.

    Attributes
    ----------
    whole : TextGame
        The game among all units of these stretches: the same players.
    steps : tuple of ScreenedGame
        What was kept on the way, from coarse to fine; each says what was found of all, and where its log is.
    ablations : int
        How many the steps took together; they count towards the budget that the game is explained with.
    """

    def __init__(self, whole: TextGame, steps: Sequence[ScreenedGame]) -> None:
        super().__init__(whole, range(whole.n))
        self.steps = tuple(steps)
        self.ablations = sum(step.ablations for step in steps)

    def __repr__(self) -> str:
        return f"ZoomedGame({self.n} players, after {len(self.steps)} steps and {self.ablations} ablations)"


def zoom(
    game: TextGame,
    units: str | Sequence[str] = ("sentence", "word"),
    keep: int = 5,
    *,
    budget: int | None = None,
    output: Which | None = None,
    seed: int = 0,
    log: str | os.PathLike[str] | None = None,
) -> ZoomedGame:
    """Look closer at a long text, step by step: each keeps the strongest units and divides them further.

    A step is a `screen` of the units that there are: what acts only together with others, and on average not at all by
    itself, is not seen by it. Keep generously. Where there are no more units than are to be kept, nothing is ablated.

    Parameters
    ----------
    game : TextGame
        Among coarse units: paragraphs, say.
    units : str, or sequence of these
        The units of each step, smaller than those of the step before; see `TextGame`.
    keep : int
        How many of the units to divide further at each step, at least 2.
    budget : int, optional
        How many ablations all steps may take together, in equal parts; by default what each screen takes by itself.
        ``explain(zoomed, budget=1000)`` spends on the words what the steps have left of 1,000.
    output : int, str, slice, mapping or array_like, optional
        By which of the game's outputs; see `Session.select`.
    seed : int
        Of the coalitions.
    log : path-like, optional
        Where the ablations are kept: a file for each step, numbered behind this name. What those that exist hold is not
        paid for again. By default new files in the user's cache folder.

    Returns
    -------
    ZoomedGame
        To be explained like any other; `steps` and `ablations` say how it came about.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or out of range, or the units of a step are not smaller than those before,
        or the game replaces each unit by a text of its own. Then nothing has been evaluated.

    Examples
    --------
    >>> game = TextGame(model, tokenizer, text, units="paragraph")  # doctest: +SKIP
    >>> zoom(game, ["sentence", "word"], keep=3, budget=600)  # doctest: +SKIP
    ZoomedGame(57 players, after 2 steps and 600 ablations)
    """
    if not isinstance(game, TextGame):
        raise TypeError(f"game must be a TextGame, whose units can be divided, got {type(game).__name__}")
    if not isinstance(units, Iterable):
        raise TypeError(f"units must be those of each step, as in ('sentence', 'word'), got {units!r}")
    check_log(log)
    finer = [units] if isinstance(units, str) else list(units)
    if not finer:
        raise ValueError("units must name at least one kind of smaller unit, got none")
    _check_smaller([game.units, *finer])
    _check_carries_over(game)
    for unit in finer:
        divide(game.text, unit, ())  # nothing but its errors counts
    keep = check_count(keep, "keep", 2)
    left = None if budget is None else check_count(budget, "budget", 2 * len(finer))
    steps: list[ScreenedGame] = []
    for number, unit in enumerate(finer):
        kept = list(range(game.n))
        if game.n > keep:
            # What an earlier step left, one of so few units that there was nothing to choose, is there for the others.
            share = None if left is None else left // (len(finer) - number)
            path = None if log is None else f"{os.fspath(log)}.{number + 1}"
            steps.append(screen(game, keep, budget=share, output=output, seed=seed, log=path))
            kept = steps[-1].kept.tolist()
            left = None if left is None else left - steps[-1].ablations
        game = game.within(kept, unit)
    return ZoomedGame(game, steps)


def spent_before(game: Game) -> int:
    """How many ablations a game has cost already that count towards the budget of its run: those of a zoom.

    Also where only some of the zoomed game's players are left.
    """
    while isinstance(game, RestrictedGame) and not isinstance(game, ZoomedGame):
        game = game.whole
    return game.ablations if isinstance(game, ZoomedGame) else 0


def _check_carries_over(game: TextGame) -> None:
    """ValueError where a text stands in for each unit, which smaller units have none of."""
    how = game._how
    if isinstance(how.texts if isinstance(how, Replace) else how, Mapping):
        raise ValueError(
            "the game must be ablated in a way that smaller units can be too, and replacements were given for each of "
            f"its {game.n} units; Replace('…') puts one text in the place of any unit"
        )


def _check_smaller(units: Sequence[Any]) -> None:
    """ValueError where a step would divide nothing; of expressions and spans it cannot be told."""
    named = [unit for unit in units if isinstance(unit, str) and unit in UNITS]
    for coarse, fine in pairwise(named):
        if UNITS.index(fine) >= UNITS.index(coarse):
            smaller = ", ".join(map(repr, reversed(UNITS[: UNITS.index(coarse)])))
            raise ValueError(
                f"units must become smaller with each step, and {fine!r} is not smaller than {coarse!r}; "
                + (f"that can be divided into {smaller}" if smaller else "that cannot be divided")
            )
