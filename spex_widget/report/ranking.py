"""A ranking as rows: what is printed, looped over, or made into a data frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from importlib.util import find_spec
from typing import Any, overload

Row = dict[str, Any]

COLUMNS = ("members", "labels", "order", "effect", "low", "high", "kind", "settled", "verified")
"""What each row holds.

`low` and `high` are the ends of a 95 % interval from ablations that the surrogates had not seen, so `effect` may
lie outside of it; None where the result is exact, before the second round, while R² may be 0, and for indices whose
intervals were not found to cover (those of Fourier, BV and BII were). `settled`: for this surrogate and this ablation
it is among the ten largest for sure, see `Snapshot.is_settled`; None where that needs an interval that there is not.
`verified` is None where it was not measured.
"""


_SETTLED = "✓ settled for this surrogate and this ablation"


class Ranking(Sequence[Row]):
    """Interactions, the largest effect first.

    Parameters
    ----------
    rows : sequence of dict
        With the keys `columns`.
    title : str
        What the effects are, in words.
    note : str
        What a reader may miss in the table and why, in words; empty where nothing is.
    """

    columns = COLUMNS
    """tuple of str: what each row holds."""

    def __init__(self, rows: Sequence[Row], title: str, note: str = "") -> None:
        self._rows = list(rows)
        self.title = title
        self.note = note

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> Ranking: ...
    def __getitem__(self, at: int | slice) -> Row | Ranking:
        return type(self)(self._rows[at], self.title, self.note) if isinstance(at, slice) else self._rows[at]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def to_dicts(self) -> list[Row]:
        """The rows as plain dictionaries."""
        return [dict(row) for row in self._rows]

    def to_frame(self, backend: Any = "pandas") -> Any:
        """The rows as a data frame of any library that narwhals can make: "pandas", "polars", "pyarrow", …

        Raises
        ------
        ModuleNotFoundError
            If that library is not installed.
        """
        import narwhals

        if isinstance(backend, str) and find_spec(backend) is None:
            raise ModuleNotFoundError(
                f"{backend} is not installed; name a data-frame library that is, or take to_dicts()", name=backend
            )
        columns = {
            name: [list(row[name]) if isinstance(row[name], tuple) else row[name] for row in self._rows]
            for name in self.columns
        }
        return narwhals.from_dict(columns, backend=backend).to_native()

    def __repr__(self) -> str:
        spans = [_span(row) or "" for row in self._rows]
        wide = max((len(span) + 2 for span in spans if span), default=0)
        lines = [
            f"{i:3d} {_mark(row) or ' '} {row['effect']:+9.4f}  {span:{wide}}{_labels(row)}"
            + (f", {row['verified']}" if row["verified"] else "")
            for i, (row, span) in enumerate(zip(self._rows, spans, strict=True), 1)
        ]
        notes = [_SETTLED] * any(map(_mark, self._rows)) + [self.note] * bool(self.note)
        return "\n".join([self.title, *lines, *notes])

    def _repr_html_(self) -> str:
        cells = {name: [say(row) for row in self._rows] for name, (_, say) in _CELLS.items()}
        # An interval, say, that no row has is no column.
        shown = {name: column for name, column in cells.items() if any(cell is not None for cell in column)}
        looks = [_CELLS[name][0] for name in shown]
        head = "".join(f"<th{look}>{name}</th>" for look, name in zip(looks, shown, strict=True))
        body = ""
        for i, row in enumerate(zip(*shown.values(), strict=True), 1):
            said = "".join(f"<td{look}>{escape(cell or '')}</td>" for look, cell in zip(looks, row, strict=True))
            body += f"<tr><td>{i}</td>{said}</tr>"
        caption = escape(self.title) + (f"<br>{escape(self.note)}" if self.note else "")
        table = f"<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody>"
        return f"<table><caption>{caption}</caption>{table}</table>"


def _labels(row: Row) -> str:
    return " · ".join(row["labels"])


def _mark(row: Row) -> str | None:
    """A mark where it is settled; None where that is not known."""
    return None if row["settled"] is None else "✓" * row["settled"]


def _span(row: Row) -> str | None:
    """The interval, compactly; None where there is none."""
    return None if row["low"] is None else f"{row['low']:+.3f} … {row['high']:+.3f}"


_CELLS: dict[str, tuple[str, Callable[[Row], str | None]]] = {
    "members": (" style='text-align:left'", _labels),
    "order": ("", lambda row: str(row["order"])),
    "effect": ("", lambda row: f"{row['effect']:+.4f}"),
    "95 % interval": (" style='white-space:nowrap'", _span),
    "kind": ("", lambda row: str(row["kind"])),
    "settled": ("", _mark),
    "verified": ("", lambda row: row["verified"]),
}
"""The columns on screen: how each looks, and what it says of a row, None where nothing is known."""
