"""Any function of coalitions as a game."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from types import CodeType
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.characters import check_characters
from spex_widget.games.game import Game
from spex_widget.spectrum.arguments import BoolArray, check_count


class FunctionGame(Game):
    """A game whose values a plain function gives.

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
        If `f` cannot be called, or n is no whole number.
    ValueError
        If n < 2, the number of labels is not n, two outputs have the same, or one is no valid Unicode.

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
        n = check_count(n, "n, the number of players,", 2)
        labels = [str(i) for i in range(n)] if players is None else _labels(players, "players")
        if len(labels) != n:
            raise ValueError(f"players must name all n = {n} players, got {len(labels)} labels")
        if outputs is None:
            outputs = ["value"]
        elif not isinstance(outputs, Iterable):
            outputs = [f"output {i}" for i in range(check_count(outputs, "outputs", 1))]
        elif isinstance(outputs, str):
            outputs = [outputs]
        named = _labels(outputs, "outputs")
        if len(set(named)) < len(named):
            raise ValueError(f"outputs must name each output once, got {named}")
        super().__init__(
            labels,
            named,
            model=getattr(f, "__name__", type(f).__name__).replace("<lambda>", "function"),
        )
        self._f = f

    def evaluate(self, coalitions: BoolArray) -> npt.ArrayLike:
        """Answer with the function's values."""
        return self._f(coalitions.copy())  # which may write to what it is given

    def _identity(self) -> str:
        return digest(self._f)


def _labels(labels: Iterable[str], name: str) -> list[str]:
    if not isinstance(labels, Iterable):
        raise TypeError(f"{name} must be labels, one each, got {labels!r}")
    names = [str(label) for label in labels]
    for label in names:
        check_characters(label, f"a label of {name}")  # it is to be written and sent
    return names


def digest(f: Any) -> str:
    """What a Python function computes, as far as it can be seen: its code, constants, defaults, what it closes over.

    Two lambdas bear one name; a log of the one must not be continued by the other. What is compiled, or reached
    through global names, is not seen.
    """
    code = f if isinstance(f, CodeType) else getattr(f, "__code__", None)
    if code is None:
        return ""
    keywords = getattr(f, "__kwdefaults__", None) or {}
    held = [*code.co_consts, *(getattr(f, "__defaults__", None) or ()), *sorted(keywords.items())]
    for cell in getattr(f, "__closure__", None) or ():
        with suppress(ValueError):  # a cell may be empty still
            held.append(cell.cell_contents)
    parts = [code.co_code.hex(), repr(code.co_names), *map(_said, held)]
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()


def _said(value: Any) -> str:
    # The same in every process: no addresses, no order of a hash.
    if isinstance(value, CodeType):
        return digest(value)
    if isinstance(value, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    if isinstance(value, (tuple, frozenset)):
        parts = [_said(part) for part in value]
        return repr(parts if isinstance(value, tuple) else sorted(parts))
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        return repr(value)
    return type(value).__qualname__
