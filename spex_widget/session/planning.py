"""What a run will cost, before it is begun."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from html import escape

import numpy as np

from spex_widget.algorithms import Mark
from spex_widget.algorithms.sampling import UniformSampler
from spex_widget.games import Game
from spex_widget.session.arguments import Which, check_budget, check_game, check_output
from spex_widget.session.floor import AGAIN, AMONG, differences, noise_floor, repeat, repeated
from spex_widget.session.log import AblationLog
from spex_widget.session.rules import StopRules
from spex_widget.session.session import Session
from spex_widget.session.zooming import spent_before
from spex_widget.spectrum.arguments import check_count

_SHARE = 10  # of this many ablations of the budget one may be spent on timing, but no more than `AMONG`,
_LEAST = 4  # and so many in any case: two of them again, or there is no floor
_PILOT = 256  # ablations of uniform coalitions from which the growth of R² is guessed
_FAR = 10  # times the pilot: beyond that no guess is worth its ink


@dataclass(frozen=True)
class Plan:
    """What a run will cost; `plan` makes one.

    Parameters
    ----------
    rate : float
        Ablations a second, with nothing but the game at work.
    floor : float
        How far two values of one coalition lie apart, root mean square, when only the batch changes.
    budget : int
        The ablations that were asked about, or the default.
    fits : int or None
        How many ablations fit into the time that was given.
    enough : int or None
        A guess of how many ablations the R² that was asked for takes; None where nothing can be said.
    pilot : int
        From how many ablations that was guessed; 0 where no R² was asked for, or the budget reaches every coalition.
    spent : int
        All ablations that the plan has cost.
    log : str
        Where they are kept. `explain(game, log=plan.log)` goes on from the pilot, and knows the floor.
    time, r2 : float or None
        What was asked for.
    constant : bool
        There was a pilot, and all its values are equal.
    alone : float or None
        Ablations a second, one at a time, where a run evaluates some again so, as values move with the batch.
    """

    rate: float
    floor: float
    budget: int
    fits: int | None
    enough: int | None
    pilot: int
    spent: int
    log: str
    time: float | None = None
    r2: float | None = None
    constant: bool = False
    alone: float | None = None

    @property
    def seconds(self) -> float:
        """What the budget takes."""
        return self._seconds_of(self.budget)

    def _seconds_of(self, ablations: int) -> float:
        return ablations / self.rate + (repeated(ablations) / self.alone if self.alone else 0.0)

    def _lines(self) -> list[str]:
        lines = [
            f"{self.budget:,} ablations take {_in_words(self.seconds)}, at {self.rate:,.3g} a second"
            + (f" and {repeated(self.budget)} of them again one at a time" if self.alone else ""),
            f"a value moves by {self.floor:.2g} when only its batch changes; effects of about that size are noise"
            if self.floor
            else "a value is the same in every batch tried",
        ]
        if self.time is not None:
            lines.append(f"in {self.time:g} s there is time for about {self.fits:,} ablations")
        if self.enough is not None and not self.pilot:
            lines.append(f"at {self.enough:,} ablations every coalition is evaluated, and nothing is estimated")
        elif self.constant:
            lines.append(f"no value differs among {self.pilot:,} ablations, so there is no R² to foretell")
        elif self.r2 is not None and self.enough is None:
            lines.append(f"when R² will reach {self.r2:g} cannot be told from {self.pilot:,} ablations")
        elif self.enough is not None and self.enough <= self.pilot:
            lines.append(f"R² has reached {self.r2:g} at {self.enough:,} ablations")
        elif self.enough is not None:
            lines.append(
                f"R² may reach {self.r2:g} at about {self.enough:,} ablations, "
                f"{_in_words(self._seconds_of(self.enough))}; a guess, from how it has grown over {self.pilot:,}"
            )
        kept = f", and explain(game, log=plan.log) goes on from the pilot's {self.pilot:,}" if self.pilot else ""
        lines.append(f"{self.spent:,} ablations were spent on this{kept}")
        return lines

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in self._lines())}</ul>"


def plan(
    game: Game,
    *,
    time: float | None = None,
    r2: float | None = None,
    budget: int | None = None,
    output: Which | None = None,
    seed: int = 0,
    log: str | os.PathLike[str] | None = None,
) -> Plan:
    """Time a few ablations, and say what a run will cost.

    A few coalitions are evaluated in batches, and some again one at a time: that tells the rate, and the noise floor;
    a first call, which may compile or warm a device up, is not timed. It takes 16 ablations, and up to 48 more where
    they are quick; but no more than a tenth of the budget, and 4 in any case. With `r2`, a pilot of up to 256 uniform
    ablations is run as well, which is the beginning of the run itself.

    Parameters
    ----------
    game : Game
    time : float, optional
        Seconds: how many ablations fit into them?
    r2 : float, optional
        How many ablations until the held-out R² reaches it? A guess at best: what a power law says that is fitted to
        the pilot's R², and nothing where that would be stretched too far.
    budget : int, optional
        How long do so many take? The default budget otherwise.
    output : int, str, slice, mapping or array_like, optional
        Of which of the game's outputs; see `Session.select`.
    seed : int
        Of the coalitions.
    log : path-like, optional
        Where the ablations are kept. By default a new file in the user's cache folder.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or out of range.
    Exception
        What the game raised; what was evaluated until then is in the log.

    Examples
    --------
    >>> from spex_widget.games import FunctionGame
    >>> found = plan(FunctionGame(lambda x: 1.0 * x[:, 0], 30), time=60, log=getfixture("tmp_path") / "log")
    >>> found
    589 ablations take ... s, at ... a second
    a value is the same in every batch tried
    in 60 s there is time for about ... ablations
    58 ablations were spent on this
    """
    check_game(game)
    StopRules(r2=r2, time=time)  # which knows what they may be
    most = check_budget(budget, game.n, spent_before(game))
    chosen, seed = check_output(output, game.outputs, game.answer_tokens), check_count(seed, "seed", 0)
    ablations = AblationLog(game, seed=seed, path=log)
    before = len(ablations)
    try:
        timed = min(AMONG, max(_LEAST, most // _SHARE))
        rate, alone = repeat(game, UniformSampler(game.n, seed).draw(timed), ablations)
        again = alone if game.moves_with_batch else None
        floor = noise_floor(differences(ablations), chosen) or 0.0
        pilot, enough = 0, None
        if r2 is not None and most == 1 << game.n:
            enough = most
        elif r2 is not None:
            pilot, enough = _pilot(game, r2, min(_PILOT, most), output, seed, ablations.path)
        spent = len(ablations) - before
        rows = ablations.of("uniform") if pilot else []
        values = [row.values for row in rows if row.values is not None and row.status == "ok"]
    finally:
        ablations.close()
    return Plan(
        rate=rate,
        floor=floor,
        budget=most,
        fits=None if time is None else min(_fit_into(time, rate, again), 1 << game.n),
        enough=enough,
        pilot=pilot,
        spent=spent,
        log=str(ablations.path),
        time=time,
        r2=r2,
        constant=pilot > 0 and bool(np.ptp(chosen.of(np.stack(values))) == 0),
        alone=again,
    )


def _fit_into(time: float, rate: float, alone: float | None) -> int:
    """How many ablations fit into so many seconds, with those that are evaluated again: while they are, and after."""
    if alone is None:
        return int(time * rate)
    share = repeated(4 * AGAIN) / (4 * AGAIN)
    return int(max(time / (1 / rate + share / alone), (time - AGAIN / alone) * rate))


def _pilot(
    game: Game, r2: float, most: int, output: Which | None, seed: int, log: os.PathLike[str]
) -> tuple[int, int | None]:
    """How many ablations a pilot had, and how many may be enough."""
    session = Session(game, budget=most + spent_before(game), output=output, seed=seed, log=log)
    try:
        session.wait()
    finally:
        session.stop()  # where it was interrupted
    result = session.result
    enough = foretell(result.estimate.history, r2)
    return result.ablations, None if enough is None else min(enough, 1 << game.n)


def foretell(history: tuple[Mark, ...], r2: float) -> int | None:
    """At how many ablations R² may reach a value, given how it has grown; None where nothing can be said.

    Where it has reached it already (the lower end of its interval, as for a stop rule), that mark. Else what is not
    explained, 1 − R², is taken to fall as a power of the ablations.

    Examples
    --------
    >>> from spex_widget.algorithms import R2
    >>> grown = tuple(Mark(m, R2(1 - 32 / m, 0.0, 1.0), 0.0) for m in (64, 128, 192, 256))
    >>> foretell(grown, 0.95), foretell(grown, 0.999)
    (640, None)
    """
    for mark in history:
        if mark.r2.low >= r2:
            return mark.ablations
    told = [mark for mark in history if 0 < mark.r2.value < 1]
    if len(told) < 3:
        return None
    ablations = np.log([mark.ablations for mark in told])
    slope, start = np.polyfit(ablations, np.log([1 - mark.r2.value for mark in told]), 1)
    if slope >= 0:
        return None
    there = (math.log(1 - r2) - start) / slope
    last = told[-1].ablations
    return None if there > math.log(_FAR * last) else max(last + 1, round(math.exp(there)))


def _in_words(seconds: float) -> str:
    if seconds < 0.1:
        return "less than 0.1 s"
    for least, size, unit in ((7200, 3600, "h"), (120, 60, "min")):
        if seconds >= least:
            return f"about {seconds / size:.2g} {unit}"
    return f"about {seconds:.2g} s"
