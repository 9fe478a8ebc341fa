"""Which of many players are worth a closer look."""

from __future__ import annotations

import os

import numpy as np

from spex_widget.algorithms.candidates import singles
from spex_widget.algorithms.linear import fit_linear
from spex_widget.algorithms.sampling import UniformSampler
from spex_widget.games import Game
from spex_widget.games.restricted import RestrictedGame
from spex_widget.session.ablate import ablate
from spex_widget.session.arguments import Which, check_game, check_output
from spex_widget.session.log import AblationLog
from spex_widget.spectrum.arguments import BoolArray, FloatArray, check_count

_LEAST, _MOST = 128, 4000
_EACH = 4  # ablations a player: a first-order effect needs few


class ScreenedGame(RestrictedGame):
    """A game among the players whose own effects are largest, the others held present; `screen` makes one.

    Attributes
    ----------
    whole : Game
        The game that was screened.
    kept : ndarray of shape (n,), int
        Its players that are left, in their order.
    effects : ndarray of shape (players of the whole game,), float64
        The first-order effects that were found: what a player's presence adds, all else averaged over.
    ablations : int
        How many they were read off.
    log : str
        Where these are kept.
    """

    def __init__(self, whole: Game, keep: int, effects: FloatArray, ablations: int, log: str) -> None:
        largest = np.argsort(-np.abs(effects), kind="stable")[:keep]
        super().__init__(whole, np.sort(largest).tolist())
        self.effects = effects
        self.ablations = ablations
        self.log = log

    def __repr__(self) -> str:
        return f"ScreenedGame({self.n} of {self.whole.n} players kept, after {self.ablations} ablations)"


def screen(
    game: Game,
    keep: int = 20,
    *,
    budget: int | None = None,
    output: Which | None = None,
    seed: int = 0,
    log: str | os.PathLike[str] | None = None,
) -> ScreenedGame:
    """Keep the players whose own effects are largest; the others are held present.

    A ridge regression of uniform ablations on who is present ranks the players. What acts only together with others,
    and on average not at all by itself, is not seen by it: keep generously.

    Parameters
    ----------
    game : Game
    keep : int
        How many players, at least 2.
    budget : int, optional
        How many ablations; min(2^n, clip(4 n, 128, 4000)) by default.
    output : int, str, slice, mapping or array_like, optional
        By which of the game's outputs; see `Session.select`.
    seed : int
        Of the coalitions.
    log : path-like, optional
        Where the ablations are kept; what one that exists holds of this screen is not paid for again. By default a new
        file in the user's cache folder.

    Returns
    -------
    ScreenedGame
        To be explained like any other; `kept`, `effects` and `ablations` say how it came about.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or out of range.

    Examples
    --------
    >>> from spex_widget.games import FunctionGame
    >>> game = FunctionGame(lambda x: 2.0 * (x[:, 3] & x[:, 40]) - x[:, 77], 100)
    >>> game = screen(game, keep=3, log=getfixture("tmp_path") / "log")
    >>> game, game.kept.tolist()
    (ScreenedGame(3 of 100 players kept, after 400 ablations), [3, 40, 77])
    """
    check_game(game)
    if check_count(keep, "keep", 2) >= game.n:
        raise ValueError(f"keep must be less than the {game.n} players that there are, got {keep}")
    most = min(_MOST, max(_LEAST, _EACH * game.n)) if budget is None else check_count(budget, "budget", 2)
    chosen = check_output(output, game.outputs, game.answer_tokens)
    seed = check_count(seed, "seed", 0)
    coalitions = UniformSampler(game.n, seed).draw(min(most, 1 << game.n))
    ablations = AblationLog(game, seed=seed, path=log)
    try:
        values = _paid(game, coalitions, ablations)
    finally:
        ablations.close()
    effects = -2 * fit_linear(coalitions, chosen.of(values)).at(singles(game.n))
    return ScreenedGame(game, keep, effects, len(coalitions), str(ablations.path))


def _paid(game: Game, coalitions: BoolArray, log: AblationLog) -> FloatArray:
    """The values, of which only those that the log does not hold are asked for."""
    known = {
        row.coalition.tobytes(): row.values for row in log.of("screen") if row.values is not None and row.status == "ok"
    }
    asked = coalitions[[row.tobytes() not in known for row in coalitions]]
    known.update(zip((row.tobytes() for row in asked), ablate(game, asked, log, "screen"), strict=True))
    return np.stack([known[row.tobytes()] for row in coalitions])
