"""A ranking as rows: what is printed, looped over, or made into a data frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from importlib.util import find_spec
from typing import Any, overload

Row = dict[str, Any]

COLUMNS = ("members", "labels", "order", "effect", "low", "high", "kind", "settled", "verified")
"""What each row holds.

`low` and `high` are the ends of a 95 % interval from ablations that the surrogates had not seen, so `effect` may
lie outside of it; None where the result is exact, before the second round, and for indices whose intervals were
not found to cover (those of Fourier, BV and BII were). `settled`: for this surrogate and this ablation it is among
the ten largest for sure, see `Snapshot.is_settled`; None where that needs an interval that there is not.
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
    """

    columns = COLUMNS
    """tuple of str: what each row holds."""

    def __init__(self, rows: Sequence[Row], title: str) -> None:
        self._rows = list(rows)
        self.title = title

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> Ranking: ...
    def __getitem__(self, at: int | slice) -> Row | Ranking:
        return type(self)(self._rows[at], self.title) if isinstance(at, slice) else self._rows[at]

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
        wide = max((len(_span(row)) + 2 for row in self._rows if _span(row)), default=0)
        lines = [
            f"{i:3d} {_mark(row) or ' '} {row['effect']:+9.4f}  {_span(row):{wide}}{_labels(row)}"
            + (f", {row['verified']}" if row["verified"] else "")
            for i, row in enumerate(self._rows, 1)
        ]
        return "\n".join([self.title, *lines, *([_SETTLED] if any(map(_mark, self._rows)) else [])])

    def _repr_html_(self) -> str:
        verified = any(row["verified"] for row in self._rows)
        names = "<th></th><th style='text-align:left'>members</th><th>order</th><th>effect</th><th>95 % interval</th>"
        head = f"<tr>{names}<th>kind</th><th>settled</th>{'<th>verified</th>' if verified else ''}</tr>"
        rows = "".join(
            f"<tr><td>{i}</td><td style='text-align:left'>{escape(_labels(row))}</td><td>{row['order']}</td>"
            f"<td>{row['effect']:+.4f}</td><td style='white-space:nowrap'>{_span(row)}</td>"
            f"<td>{escape(row['kind'])}</td><td>{_mark(row)}</td>"
            + (f"<td>{row['verified'] or ''}</td></tr>" if verified else "</tr>")
            for i, row in enumerate(self._rows, 1)
        )
        return f"<table><caption>{escape(self.title)}</caption><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _labels(row: Row) -> str:
    return " · ".join(row["labels"])


def _mark(row: Row) -> str:
    return "✓" if row["settled"] else ""


def _span(row: Row) -> str:
    """The interval, compactly; empty where there is none."""
    return "" if row["low"] is None else f"{row['low']:+.3f} … {row['high']:+.3f}"
