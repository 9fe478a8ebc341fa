"""Every ablation that was paid for, in a file, written down before it is used."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from spex_widget.games import Game, are_finite
from spex_widget.session.arguments import check_log
from spex_widget.spectrum.arguments import BoolArray, FloatArray

SCHEMA = 1
"""Raised whenever older code would misread a log."""

PURPOSES = ("uniform", "code", "screen", "floor", "probe", "evidence", "verify")
"""What an ablation was for. Only uniform ones may speak of R², intervals and debiasing."""

_logger = logging.getLogger(__name__)

_LABEL = 40  # characters of a label that an error shows

_AT_A_TIME = 500  # coalitions looked for: an SQLite of old takes no more than 999 values

_COLUMNS = 'round, purpose, status, coalition, "values", seconds'

_FIND = "SELECT coalition, \"values\" FROM ablations WHERE status = 'ok' AND coalition IN ({}) ORDER BY seq"

_TABLES = (
    "CREATE TABLE IF NOT EXISTS header (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    f"""CREATE TABLE IF NOT EXISTS ablations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    round INTEGER NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN {PURPOSES}),
    status TEXT NOT NULL CHECK (status IN ('ok', 'failed')),
    coalition BLOB NOT NULL,
    "values" BLOB,
    seconds REAL NOT NULL
)""",
)


@dataclass(frozen=True, eq=False)
class Row:
    """One ablation as it was logged; values is None where the game raised."""

    seq: int
    round: int
    purpose: str
    status: str
    coalition: BoolArray
    values: FloatArray | None
    seconds: float


class AblationLog:
    """A SQLite file of ablations: a header that says what they are of, and a row each.

    A coalition is kept as packed bits, little end first; values as little-endian float64.

    Parameters
    ----------
    game : Game
        What is ablated.
    seed : int
        The seed of the run.
    path : path-like, optional
        The file; one that exists is continued. By default a new file in the user's cache folder.

    Raises
    ------
    TypeError
        If the path is none.
    ValueError
        If the file is no log, or belongs to another game or seed.
    """

    def __init__(self, game: Game, *, seed: int = 0, path: str | os.PathLike[str] | None = None) -> None:
        check_log(path)
        self._n = game.n
        self._lock = RLock()
        self._open: sqlite3.Connection | None = None
        header = {
            "schema": SCHEMA,
            "fingerprint": game.fingerprint(),
            "seed": seed,
            "players": list(game.players),
            "outputs": list(game.outputs),
            "model": game.model,
            "value": game.value,
            "ablation": game.ablation,
        }
        self.path = Path(path) if path is not None else _new_path(str(header["fingerprint"]))
        try:
            self._begin(header)
        except (sqlite3.Error, OSError, ValueError) as error:
            self.close()
            raise ValueError(f"{self.path} cannot be used as a log of ablations: {error}") from error

    def _begin(self, header: dict[str, Any]) -> None:
        """Make the tables, or see that the file's own are of this game and seed."""
        with self._transaction() as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if tables and "ablations" not in tables:
                raise ValueError(f"it is a database of something else, with the tables {sorted(tables)}")
            for table in _TABLES:
                connection.execute(table)
            found = {k: json.loads(v) for k, v in connection.execute("SELECT key, value FROM header")}
            if not found:
                rows = [(key, json.dumps(value)) for key, value in header.items()]
                connection.executemany("INSERT INTO header VALUES (?, ?)", rows)
        for key in ("schema", "fingerprint", "seed"):
            if found and found.get(key) != header[key]:
                said = f"its {key} is {found.get(key)!r}, and this run's is {header[key]!r}"
                if key == "fingerprint":
                    said = _in_words(found, header)
                raise ValueError(f"{said}; give a log of the same game and seed, or a new path")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one thread at a time; a file that was closed is opened again."""
        with self._lock:
            if self._open is None:
                self._open = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
                _write_ahead(self._open)
            with self._open:
                self._open.execute("BEGIN IMMEDIATE")
                yield self._open

    def append(
        self,
        coalitions: BoolArray,
        values: FloatArray | None,
        *,
        purpose: str,
        round: int = 0,
        seconds: float = 0.0,
    ) -> None:
        """Write a batch down, as one transaction.

        Parameters
        ----------
        coalitions : ndarray of shape (k, n), bool
        values : ndarray of shape (k, outputs), float64, or None
            None where the game raised; rows that are not finite count as failed.
        purpose : str
            One of `PURPOSES`.
        seconds : float
            What the whole batch took; shared out evenly among its rows.
        """
        packed = np.packbits(coalitions, axis=1, bitorder="little")
        each = seconds / max(len(coalitions), 1)
        ok = np.zeros(len(packed), dtype=np.bool_) if values is None else are_finite(values)
        blobs = [None] * len(packed) if values is None else [row.astype("<f8").tobytes() for row in values]
        rows = [
            (round, purpose, "ok" if good else "failed", bits.tobytes(), blob, each)
            for good, bits, blob in zip(ok, packed, blobs, strict=True)
        ]
        with self._transaction() as connection:
            connection.executemany(f"INSERT INTO ablations ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)

    def __iter__(self) -> Iterator[Row]:
        """All rows, oldest first."""
        return self._rows("", ())

    def of(self, purpose: str) -> Iterator[Row]:
        """The rows of one purpose, oldest first."""
        return self._rows("WHERE purpose = ?", (purpose,))

    def repeated(self) -> Iterator[Row]:
        """The rows of rounds and for the floor, oldest first, of coalitions that were evaluated for the floor."""
        floor = "(SELECT coalition FROM ablations WHERE purpose = 'floor')"
        return self._rows(f"WHERE purpose IN ('uniform', 'floor') AND coalition IN {floor}", ())

    def find(self, coalitions: BoolArray) -> dict[bytes, FloatArray]:
        """The values of those coalitions (k, n) that were ever evaluated, by their bytes; of several, the first."""
        packed = np.packbits(coalitions, axis=1, bitorder="little")
        found: dict[bytes, FloatArray] = {}
        for start in range(0, len(packed), _AT_A_TIME):
            part = slice(start, start + _AT_A_TIME)
            asked = {bits.tobytes(): row.tobytes() for bits, row in zip(packed[part], coalitions[part], strict=True)}
            with self._transaction() as connection:
                rows = connection.execute(_FIND.format(", ".join("?" * len(asked))), tuple(asked)).fetchall()
            for bits, blob in rows:
                found.setdefault(asked[bits], np.frombuffer(blob, "<f8").astype(np.float64))
        return found

    def _rows(self, where: str, values: tuple[str, ...]) -> Iterator[Row]:
        with self._transaction() as connection:
            rows = connection.execute(f"SELECT seq, {_COLUMNS} FROM ablations {where} ORDER BY seq", values).fetchall()
        for seq, round_, purpose, status, bits, blob, seconds in rows:
            packed = np.frombuffer(bits, np.uint8)
            coalition = np.unpackbits(packed, count=self._n, bitorder="little").astype(np.bool_)
            numbers = None if blob is None else np.frombuffer(blob, "<f8").astype(np.float64)
            yield Row(seq, round_, purpose, status, coalition, numbers, seconds)

    def __len__(self) -> int:
        with self._transaction() as connection:
            return int(connection.execute("SELECT COUNT(*) FROM ablations").fetchone()[0])

    def count(self, purpose: str) -> int:
        """How many rows are of one purpose."""
        with self._transaction() as connection:
            found = connection.execute("SELECT COUNT(*) FROM ablations WHERE purpose = ?", (purpose,)).fetchone()
            return int(found[0])

    def close(self) -> None:
        """Close the file, so that all of it is in the one file; what is written later opens it again."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None


def _in_words(found: dict[str, Any], header: dict[str, Any]) -> str:
    """What tells the game of a log from this one: a label where labels differ, else what a header does not hold."""
    theirs, ours = (str(each.get("fingerprint"))[:8] for each in (found, header))
    said = f"it is of another game (fingerprint {theirs}…, not {ours}…)"
    for key in ("players", "outputs"):
        old, new = found.get(key, []), header[key]
        if len(old) != len(new):
            return f"{said}, of {len(old):,} {key}, and this one has {len(new):,}"
        for i, (its, this) in enumerate(zip(old, new, strict=True)):
            if its != this:
                return f"{said}: its {key[:-1]} {i} is {_short(its)}, and this one's is {_short(this)}"
    for key in ("model", "value", "ablation"):
        if found.get(key) != header[key]:
            return f"{said}: its {key} is {_short(found.get(key))}, and this one's is {_short(header[key])}"
    return f"{said}: all labels are the same, but not what is behind them (weights, text, code)"


def _short(label: Any) -> str:
    text = str(label)
    return repr(text if len(text) <= _LABEL else text[:_LABEL] + "…")


def _new_path(fingerprint: str) -> Path:
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{fingerprint[:8]}-{uuid.uuid4().hex[:6]}.sqlite"
    folder = user_cache_path("spex_widget")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"{folder} is not writable")
    except OSError as error:
        folder = Path(tempfile.mkdtemp(prefix="spex_widget-"))
        _logger.warning("the cache folder cannot be used (%s); ablations are logged in %s", error, folder)
    return folder / name


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Use the write-ahead log where the file system allows it, else the rollback journal."""
    try:
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    except sqlite3.OperationalError:
        mode = "delete"
    if mode != "wal":
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("PRAGMA synchronous=NORMAL")
