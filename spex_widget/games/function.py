"""Any function of coalitions as a game."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy.typing as npt

from spex_widget.games.game import BoolArray, Game


class FunctionGame(Game):
    """A game whose values a plain function gives.

    Its fingerprint knows the function by name alone: whoever continues a log with another function mixes the two.

    Parameters
    ----------
    f : callable
        Takes coalitions, (m, n) bool, and returns values, (m,) or (m, outputs), finite.
    n : int
        The number of players, at least 2.
    players : sequence of str, optional
        Their labels; "0", "1", … by default.
    outputs : sequence of str or int, optional
        Labels of the outputs, or how many there are; one by default.

    Raises
    ------
    TypeError
        If `f` cannot be called.
    ValueError
        If n < 2, or the number of labels is not n.

    Examples
    --------
    >>> game = FunctionGame(lambda x: 1.0 * (x[:, 0] & x[:, 2]), 3, players=["not", "very", "good"])
    >>> game([[True, False, True], [True, True, False]])
    array([[1.],
           [0.]])
    """

    def __init__(
        self,
        f: Callable[[BoolArray], npt.ArrayLike],
        n: int,
        *,
        players: Sequence[str] | None = None,
        outputs: Sequence[str] | int | None = None,
    ) -> None:
        if not callable(f):
            raise TypeError(f"f must be a function of coalitions, (m, n) bool, got {type(f).__name__}")
        if players is not None and len(players) != n:
            raise ValueError(f"players must name all n = {n} players, got {len(players)} labels")
        if isinstance(outputs, int):
            outputs = [f"output {i}" for i in range(outputs)]
        elif isinstance(outputs, str):
            outputs = [outputs]
        super().__init__(
            [str(i) for i in range(n)] if players is None else players,
            ["value"] if outputs is None else outputs,
            model=getattr(f, "__name__", type(f).__name__).replace("<lambda>", "function"),
        )
        self._f = f

    def evaluate(self, coalitions: BoolArray) -> npt.ArrayLike:
        """Answer with the function's values."""
        return self._f(coalitions.copy())  # which may write to what it is given
