"""What is known of a game, as values: tables, charts, predictions."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.algorithms import Estimate
from spex_widget.algorithms.evidence import HONEST
from spex_widget.report.charts import Charts
from spex_widget.report.exports import to_shap, to_shapiq
from spex_widget.report.ranking import Ranking, numbered
from spex_widget.snapshot import KINDS, Diagnostics, Header, Ranked, Recording, Snapshot, trusted_intervals
from spex_widget.snapshot.whole import write_whole
from spex_widget.spectrum import SparseSpectrum, check_index
from spex_widget.spectrum.arguments import FloatArray, check_count
from spex_widget.spectrum.weights import OF_PLAYERS

_COVER = " and ".join([", ".join(HONEST[:-1]), HONEST[-1]])


class Result:
    """A snapshot, read.

    Everything here speaks of one surrogate, `spectrum`: `predict` evaluates it, `r2` judges it, the ranking and the
    charts are read off it.

    Parameters
    ----------
    header : Header
    snapshot : Snapshot
        With an estimate.
    record : callable, optional
        Makes the recording of the run up to a snapshot. By default a recording has that one moment.

    Raises
    ------
    RuntimeError
        If the snapshot has no estimate yet.
    """

    def __init__(
        self, header: Header, snapshot: Snapshot, record: Callable[[Snapshot], Recording] | None = None
    ) -> None:
        if snapshot.estimate is None:
            raise RuntimeError(
                f"nothing is known yet after {snapshot.ablations} ablations ({snapshot.reason or snapshot.state}); "
                "wait() for the run, or for its first round to end"
            )
        self.header = header
        self.snapshot = snapshot
        self.estimate: Estimate = snapshot.estimate
        self._record = record or (lambda snapshot: Recording.of(header, [(snapshot.seconds, snapshot)]))

    @property
    def value(self) -> str:
        """What the effects are effects on, in words."""
        outputs = self.header.outputs
        alone = len(outputs) == 1 and self.estimate.output.position == 0
        return self.header.value if alone else f"{self.header.value} of {self.estimate.output.label}"

    @property
    def labels(self) -> tuple[str, ...]:
        """The players' labels, numbered where several are the same."""
        return numbered(self.header.players)

    @property
    def spectrum(self) -> SparseSpectrum:
        """The surrogate: a sparse Fourier spectrum."""
        return self.estimate.spectrum

    @property
    def ablations(self) -> int:
        """How many uniform ablations the surrogate was fitted to."""
        return self.estimate.ablations

    @property
    def exact(self) -> bool:
        """Whether every coalition was evaluated, so that nothing is estimated."""
        return self.estimate.exact

    @property
    def r2(self) -> float | None:
        """The held-out R² (see `estimate.r2` for its interval); None where exact, and while it is not known."""
        return self.estimate.r2.value if self.estimate.r2 else None

    def predict(self, coalitions: npt.ArrayLike) -> FloatArray:
        """The surrogate's values (m,) at coalitions (m, n) of bool."""
        return self.spectrum(coalitions)

    def ranking(
        self,
        index: str = "FBII",
        max_order: int | None = None,
        *,
        order: int | None = None,
        top: int | None = None,
    ) -> Ranking:
        """Interactions by the size of their effect.

        Parameters
        ----------
        index : str
            One of `spex_widget.spectrum.INDICES`. The widget shows "BII".
        max_order : int, optional
            Defines k-SII, STII, FBII and FSII, and cuts the others, see `spex_widget.spectrum.interactions`. By default
            the surrogate's largest order, at which those four are its Möbius transform: the effect with all else
            ablated. BV and SV have order 1 whatever it is.
        order : int, optional
            Only interactions of so many players.
        top : int, optional
            Only so many of them.

        Raises
        ------
        TypeError, ValueError
            If there is no such index, an order or a number of rows is no whole number of at least 1, or the index has
            no interactions of that order.
        """
        for said, count in (("max_order", max_order), ("order", order), ("top", top)):
            if count is not None:
                check_count(count, said, 1)
        name = check_index(index)
        if name in OF_PLAYERS:
            if order is not None and order > 1:
                raise ValueError(f"{name} speaks of single players, it has nothing of order={order}")
            max_order = None
        if order is not None and max_order is not None and order > max_order:
            raise ValueError(f"{name} of max_order={max_order} has nothing of order={order}; raise max_order")
        ranked = Ranked.of(self.spectrum, name, max_order, order=order)
        return self.table(ranked.head(ranked.orders > 0, top))

    def table(self, ranked: Ranked) -> Ranking:
        """Interactions of this result, ranked already, as rows."""
        index, max_order, labels = ranked.index, ranked.max_order, self.labels
        known = trusted_intervals(self.estimate, ranked.members, index, max_order)
        ends = [(None, None)] * len(ranked.effects) if known is None else np.column_stack(known).tolist()
        said = zip(ranked.sets(), ranked.effects.tolist(), ends, ranked.kinds(self.spectrum), strict=True)
        rows = [
            {
                "members": players,
                "labels": tuple(labels[i] for i in players),
                "order": len(players),
                "effect": effect,
                "low": low,
                "high": high,
                "kind": KINDS[kind],
                "settled": self.snapshot.is_settled(players, effect, index, max_order),
                "verified": self.snapshot.verdict(players, effect),
            }
            for players, effect, (low, high), kind in said
        ]
        ceiling = f" of order ≤ {max_order}" if max_order else ""
        note = ""
        if rows and not self.exact and index not in HONEST:
            note = f"{index} has no interval that can be trusted; {_COVER} can have one"
        elif rows and self.estimate.r2 is not None and known is None:
            note = "no intervals while it is not sure that the surrogate explains anything: R² may be 0"
        return Ranking(rows, f"{index}{ceiling}, {self.value}", note)

    @property
    def chart(self) -> Charts:
        """Altair charts: `chart.ranking()`, `chart.convergence()`, `chart.energy()`."""
        return Charts(self)

    def diagnostics(self) -> Diagnostics:
        """Whether the surrogate is sparse, of low order, hierarchical and faithful, in plain sentences."""
        return Diagnostics.of(self.estimate)

    @property
    def recording(self) -> Recording:
        """The run up to here: its moments, and all that was evaluated for the surrogate."""
        return self._record(self.snapshot)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the run to a file that `spex_widget.load` opens, with no model; see `Recording`.

        Parameters
        ----------
        path : path-like
            A file there is replaced, as a whole. What it holds: the labels and the text, the run's moments, the
            surrogate with all that its intervals are made from, and the uniform ablations with the model's answers.

        Returns
        -------
        Path

        Raises
        ------
        TypeError, FileNotFoundError, IsADirectoryError
            If the path is none, there is no such folder, or it is one.
        """
        return self.recording.save(path)

    def save_html(self, path: str | os.PathLike[str]) -> Path:
        """Write a page that shows the run in any browser, with no kernel and no network.

        It plays the run's moments, and answers "what if" by the surrogate.

        Parameters
        ----------
        path : path-like
            As in `save`.
        """
        from spex_widget.report.page import page

        return write_whole(path, page(self).encode())

    def save_json(self, path: str | os.PathLike[str]) -> Path:
        """Write what the front end needs to show the run: the body of MyST's ``{anywidget}`` directive.

        The directive takes it with the package's own module and style sheet, copied beside the document:
        ``spex_widget/static/widget.js`` and, as its option ``css``, ``widget.css``. The four spaces before the JSON
        are to stay: with them MyST takes it for code, and does not parse it as text, which takes a minute for 60 KB.

        Parameters
        ----------
        path : path-like
            As in `save`.
        """
        from spex_widget.report.page import directive_body

        return write_whole(path, directive_body(self.recording).encode())

    def to_shapiq(self, index: str = "FBII", max_order: int | None = None) -> Any:
        """The interactions as shapiq's `InteractionValues`, which its plots take; see `exports.to_shapiq`."""
        return to_shapiq(self, index, max_order)

    def to_shap(self, index: str = "SV") -> Any:
        """The values of single players as shap's `Explanation`, which its plots take; see `exports.to_shap`."""
        return to_shap(self, index)

    def __repr__(self) -> str:
        faith = "exact" if self.exact else "R² not known" if self.r2 is None else f"held-out R² {self.r2:.3f}"
        known = f"{self.value}: {self.ablations} ablations, {faith}, {len(self.spectrum)} coefficients"
        took = self.snapshot.took
        return f"Result({known}{f'; {took}' if took else ''})"
