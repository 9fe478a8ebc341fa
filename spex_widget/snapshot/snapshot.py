"""The one thing that everything a person sees is made from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from spex_widget.algorithms.algorithm import FIRST, Estimate, Output
from spex_widget.algorithms.evidence import HONEST
from spex_widget.games.game import Game
from spex_widget.games.work import Work
from spex_widget.snapshot.asked import Asked
from spex_widget.snapshot.diagnostics import Diagnostics
from spex_widget.snapshot.measured import Measured, Verifying, bii
from spex_widget.spectrum.arguments import FloatArray
from spex_widget.spectrum.sets import IntArray

STATES = ("running", "paused", "stopping", "stopped", "done", "failed")
"""The states of a run. *Stopping*: what is under way ends, and the last estimate is made."""

FINAL = ("stopped", "done", "failed")
"""The states in which nothing moves until a person asks for more."""


@dataclass(frozen=True)
class Header:
    """What does not change while a run goes on, sent once.

    Parameters
    ----------
    players, outputs : tuple of str
        Labels.
    pieces : tuple of (str, int)
        What is read, in order: text and the player it belongs to, −1 where it is always present.
    lens, model, value, ablation : str
        In words: the kind of game, what is explained, which value, what happens to what is ablated.
    log : str
        Where the ablations are kept.
    answer : tuple of str
        Where each output is a token of an answer: the answer, cut into these; else empty.
    threshold : float or None
        The value at which the model's answer changes; None where no value is known to.
    """

    players: tuple[str, ...]
    outputs: tuple[str, ...]
    pieces: tuple[tuple[str, int], ...]
    lens: str
    model: str
    value: str
    ablation: str
    log: str = ""
    answer: tuple[str, ...] = ()
    threshold: float | None = None

    @classmethod
    def of(cls, game: Game, log: str = "") -> Header:
        """The header of a game."""
        return cls(
            players=game.players,
            outputs=game.outputs,
            pieces=tuple((p.text, -1 if p.player is None else p.player) for p in game.pieces),
            lens=type(game).__name__,
            model=game.model,
            value=game.value,
            ablation=game.ablation,
            log=log,
            answer=game.answer_tokens,
            threshold=game.threshold,
        )


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A run at one moment, immutable.

    Parameters
    ----------
    seq : int
        Numbers the snapshots of a run, ascending.
    state : str
        One of `STATES`.
    reason : str
        Why it is in this state, in words; empty where the state says it all.
    ablations, budget : int
        How many uniform ablations are done, and how many may be, both with those before the run.
    rate : float
        Ablations a second of late, 0 before the first.
    turns : int
        How many of a person's verbs the run has obeyed: by its growth the page knows that a click was taken.
    estimate : Estimate or None
        What the algorithm knows; None before the first round.
    index, max_order : str, int or None
        The interaction index that is shown. BII by default: like the bars over the text, which are its order 1, and the
        kinds, it averages over all else, so that what is on one screen agrees.
    measured : mapping of tuple of int to Measured
        Interactions of this output that were measured on the model itself.
    verifying : Verifying
        How far the measuring is.
    floor : float or None
        How far two values of one coalition lie apart, where that was measured; see `is_noise`.
    work : Work or None
        What the run has taken of the game: its ablations, those for the noise floor, and what was asked by probes and
        to verify. None where the game does not count it.
    seconds : float
        In how much time: all of it from the first ablation on, but for waits for a person (while paused, and after the
        end), up to the batch that is being evaluated.
    before : int
        How many of the ablations were spent before the run, by `zoom` on coarser units of the text.
    asked : Asked
        What a person has asked of the model beside the run, and its answers for this output.
    output : Output
        What is to be explained; an estimate says itself what it speaks of, which is another where that was just chosen.
    """

    seq: int
    state: str
    reason: str
    ablations: int
    budget: int
    rate: float = 0.0
    turns: int = 0
    estimate: Estimate | None = None
    index: str = "BII"
    max_order: int | None = None
    measured: Mapping[tuple[int, ...], Measured] = field(default_factory=dict)
    floor: float | None = None
    verifying: Verifying = field(default_factory=Verifying)
    work: Work | None = None
    seconds: float = 0.0
    before: int = 0
    asked: Asked = field(default_factory=Asked)
    output: Output = FIRST

    @property
    def idle(self) -> float | None:
        """The share of the run's `seconds` in which the model's forward was not running; None where none was counted.

        It goes to making rows and reading answers, to the log, to whatever else the processor is at, and, once the
        budget is spent, to the last fit.
        """
        if self.work is None or not self.work.rows or not self.seconds:
            return None
        return min(1.0, max(0.0, 1 - self.work.forward_seconds / self.seconds))

    @property
    def took(self) -> str:
        """The run's work in few words; empty where it is not counted."""
        if self.work is None or self.idle is None:
            return ""
        return f"{self.work.tokens:,} tokens · model idle {100 * self.idle:.0f} %"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know beside the numbers, a plain sentence each, see `Diagnostics.remarks`."""
        return () if self.estimate is None else _remarks(self.estimate)

    def verdict(self, players: tuple[int, ...], effect: float) -> str | None:
        """What was measured says of a set; None where it was not, or its effect is not BII, of which it speaks."""
        measured = self.measured.get(players)
        if measured is None or self.estimate is None:
            return None
        average = bii(self.estimate.spectrum, players)
        return measured.verdict(average) if math.isclose(effect, average, rel_tol=1e-3) else None

    def is_settled(
        self, players: tuple[int, ...], effect: float, index: str, max_order: int | None = None
    ) -> bool | None:
        """Whether a set's effect is settled for this surrogate and this ablation, see `Estimate.settled`.

        Single players are among the largest of any order, interactions among those of order 2 and more. What is exact
        is settled, whatever its size; but nothing is that noise can make. None where the index has no such interval.
        """
        if self.estimate is None or self.is_noise(players, effect):
            return False
        if self.estimate.exact:
            return True
        if index not in HONEST:
            return None
        return players in _settled(self.estimate, index, max_order, min(len(players), 2))

    def is_noise(self, players: tuple[int, ...], effect: float) -> bool:
        """Whether noise of the floor's size makes effects as large as this.

        The floor is how far two values lie apart, √2 times the deviation of one, and an effect of order k adds up 2^k
        values: nineteen of twenty that are noise alone are smaller than twice 2^(k/2) such deviations. Of an index that
        averages over contexts, and of an estimate from many ablations, all are.
        """
        return is_noise(self.floor, players, effect)


def is_noise(floor: float | None, players: tuple[int, ...], effect: float) -> bool:
    """Whether noise of a floor's size makes a set's effect as large as this, see `Snapshot.is_noise`."""
    return floor is not None and abs(effect) < floor * 2 ** ((len(players) + 1) / 2)


def trusted_intervals(
    estimate: Estimate, sets: IntArray, index: str, max_order: int | None = None
) -> tuple[FloatArray, FloatArray] | None:
    """An estimate's intervals; None where it has none, or where it is not sure that the surrogate explains anything.

    Without signal the largest of many effects is luck: in pure noise 60 of 160 intervals of the ten largest left out 0.
    """
    if estimate.r2 is None or estimate.r2.low <= 0:
        return None
    return estimate.intervals(sets, index, max_order)


@lru_cache(maxsize=4)
def _remarks(estimate: Estimate) -> tuple[str, ...]:
    return Diagnostics.of(estimate).remarks


@lru_cache(maxsize=8)
def _settled(estimate: Estimate, index: str, max_order: int | None, least: int) -> frozenset[tuple[int, ...]]:
    # Many snapshots show one estimate, and every row of theirs asks.
    return frozenset(estimate.settled(index=index, max_order=max_order, least_order=least))
