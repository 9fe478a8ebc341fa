"""Snapshots to whoever watches, a few times a second: the latest wins, the last always arrives."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Condition, Thread

from spex_widget.snapshot import FINAL, Snapshot

_INTERVAL = 0.12  # seconds between snapshots: about 8 a second

_logger = logging.getLogger(__name__)


class Publisher:
    """Delivers snapshots from a thread of its own.

    Parameters
    ----------
    take : callable
        Makes a snapshot of the run as it is now.
    """

    def __init__(self, take: Callable[[], Snapshot]) -> None:
        self._take = take
        self._watchers: list[Callable[[Snapshot], None]] = []
        self._moved = Condition()
        self._due = False
        self._urgent = False
        self._delivering = False

    def subscribe(self, watcher: Callable[[Snapshot], None]) -> None:
        """Call `watcher` with every snapshot that is published, beginning with the present one."""
        with self._moved:
            self._watchers.append(watcher)
        self.notify()

    def notify(self, *, urgent: bool = False) -> None:
        """Say that something has changed; urgent where a person waits for the answer."""
        with self._moved:
            self._due = True
            self._urgent = self._urgent or urgent
            if not self._delivering:
                self._delivering = True
                Thread(target=self._deliver, name="spex-publisher", daemon=True).start()
            self._moved.notify_all()

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until what has changed so far was delivered."""
        with self._moved:
            return self._moved.wait_for(lambda: not self._delivering, timeout)

    def _deliver(self) -> None:
        while True:
            with self._moved:
                self._due = self._urgent = False
                watchers = tuple(self._watchers)
            snapshot = self._take()
            for watcher in watchers:
                try:
                    watcher(snapshot)
                except Exception:
                    _logger.exception("a watcher of the run failed")
            with self._moved:
                # A final snapshot is the last one, so the thread ends with it; notify begins another.
                over = snapshot.state in FINAL
                if not over:
                    self._moved.wait_for(lambda: self._urgent, _INTERVAL)
                    self._moved.wait_for(lambda: self._due)
                elif not self._due:
                    self._delivering = False
                    self._moved.notify_all()
                    return
