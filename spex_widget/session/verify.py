"""Interactions of the surrogate, measured on the model itself.

All intervals of one verification hold together at 95 % (Bonferroni), so that ten rows are not ten chances to be
contradicted by luck; `Measured.verdict` is the rule. In 4,290 verifications in 16 contexts of planted functions, with
and without noise, AND and OR terms with heavy-tailed weights among them (benchmarks/verify.py), 92 % of what was true
was confirmed and .03 % contradicted; of what was spurious 66 % was contradicted and .1 % confirmed; each interval, of
nominal 99.5 %, covered 99.3 %. One trap no few contexts can see: what is at work in one context of eight alone, and the
surrogate does not know it, is silent in all of 16 contexts one time in eight. Before a contradiction is believed that
matters, take 64.

Evidence is what a person adds to one set. It is pooled with all that was measured of that set before, so that the
interval narrows. All intervals that verifying and evidence ever give of one set hold together at 95 %: the k-th look
has at most a k (k + 1)-th part of the 5 %, so that to look until it pleases misleads no more often. Those of evidence
speak of one set, and so are not corrected for how many sets a person looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from spex_widget.algorithms import Output
from spex_widget.algorithms.sampling import UniformSampler
from spex_widget.report import Ranking, Result
from spex_widget.report.numbers import effect_format
from spex_widget.snapshot import Measured, Ranked, bii
from spex_widget.spectrum import SparseSpectrum
from spex_widget.spectrum.arguments import BoolArray, FloatArray

MOST_PLAYERS = 6
"""Sets of more are not measured: each context takes 2^order ablations."""

CONFIDENCE = 0.95
"""Of all intervals of one verification together, and of all looks at one set."""

Values = Callable[[BoolArray], FloatArray]


def largest(result: Result, top: int) -> list[tuple[int, ...]]:
    """The `top` largest interactions of order 2 and more, by BII."""
    ranked = Ranked.of(result.spectrum, "BII")
    return ranked.head(ranked.orders > 1, top).sets()


def verify(
    result: Result,
    sets: Sequence[tuple[int, ...]],
    measure: Callable[[tuple[int, ...], float], Measured],
    note: Callable[[tuple[int, ...], Measured | None], None],
) -> Verification:
    """Measure some interactions.

    Parameters
    ----------
    result : Result
        What the surrogate says.
    sets : sequence of tuple of int
        Which.
    measure : callable
        Measures one; its interval may miss so often.
    note : callable
        Is told of each measurement as soon as it is made; None for a set that is too large.
    """
    miss = (1 - CONFIDENCE) / max(1, sum(len(players) <= MOST_PLAYERS for players in sets))
    rows = []
    for players in sets:
        measured = measure(players, miss) if len(players) <= MOST_PLAYERS else None
        note(players, measured)
        rows.append(_row(result, players, measured))
    return Verification(rows, f"BII, {result.value}, measured on the model")


def _row(result: Result, players: tuple[int, ...], measured: Measured | None) -> dict[str, Any]:
    effect = bii(result.spectrum, players)
    return {
        "members": players,
        "labels": tuple(result.labels[i] for i in players),
        "order": len(players),
        "effect": effect,
        "measured": measured.effect if measured else None,
        "low": measured.low if measured else None,
        "high": measured.high if measured else None,
        "contexts": measured.contexts if measured else 0,
        "verdict": measured.verdict(effect) if measured else "too large",
    }


def missed(look: int) -> float:
    """How often the interval of a look at one set may miss.

    Examples
    --------
    >>> round(missed(1), 6), round(sum(missed(look) for look in range(1, 10_000)), 3)
    (0.025, 0.05)
    """
    return (1 - CONFIDENCE) / (look * (look + 1))


@dataclass(frozen=True, eq=False)
class Sample:
    """The model's discrete derivatives with respect to some players: what a measurement is made from.

    Parameters
    ----------
    contexts : ndarray of shape (c, n), bool
        Distinct in the other players, uniform.
    derivatives : ndarray of shape (c, outputs), float64
        In each context, of each output.
    targeted : int
        How many of them a person asked for, as evidence.
    """

    contexts: BoolArray
    derivatives: FloatArray
    targeted: int = 0

    def __add__(self, other: Sample) -> Sample:
        return Sample(
            np.concatenate([self.contexts, other.contexts]),
            np.concatenate([self.derivatives, other.derivatives]),
            self.targeted + other.targeted,
        )

    def __len__(self) -> int:
        return len(self.contexts)

    def measured(self, output: Output, surrogate: SparseSpectrum, players: Sequence[int], miss: float) -> Measured:
        """What this says of one output, see `measure`."""
        derived = output.of(self.derivatives)
        return _measured(derived, surrogate, players, self.contexts, miss, self.targeted)


def measure(
    values: Values, surrogate: SparseSpectrum, players: Sequence[int], contexts: BoolArray, miss: float
) -> Measured:
    """Measure the mean discrete derivative with respect to some players.

    The surrogate's own derivative in the same contexts is known, and so is its mean over all contexts. So what is
    averaged is by how much the two differ: the mean is that of the model still, and is not blurred by what the
    surrogate knows of the contexts. The interval is Student's, of these differences.

    Parameters
    ----------
    values : callable
        The model: coalitions (m, n) to values (m,).
    surrogate : SparseSpectrum
    players : sequence of int
    contexts : ndarray of shape (c, n), bool
        Distinct in the other players, uniform.
    miss : float
        How often the interval may miss.
    """
    return _measured(derivatives(values, players, contexts), surrogate, players, contexts, miss, 0)


def _measured(
    derived: FloatArray,
    surrogate: SparseSpectrum,
    players: Sequence[int],
    contexts: BoolArray,
    miss: float,
    targeted: int,
) -> Measured:
    effect = bii(surrogate, players)
    errors = derived - derivatives(surrogate, players, contexts)
    mean = effect + float(errors.mean())
    half = 0.0
    if len(errors) < 1 << (surrogate.n - len(players)):
        from scipy.stats import t

        half = float(t.isf(miss / 2, len(errors) - 1) * errors.std(ddof=1) / np.sqrt(len(errors)))
    return Measured(mean, mean - half, mean + half, len(errors), targeted)


def derivatives(values: Values, players: Sequence[int], contexts: BoolArray) -> FloatArray:
    """The discrete derivative with respect to some players in each context, (c,) or of each output (c, outputs).

    Examples
    --------
    >>> both = lambda x: 1.0 * (x[:, 0] & x[:, 1])
    >>> derivatives(both, (0, 1), np.zeros((1, 3), bool)), derivatives(both, (0,), np.eye(3, dtype=bool)[1:2])
    (array([1.]), array([1.]))
    """
    corners = ((np.arange(1 << len(players))[:, None] >> np.arange(len(players))) & 1).astype(np.bool_)
    rows = np.repeat(contexts, len(corners), axis=0)
    rows[:, players] = np.tile(corners, (len(contexts), 1))
    signs = (-1.0) ** (len(players) - corners.sum(axis=1))
    answers = values(rows)
    return np.tensordot(answers.reshape(len(contexts), len(corners), *answers.shape[1:]), signs, (1, 0))


def draw_contexts(n: int, players: Sequence[int], most: int, seed: int) -> BoolArray:
    """Coalitions (c, n), distinct in the players that are not among `players`: so many, or all there are."""
    others = np.setdiff1d(np.arange(n), players)
    rows = UniformSampler(len(others), seed).draw(most)
    contexts = np.zeros((len(rows), n), dtype=np.bool_)
    contexts[:, others] = rows
    return contexts


class Verification(Ranking):
    """Interactions of the surrogate and what they are when measured, a row each."""

    columns = ("members", "labels", "order", "effect", "measured", "low", "high", "contexts", "verdict")

    def __repr__(self) -> str:
        said = self._figures()
        size = max((9, *(len(effect) for effect, _ in said)))
        figures = [f"{effect:>{size}}  {interval}" for effect, interval in said]
        wide = max((42, *map(len, figures)))
        lines = [
            f"{figure:{wide}s} {row['verdict']:13s} {' · '.join(row['labels'])}"
            for figure, row in zip(figures, self, strict=True)
        ]
        return "\n".join([self.title, *lines])

    def _repr_html_(self) -> str:
        head = "<tr><th style='text-align:left'>members</th><th>effect</th><th>measured</th><th>verdict</th></tr>"
        rows = "".join(
            f"<tr><td style='text-align:left'>{escape(' · '.join(row['labels']))}</td><td>{effect}</td>"
            f"<td>{interval}</td><td>{row['verdict']}</td></tr>"
            for (effect, interval), row in zip(self._figures(), self, strict=True)
        )
        return f"<table><caption>{escape(self.title)}</caption><thead>{head}</thead><tbody>{rows}</tbody></table>"

    def _figures(self) -> list[tuple[str, str]]:
        """Of each row the effect, and what was measured with its interval."""
        look = effect_format(row[name] or 0.0 for row in self for name in ("effect", "measured"))
        measured = [
            "" if row["measured"] is None else f"{row['measured']:{look}} ({row['low']:{look}} to {row['high']:{look}})"
            for row in self
        ]
        return [(f"{row['effect']:{look}}", interval) for row, interval in zip(self, measured, strict=True)]
