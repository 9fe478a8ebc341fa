"""Some of the players of a game, the others held present."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.game import Game, Piece
from spex_widget.games.work import Work
from spex_widget.spectrum.arguments import BoolArray, FloatArray, check_count


class RestrictedGame(Game):
    """A game among some players of another, the others held present."""

    def __init__(self, whole: Game, players: Iterable[int]) -> None:
        if not isinstance(players, Iterable):
            raise TypeError(f"players must be indices of at least two players, got {players!r}")
        kept = [check_count(i, "a player", 0) for i in players]
        if len(set(kept)) != len(kept):
            raise ValueError(f"players must be named once each, got {kept}")
        if any(not 0 <= i < whole.n for i in kept):
            raise ValueError(f"players must be indices from 0 to {whole.n - 1}, got {kept}")
        place = {old: new for new, old in enumerate(kept)}
        super().__init__(
            [whole.players[i] for i in kept],
            whole.outputs,
            pieces=[Piece(p.text, None if p.player is None else place.get(p.player)) for p in whole.pieces],
            model=whole.model,
            value=whole.value,
            ablation=whole.ablation,
        )
        self.whole = whole
        self.kept = np.array(kept)

    @property
    def work(self) -> Work | None:
        """What evaluating the whole game has taken so far."""
        return self.whole.work

    @property
    def answer_tokens(self) -> tuple[str, ...]:
        """The whole game's."""
        return self.whole.answer_tokens

    def span(self, text: str) -> slice:
        """The whole game's."""
        return self.whole.span(text)

    @property
    def threshold(self) -> float | None:
        """The whole game's."""
        return self.whole.threshold

    @property
    def moves_with_batch(self) -> bool:
        """Whether the whole game's values do."""
        return self.whole.moves_with_batch

    def unchanged(self) -> AbstractContextManager[None]:
        """The whole game's."""
        return self.whole.unchanged()

    def _lift(self, coalitions: BoolArray) -> BoolArray:
        rows = np.ones((len(coalitions), self.whole.n), dtype=np.bool_)
        rows[:, self.kept] = coalitions
        return rows

    def evaluate(self, coalitions: BoolArray) -> FloatArray:
        """Answer with the whole game's values, the other players present."""
        return self.whole(self._lift(coalitions))

    def show(self, coalition: npt.ArrayLike) -> str:
        """What the model sees in one coalition, as text."""
        return self.whole.show(self._lift(self.one_coalition(coalition)[None]))

    def _identity(self) -> Any:
        return f"{self.whole.fingerprint()}:{self.kept.tolist()}"
