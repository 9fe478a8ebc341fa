"""A run that can be looked at again, without its model: in memory, and as a file.

The file is a zip of arrays as NumPy writes them, one of which holds JSON. Nothing in it is a pickle, and opening it
runs no code.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary
from zipfile import is_zipfile

import numpy as np
import numpy.typing as npt

from spex_widget.snapshot.frame import VERSION as FRAMES
from spex_widget.snapshot.frame import decode, encode
from spex_widget.snapshot.plain import Arrays, from_plain, to_plain
from spex_widget.snapshot.snapshot import STATES, Header, Snapshot
from spex_widget.snapshot.whole import check_path, write_whole
from spex_widget.spectrum.arguments import BoolArray, FloatArray

VERSION = 1
"""Raised whenever older code would misread a file; the frames in it have a version of their own."""

_KIND = "spex_widget recording"


@dataclass(frozen=True, eq=False)
class Recording:
    """What was explained, and the moments of its run.

    Parameters
    ----------
    header : Header
        Of the game; it does not say where the log is, which stays at home when a recording is handed on.
    snapshot : Snapshot
        The last moment, whole: all that a `Result` reads.
    frames : tuple of bytes
        The moments as the page takes them, see `snapshot.frame`; the last is that of the snapshot.
    seconds : tuple of float
        When each was, from the beginning of the run.
    coalitions : ndarray of shape (m, n), bool
        The uniform ablations.
    values : ndarray of shape (m, outputs), float64
        What the model answered, of all outputs.
    """

    header: Header
    snapshot: Snapshot
    frames: tuple[bytes, ...]
    seconds: tuple[float, ...]
    coalitions: BoolArray
    values: FloatArray

    @classmethod
    def of(
        cls,
        header: Header,
        moments: Sequence[tuple[float, Snapshot]],
        coalitions: BoolArray | None = None,
        values: FloatArray | None = None,
    ) -> Recording:
        """Record moments, each with its seconds, oldest first; at least one."""
        none = np.empty((0, len(header.players)), dtype=np.bool_)
        return cls(
            header=replace(header, log=""),
            snapshot=moments[-1][1],
            frames=tuple(_encoded(snapshot) for _, snapshot in moments),
            seconds=tuple(seconds for seconds, _ in moments),
            coalitions=none if coalitions is None else coalitions,
            values=np.empty((0, len(header.outputs))) if values is None else values,
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file; see `write_whole` for what may be wrong with the path."""
        arrays: Arrays = []
        about = {"kind": _KIND, "version": VERSION, "frames": FRAMES, "run": to_plain(self._run(), arrays)}
        members: dict[str, Any] = {f"array_{i}": array for i, array in enumerate(arrays)}
        members |= {"about": _bytes(json.dumps(about).encode()), "frames": _bytes(b"".join(self.frames))}
        file = io.BytesIO()
        np.savez_compressed(file, **members)
        return write_whole(path, file.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Recording:
        """Read a file.

        Raises
        ------
        TypeError
            If the path is none.
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no recording, a broken one, or one of another version.
        """
        content = io.BytesIO(check_path(path).read_bytes())
        try:
            return cls._read(content)
        except _OtherVersion as error:
            raise ValueError(f"{path} {error}") from error
        except Exception as error:  # whatever the bytes lead to, to a person it is one thing
            raise ValueError(f"{path} is no recording of spex_widget, or a broken one: {error}") from error

    @classmethod
    def _read(cls, content: io.BytesIO) -> Recording:
        if not is_zipfile(content):
            raise ValueError("it is no zip of arrays")
        content.seek(0)
        with np.load(content, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            if about["kind"] != _KIND:
                raise ValueError(f"it calls itself {about['kind']!r}")
            if (about["version"], about["frames"]) != (VERSION, FRAMES):
                raise _OtherVersion(about["version"], about["frames"])
            many = sum(name.startswith("array_") for name in file.files)
            run = from_plain(_Run, about["run"], [file[f"array_{i}"] for i in range(many)])
            frames = file["frames"].tobytes()
        ends = np.cumsum([0, *run.lengths]).tolist()
        self = cls(
            header=run.header,
            snapshot=run.snapshot,
            frames=tuple(frames[start:end] for start, end in pairwise(ends)),
            seconds=run.seconds,
            coalitions=run.coalitions,
            values=run.values,
        )
        self._check(len(frames) - ends[-1])
        return self

    def _check(self, unread: int) -> None:
        rows, n, outputs = len(self.coalitions), len(self.header.players), len(self.header.outputs)
        if unread or not self.frames or len(self.frames) != len(self.seconds):
            raise ValueError("its frames are not all there")
        if self.coalitions.shape != (rows, n) or self.values.shape != (rows, outputs):
            raise ValueError("its ablations are not those of its players and outputs")
        if any(not -1 <= player < n for _, player in self.header.pieces):
            raise ValueError("its text speaks of players that it does not have")
        if self.snapshot.state not in STATES or not np.isfinite(self.seconds).all():
            raise ValueError("its moments are none of a run")
        estimate = self.snapshot.estimate
        if estimate is not None and (
            estimate.spectrum.n != n or any(not 0 <= place < outputs for place, _ in estimate.output.terms)
        ):
            raise ValueError("its surrogate is not one of its players and outputs")
        for frame in self.frames:
            decode(frame)

    def _run(self) -> _Run:
        lengths = tuple(map(len, self.frames))
        return _Run(self.header, self.snapshot, lengths, self.seconds, self.coalitions, self.values)


@dataclass(frozen=True, eq=False)
class _Run:
    """A recording as it stands in the file: the frames are in an array of their own."""

    header: Header
    snapshot: Snapshot
    lengths: tuple[int, ...]
    seconds: tuple[float, ...]
    coalitions: BoolArray
    values: FloatArray


class _OtherVersion(Exception):
    def __init__(self, version: Any, frames: Any) -> None:
        super().__init__(
            f"was written by another version of spex_widget: its format is {version} with frames of version {frames}, "
            f"and this version reads {VERSION} with {FRAMES}"
        )


_known: WeakKeyDictionary[Snapshot, bytes] = WeakKeyDictionary()


def _encoded(snapshot: Snapshot) -> bytes:
    # Of thousands of players a frame takes a third of a second, and a run is often saved in more ways than one.
    if snapshot not in _known:
        _known[snapshot] = encode(snapshot)
    return _known[snapshot]


def _bytes(content: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(content, dtype=np.uint8)
