"""What a run takes of its game: the game's work in the run's own batches, and the time that passes beside it."""

from __future__ import annotations

from threading import Lock
from time import perf_counter

from spex_widget.games import Game
from spex_widget.games.work import Work


class Meter:
    """Counts a game's work from batch to batch, and the run's seconds from the first batch on.

    The game's work is looked at when a batch goes out and when it is back, so what is asked of the game between batches
    by others, or was before the run, is not counted; what is asked of it during a batch is. The clock stands while
    there is nothing to evaluate, and while the run waits for a person: from `rest` to the next batch.

    Parameters
    ----------
    game : Game
        What is evaluated. Work that is done in another process is not seen here.
    """

    def __init__(self, game: Game) -> None:
        self._game = game
        self._lock = Lock()  # the worker counts, the publisher reads
        self._work = Work()
        self._seen = Work()
        self._seconds = 0.0
        self._since: float | None = None  # when the seconds were last counted; None while the clock stands
        self._out = False

    def begin(self) -> None:
        """A batch goes out, and no other is out."""
        with self._lock:
            self._seen = self._game.work or Work()
            self._tick()
            self._out = True

    def count(self, out: bool) -> None:
        """A batch is back; whether others are still out."""
        with self._lock:
            if self._out:
                taken = self._game.work or Work()
                self._work += taken - self._seen
                self._seen = taken
                self._tick()
            self._out = out

    def rest(self) -> None:
        """Let the clock stand until a batch goes out again."""
        with self._lock:
            self._tick()
            self._since = None

    def read(self) -> tuple[Work | None, float]:
        """The work of all batches that are back, None where the game does not count it, and in how many seconds."""
        with self._lock:
            if not self._out and self._since is not None:
                self._tick()
            # While a batch is out its work is not known, and so its seconds are not counted yet.
            return self._work if self._game.work is not None else None, self._seconds

    def _tick(self) -> None:
        now = perf_counter()
        self._seconds += 0.0 if self._since is None else now - self._since
        self._since = now
