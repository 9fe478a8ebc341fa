"""Altair charts of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spex_widget.report.numbers import effect_format
from spex_widget.snapshot.diagnostics import energy_shares

if TYPE_CHECKING:
    from spex_widget.report.result import Result

VEGA_LITE = "application/vnd.vegalite.v5+json"
"""What JupyterLab draws itself, with no script from the network; it reads later versions under this name too."""

RAISES, LOWERS = "#1b5fb4", "#ad4e00"
"""Blue raises the output, orange lowers it: told apart by the colour-blind, and by their side of zero."""


class Charts:
    """Charts of one result; each is an Altair chart, a value to change or to compose.

    Each is drawn with no network where the host draws Vega-Lite itself, as JupyterLab does, unless Altair was told to
    use another renderer than its default; that also draws what is composed of several. The methods import Altair, which
    is slow, so a result that is never drawn does not pay for it.
    """

    def __init__(self, result: Result) -> None:
        self._result = result

    def ranking(
        self, index: str = "FBII", max_order: int | None = None, *, order: int | None = None, top: int = 15
    ) -> Any:
        """The largest interactions as bars from zero."""
        import altair as alt

        ranking = self._result.ranking(index, max_order, order=order, top=top)
        rows = [
            {
                "rank": i,
                "members": " · ".join(r["labels"]),
                "order": r["order"],
                "effect": r["effect"],
                "kind": r["kind"],
            }
            for i, r in enumerate(ranking, 1)
        ]
        look = effect_format(row["effect"] for row in rows)  # which Vega reads alike
        # Rank and members together: two sets may read alike.
        for row in rows:
            row["name"] = f"{row['rank']}. {row['members']}"
        return _offline(
            alt.Chart(alt.Data(values=rows), title=ranking.title)
            .mark_bar()
            .encode(
                x=alt.X("effect:Q", title="effect"),
                y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=320)),
                color=alt.condition("datum.effect > 0", alt.value(RAISES), alt.value(LOWERS)),
                tooltip=["members:N", "order:O", alt.Tooltip("effect:Q", format=look), "kind:N"],
            )
        )

    def convergence(self) -> Any:
        """Held-out R² against ablations, with its interval, and a first-order surrogate's beside it."""
        import altair as alt

        rows = []
        for mark in self._result.estimate.history:
            rows.append(
                {
                    "ablations": mark.ablations,
                    "surrogate": "with interactions",
                    "R²": mark.r2.value,
                    "low": mark.r2.low,
                    "high": mark.r2.high,
                }
            )
            rows.append({"ablations": mark.ablations, "surrogate": "first order only", "R²": mark.r2_linear})
        base = alt.Chart(alt.Data(values=rows)).encode(x=alt.X("ablations:Q", title="ablations"))
        scale = alt.Scale(domain=[0, 1], clamp=True)
        line = base.mark_line(point=True).encode(
            y=alt.Y("R²:Q", scale=scale, title="held-out R²"),
            color=alt.Color("surrogate:N", title=None, scale=alt.Scale(range=["#8a8a8a", RAISES])),
            strokeDash=alt.StrokeDash("surrogate:N", legend=None, scale=alt.Scale(range=[[4, 3], [1, 0]])),
            tooltip=["surrogate:N", "ablations:Q", alt.Tooltip("R²:Q", format=".3f")],
        )
        band = (
            base.transform_filter("isValid(datum.low)")
            .mark_area(opacity=0.15, color=RAISES)
            .encode(y=alt.Y("low:Q", scale=scale, title="held-out R²"), y2="high:Q")
        )
        return _offline(alt.layer(band, line).properties(title=f"Faithfulness, {self._result.value}"))

    def energy(self) -> Any:
        """The share of the surrogate's variance at each order."""
        import altair as alt

        shares = energy_shares(self._result.spectrum)
        rows = [{"order": k, "share": share} for k, share in enumerate(shares, 1)]
        return _offline(
            alt.Chart(alt.Data(values=rows), title=f"Energy by order, {self._result.value}")
            .mark_bar(color=RAISES)
            .encode(
                x=alt.X("order:O", title="order", axis=alt.Axis(labelAngle=0)),
                y=alt.Y("share:Q", title="share of the variance", axis=alt.Axis(format="%")),
                tooltip=["order:O", alt.Tooltip("share:Q", format=".1%")],
            )
        )


def _offline(chart: Any) -> Any:
    """The same chart, which a host draws itself where Altair's renderer is its default, which loads scripts."""
    import altair as alt

    kind = type(chart)

    class Offline(kind):  # type: ignore[misc, valid-type]
        def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
            if alt.renderers.active != "default":
                return super()._repr_mimebundle_(*args, **kwargs)
            return {VEGA_LITE: self.to_dict(), "text/plain": repr(self)}

    Offline.__name__ = kind.__name__
    drawn = Offline.__new__(Offline)
    drawn.__dict__.update(chart.__dict__)
    return drawn
