"""A ranking as rows: what is printed, looped over, or made into a data frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from importlib.util import find_spec
from types import ModuleType
from typing import Any, overload

from spex_widget.report.numbers import effect_format

Row = dict[str, Any]

COLUMNS = ("members", "labels", "order", "effect", "low", "high", "kind", "settled", "verified")
"""What each row holds.

`labels` are the players' own, `numbered` where several are the same. `low` and `high` are the ends of a 95 % interval
from ablations that the surrogates had not seen, so `effect` may lie outside of it; None where the result is exact,
before the second round, while R² may be 0, and for indices whose intervals were not found to cover (those of Fourier,
BV and BII were). `settled`: for this surrogate and this ablation it is among the ten largest for sure, see
`Snapshot.is_settled`; None where that needs an interval that there is not. `verified` is None where it was not
measured.
"""


MOST_SHOWN = 50
"""Rows that are printed, however many there are."""

_SETTLED = "✓ settled for this surrogate and this ablation"


def numbered(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels, of which those that stand there several times are told apart by a number, from 1 in their order.

    Examples
    --------
    >>> numbered(["love", " me", " love"])
    ('love (1)', ' me', ' love (2)')
    """
    names = [label.strip() for label in labels]
    several, seen = Counter(names), Counter[str]()
    said = []
    for label, name in zip(labels, names, strict=True):
        seen[name] += 1
        said.append(f"{label.rstrip()} ({seen[name]})" if several[name] > 1 else label)
    return tuple(said)


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
        TypeError
            If it is neither a name nor what else narwhals takes: a module, or one of its `Implementation`.
        ModuleNotFoundError
            If that library is not installed.
        """
        import narwhals

        kinds: tuple[Any, ...] = (str, ModuleType, narwhals.Implementation)
        if not isinstance(backend, kinds):
            raise TypeError(f"backend must name a data-frame library, as in 'pandas', got {backend!r}")
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
        cells = _cells(self._rows[:MOST_SHOWN])
        spans = [span or "" for span in cells["95 % interval"]]
        wide = max((len(span) + 2 for span in spans if span), default=0)
        size = max((9, *(len(effect or "") for effect in cells["effect"])))
        columns = zip(cells["settled"], cells["effect"], spans, cells["members"], cells["verified"], strict=True)
        lines = [
            f"{i:3d} {mark or ' '} {effect:>{size}}  {span:{wide}}{members}" + (f", {verified}" if verified else "")
            for i, (mark, effect, span, members, verified) in enumerate(columns, 1)
        ]
        notes = [_SETTLED] * any(cells["settled"]) + [self.note] * bool(self.note)
        return "\n".join([self.title, *lines, *self._rest(), *notes])

    def _repr_html_(self) -> str:
        # An interval, say, that no row has is no column.
        cells = _cells(self._rows[:MOST_SHOWN])
        shown = {name: column for name, column in cells.items() if any(cell is not None for cell in column)}
        looks = [_STYLES.get(name, "") for name in shown]
        head = "".join(f"<th{look}>{name}</th>" for look, name in zip(looks, shown, strict=True))
        body = ""
        for i, row in enumerate(zip(*shown.values(), strict=True), 1):
            said = "".join(f"<td{look}>{escape(cell or '')}</td>" for look, cell in zip(looks, row, strict=True))
            body += f"<tr><td>{i}</td>{said}</tr>"
        body += "".join(f"<tr><td colspan='{len(shown) + 1}'{_LEFT}>{rest}</td></tr>" for rest in self._rest())
        caption = escape(self.title) + (f"<br>{escape(self.note)}" if self.note else "")
        table = f"<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody>"
        return f"<table><caption>{caption}</caption>{table}</table>"

    def _rest(self) -> list[str]:
        """What stands below the rows that are printed."""
        more = len(self) - MOST_SHOWN
        return ["none"] if not self._rows else [f"… and {more:,} more"] if more > 0 else []


def _cells(rows: Sequence[Row]) -> dict[str, list[str | None]]:
    """The columns on screen: what each says of every row, None where nothing is known."""
    effects = [row["effect"] for row in rows]
    effect, end = effect_format(effects), effect_format(effects, 4)
    return {
        "members": [" · ".join(" ".join(label.split()) for label in row["labels"]) for row in rows],
        "order": [str(row["order"]) for row in rows],
        "effect": [format(row["effect"], effect) for row in rows],
        "95 % interval": [None if row["low"] is None else f"{row['low']:{end}} … {row['high']:{end}}" for row in rows],
        "kind": [str(row["kind"]) for row in rows],
        "settled": [None if row["settled"] is None else "✓" * row["settled"] for row in rows],
        "verified": [row["verified"] for row in rows],
    }


_LEFT = " style='text-align:left'"
_STYLES = {"members": _LEFT, "95 % interval": " style='white-space:nowrap'"}
