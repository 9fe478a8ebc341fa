"""A snapshot as HTML and as text that need neither kernel nor script: what outlives the run."""

from __future__ import annotations

from html import escape

import numpy as np

from spex_widget.report.charts import LOWERS, RAISES
from spex_widget.report.numbers import effect_format
from spex_widget.report.ranking import Ranking
from spex_widget.report.result import Result
from spex_widget.snapshot import Header, Ranked, Snapshot
from spex_widget.snapshot.ranked import player_effects

_TOP = 10


def static_text(header: Header, snapshot: Snapshot) -> str:
    """What is known, as plain text."""
    lines = [f"{header.model}: {_value(header, snapshot)}", _progress(snapshot)]
    if snapshot.estimate is not None:
        lines.append(repr(_interactions(header, snapshot)))
    lines.extend(snapshot.remarks)
    return "\n".join(lines)


def static_html(header: Header, snapshot: Snapshot, uid: str) -> str:
    """What is known, as HTML with inline styles only, since hosts strip the rest from notebooks that are not trusted.

    Its class, ``spex-static-<uid>``, is how a live widget finds and hides it.
    """
    value = _value(header, snapshot)
    body = [
        f"<p><b>{escape(value)}</b> · {escape(header.model)} · ablated: {escape(header.ablation)}<br>"
        f"{escape(_progress(snapshot))}</p>"
    ]
    if snapshot.estimate is not None:
        effects = player_effects(snapshot.estimate.spectrum)
        largest = np.abs(effects).max(initial=0.0) or 1.0
        body.append("<p style='line-height: 1.9; max-width: 100ch'>")
        look = effect_format(effects, 4)
        body.extend(_piece(text, player, effects, largest, look) for text, player in header.pieces)
        body.append("</p>")
        body.append(_interactions(header, snapshot)._repr_html_())
    body.extend(f"<p>{escape(remark)}</p>" for remark in snapshot.remarks)
    return f'<div class="spex-static-{escape(uid)}">{"".join(body)}</div>'


def _value(header: Header, snapshot: Snapshot) -> str:
    return header.value if snapshot.estimate is None else Result(header, snapshot).value


def _piece(text: str, player: int, effects: np.ndarray, largest: float, look: str) -> str:
    if player < 0:
        return escape(text)
    effect = float(effects[player])
    colour = RAISES if effect > 0 else LOWERS
    width = round(4 * abs(effect) / largest)
    line = f"border-bottom: {width}px {'solid' if effect > 0 else 'dashed'} {colour}" if width else ""
    return f'<span style="{line}" title="{effect:{look}}">{escape(text)}</span>'


def _interactions(header: Header, snapshot: Snapshot) -> Ranking:
    result = Result(header, snapshot)
    ranked = Ranked.of(result.spectrum, snapshot.index, snapshot.max_order)
    return result.table(ranked.head(ranked.orders > 1, _TOP))


def _progress(snapshot: Snapshot) -> str:
    said = [f"{snapshot.state}{f' ({snapshot.reason})' if snapshot.reason else ''}"]
    said.append(f"{snapshot.ablations} of {snapshot.budget} ablations")
    if snapshot.before:
        said.append(f"{snapshot.before} of them to zoom")
    if snapshot.verifying.ablations:
        said.append(f"{snapshot.verifying.ablations} more to measure")
    if snapshot.asked.ablations:
        said.append(f"{snapshot.asked.ablations} more asked by you")
    if snapshot.took:
        said.append(snapshot.took)
    estimate = snapshot.estimate
    if estimate is not None and estimate.exact:
        said.append("exact: every coalition was evaluated")
    elif estimate is not None and estimate.r2 is not None:
        said.append(f"held-out R² {estimate.r2.value:.2f} ({estimate.r2.low:.2f} to {estimate.r2.high:.2f})")
    return " · ".join(said)
