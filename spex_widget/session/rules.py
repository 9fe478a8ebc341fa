"""When a run ends before its budget is spent."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

from spex_widget.algorithms import Estimate
from spex_widget.snapshot import Ranked, bii, is_noise
from spex_widget.snapshot.diagnostics import COMPLETE
from spex_widget.spectrum.arguments import check_count


@dataclass(frozen=True)
class StopRules:
    """Rules that are judged at round marks alone, on what is known there; whichever holds first ends the run.

    Parameters
    ----------
    r2 : float, optional
        The lower end of the held-out R²'s interval has reached it. Not the R² itself: it is looked at after every
        round, and would reach what it is not worth by luck.
    settled : int, optional
        So many of the largest interactions, from the top, are settled, none of them noise; or all but noise, where
        there are fewer and the lower end of R² leaves hardly room for another.
    time : float, optional
        So many seconds have passed since the run began.

    Raises
    ------
    TypeError, ValueError
        If one is no number, or out of range.

    Examples
    --------
    >>> StopRules(r2=95)
    Traceback (most recent call last):
    ...
    ValueError: r2 must be a number between 0 and 1, got 95
    """

    r2: float | None = None
    settled: int | None = None
    time: float | None = None

    def __post_init__(self) -> None:
        _check_range(self.r2, "r2", 1, "a number between 0 and 1")
        if self.settled is not None:
            check_count(self.settled, "settled", 1)
        _check_range(self.time, "time", math.inf, "a positive number of seconds")

    @property
    def ask_enough(self) -> bool:
        """Whether one asks what is known: then nothing is to be paid for beyond a mark that it is not judged at."""
        return self.r2 is not None or self.settled is not None

    def judge(self, estimate: Estimate, seconds: float, floor: float | None = None) -> Stop | None:
        """What ends a run that knows this, and its noise floor, after so long; None where it goes on."""
        r2 = estimate.r2
        if self.r2 is not None and r2 is not None and r2.low >= self.r2:
            said = f"R² reached {self.r2:g} at {estimate.ablations:,} ablations"
            return Stop(said, estimate.ablations, replace(self, r2=None))
        reason = None if self.settled is None else _settled(estimate, self.settled, floor)
        if reason is not None:
            return Stop(reason, estimate.ablations, replace(self, settled=None))
        if self.time is not None and seconds >= self.time:
            return Stop(f"{self.time:g} s are over", estimate.ablations, replace(self, time=None))
        return None


@dataclass(frozen=True)
class Stop:
    """The end that a rule has put to a run.

    Parameters
    ----------
    reason : str
        In words.
    ablations : int
        The round mark that it was judged at.
    rules : StopRules
        Those that are left, should the run go on.
    """

    reason: str
    ablations: int
    rules: StopRules


def _settled(estimate: Estimate, top: int, floor: float | None) -> str | None:
    """Which interactions are settled, in words, where they are the top ones, or all in a surrogate that misses none."""

    def but_noise(sets: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
        return [players for players in sets if not is_noise(floor, players, bii(estimate.spectrum, players))]

    settled = but_noise(estimate.settled(top, least_order=2))
    if len(settled) >= top:
        return "the largest is settled" if top == 1 else f"the top {top} are settled"
    if estimate.r2 is None or estimate.r2.low < COMPLETE:
        return None
    ranked = Ranked.of(estimate.spectrum, "BII")
    found = ranked.head(ranked.orders > 1, None).sets()
    together = but_noise(found)
    if not set(together) <= set(settled):
        return None
    above = " above the noise floor" if len(together) < len(found) else ""
    if len(together) > 1:
        return f"all {len(together)} interactions{above} are settled"
    return f"the only interaction{above} is settled" if together else f"no interactions{above} were found"


def _check_range(value: Any, name: str, most: float, what: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {what}, got {value!r}")
    if not 0 < float(value) < most:
        raise ValueError(f"{name} must be {what}, got {value}")
