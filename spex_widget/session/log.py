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
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

import numpy as np
from platformdirs import user_cache_path

from spex_widget.games import Game
from spex_widget.spectrum.sparse import BoolArray, FloatArray

SCHEMA = 1
"""Raised whenever older code would misread a log."""

PURPOSES = ("uniform", "code", "screen", "floor", "probe", "evidence", "verify")
"""What an ablation was for. Only uniform ones may speak of R², intervals and debiasing."""

_logger = logging.getLogger(__name__)

_COLUMNS = 'round, purpose, status, coalition, "values", seconds'

_TABLES = f"""
CREATE TABLE IF NOT EXISTS header (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ablations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    round INTEGER NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN {PURPOSES}),
    status TEXT NOT NULL CHECK (status IN ('ok', 'failed')),
    coalition BLOB NOT NULL,
    "values" BLOB,
    seconds REAL NOT NULL
);
"""


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
    ValueError
        If the file is no log, or belongs to another game or seed.
    """

    def __init__(self, game: Game, *, seed: int = 0, path: str | os.PathLike[str] | None = None) -> None:
        self._n = game.n
        self._lock = RLock()
        fingerprint = game.fingerprint()
        self.path = Path(path) if path is not None else _new_path(fingerprint)
        header = {
            "schema": SCHEMA,
            "fingerprint": fingerprint,
            "seed": seed,
            "players": list(game.players),
            "outputs": list(game.outputs),
            "model": game.model,
            "value": game.value,
            "ablation": game.ablation,
        }
        try:
            self._connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
            _write_ahead(self._connection)
            self._connection.executescript(_TABLES)
            found = {k: json.loads(v) for k, v in self._connection.execute("SELECT key, value FROM header")}
        except sqlite3.Error as error:
            raise ValueError(f"{self.path} cannot be opened as a log of ablations: {error}") from error
        if not found:
            rows = [(key, json.dumps(value)) for key, value in header.items()]
            self._connection.executemany("INSERT INTO header VALUES (?, ?)", rows)
        for key in ("schema", "fingerprint", "seed"):
            if found and found.get(key) != header[key]:
                self.close()
                raise ValueError(
                    f"{self.path} is a log with the {key} {found.get(key)!r}, this run has {header[key]!r}; "
                    "give a log of the same game and seed, or a new path"
                )

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
        rows = []
        for i, bits in enumerate(packed):
            row = None if values is None else values[i]
            ok = row is not None and bool(np.isfinite(row).all())
            blob = None if row is None else row.astype("<f8").tobytes()
            rows.append((round, purpose, "ok" if ok else "failed", bits.tobytes(), blob, each))
        with self._lock:
            self._connection.execute("BEGIN")
            self._connection.executemany(
                f"INSERT INTO ablations ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
            self._connection.execute("COMMIT")

    def __iter__(self) -> Iterator[Row]:
        """All rows, oldest first."""
        with self._lock:
            rows = self._connection.execute(f"SELECT seq, {_COLUMNS} FROM ablations ORDER BY seq").fetchall()
        for seq, round_, purpose, status, bits, blob, seconds in rows:
            packed = np.frombuffer(bits, np.uint8)
            coalition = np.unpackbits(packed, count=self._n, bitorder="little").astype(np.bool_)
            values = None if blob is None else np.frombuffer(blob, "<f8").astype(np.float64)
            yield Row(seq, round_, purpose, status, coalition, values, seconds)

    def __len__(self) -> int:
        with self._lock:
            return int(self._connection.execute("SELECT COUNT(*) FROM ablations").fetchone()[0])

    def close(self) -> None:
        """Close the file; what was written stays."""
        self._connection.close()


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
