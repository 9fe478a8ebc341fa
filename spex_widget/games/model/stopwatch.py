"""How long the model itself takes, on its own device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any


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
        """The seconds since this was last asked, of blocks that came to an end; waits for the device to end them, too.

        Raises
        ------
        RuntimeError
            The device's own, where one of its blocks failed; what it was timed by is forgotten all the same.
        """
        seconds, events = self._seconds, self._events
        self._seconds, self._events = 0.0, []
        for begin, end in events:
            end.synchronize()
            seconds += float(begin.elapsed_time(end)) / 1000
        return seconds
