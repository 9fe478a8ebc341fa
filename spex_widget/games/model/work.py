"""What evaluating took: rows, passes, tokens and seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from time import perf_counter
from typing import Any


@dataclass(frozen=True)
class Work:
    """What a game has taken so far; adds up, and what was taken before can be subtracted.

    Parameters
    ----------
    rows : int
        Inputs that were asked for.
    evaluated : int
        Those that went through the model; the others were equal to one of them.
    passes : int
        Passes through the model, or through its encoder or decoder where it has both.
    tokens : int
        Tokens in all passes, each shared prefix counted once.
    padding : int
        Tokens of padding beside them.
    forward_seconds, other_seconds : float
        Time within the model's forward (on a CUDA device the device's own time), and all the rest of a call.

    Examples
    --------
    >>> (Work(rows=3, evaluated=2) + Work(rows=1, evaluated=1)).deduplicated
    1
    >>> (Work(rows=3, evaluated=2) - Work(rows=1, evaluated=1)).rows
    2
    """

    rows: int = 0
    evaluated: int = 0
    passes: int = 0
    tokens: int = 0
    padding: int = 0
    forward_seconds: float = 0.0
    other_seconds: float = 0.0

    @property
    def deduplicated(self) -> int:
        """The rows that were answered without a pass of their own."""
        return self.rows - self.evaluated

    def __add__(self, other: Work) -> Work:
        return Work(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def __sub__(self, other: Work) -> Work:
        return Work(*(getattr(self, field.name) - getattr(other, field.name) for field in fields(self)))


class Stopwatch:
    """Adds up the time within passes: the device's own on CUDA, where a pass has only begun when its call returns."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._events: list[tuple[Any, Any]] = []

    @contextmanager
    def running(self, device: Any) -> Iterator[None]:
        """Time a block on a torch device."""
        import torch

        if device.type == "cuda":
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            stream = torch.cuda.current_stream(device)
            begin.record(stream)
            yield
            end.record(stream)
            self._events.append((begin, end))
        else:
            began = perf_counter()
            yield
            self._seconds += perf_counter() - began

    def take(self) -> float:
        """The seconds since this was last asked; all blocks must have ended on the device, too."""
        seconds = self._seconds
        seconds += sum(float(begin.elapsed_time(end)) for begin, end in self._events) / 1000
        self._seconds, self._events = 0.0, []
        return seconds
