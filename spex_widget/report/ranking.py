"""A ranking as rows: what is printed, looped over, or made into a data frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from importlib.util import find_spec
from typing import Any, overload

Row = dict[str, Any]

COLUMNS = ("members", "labels", "order", "effect", "low", "high", "kind", "settled", "verified")
"""What each row holds. `low` and `high` are None where no honest interval is known; so are `settled`, `verified`."""


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
        lines = [f"{i:3d}  {row['effect']:+9.4f}  {' · '.join(row['labels'])}" for i, row in enumerate(self._rows, 1)]
        return "\n".join([self.title, *lines])

    def _repr_html_(self) -> str:
        head = "<tr><th></th><th style='text-align:left'>members</th><th>order</th><th>effect</th><th>kind</th></tr>"
        rows = "".join(
            f"<tr><td>{i}</td><td style='text-align:left'>{escape(' · '.join(row['labels']))}</td>"
            f"<td>{row['order']}</td><td>{row['effect']:+.4f}</td><td>{escape(row['kind'])}</td></tr>"
            for i, row in enumerate(self._rows, 1)
        )
        return f"<table><caption>{escape(self.title)}</caption><thead>{head}</thead><tbody>{rows}</tbody></table>"
