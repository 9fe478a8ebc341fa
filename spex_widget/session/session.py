"""A run: it turns the crank off the main thread, and a person may reach in at any time."""

from __future__ import annotations

import atexit
import math
import os
import time
from collections.abc import Callable
from threading import Condition, Thread
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from spex_widget.algorithms import Estimate, Output
from spex_widget.games import Game
from spex_widget.report import Result
from spex_widget.session.arguments import check_arguments, check_budget
from spex_widget.session.evaluator import Evaluator, InlineEvaluator
from spex_widget.session.jobs import Jobs
from spex_widget.session.log import AblationLog
from spex_widget.session.publisher import Publisher
from spex_widget.snapshot import FINAL, Header, Snapshot
from spex_widget.spectrum.arguments import FloatArray, check_coalitions, check_count

_PATIENCE = 10.0  # seconds to wait for a batch or a fit when the interpreter exits

_running: WeakSet[Session] = WeakSet()


@atexit.register
def _leave_all() -> None:
    for session in tuple(_running):
        session._leave()


class Session:
    """Explains a game: ablates its players in rounds, learns a surrogate, publishes snapshots.

    It starts at once, in threads of its own: one evaluates, one fits, one publishes.

    Parameters
    ----------
    game : Game
        What is explained.
    budget : int, optional
        How many ablations, at least 2; where it reaches 2^n every coalition is evaluated and the result is exact.
        By default `default_budget(game.n)`.
    algorithm : {"proxyspex"}
        How coalitions are chosen and the surrogate is learnt.
    refine : {"auto", "lasso"}
        How the proxy's proposals become a surrogate.
    seed : int
        Decides, with the game's values, everything that is estimated.
    log : path-like, optional
        Where the ablations are kept; one that exists is continued. By default a new file in the user's cache folder.
    evaluator : Evaluator, optional
        Who evaluates; the session's own worker thread by default.

    Attributes
    ----------
    error : Exception or None
        Why the run failed.
    log : AblationLog
        All that was paid for.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or out of range.

    Examples
    --------
    >>> from spex_widget.games import FunctionGame
    >>> session = Session(FunctionGame(lambda x: 1.0 * (x[:, 0] & x[:, 1]), 3), log=getfixture("tmp_path") / "log")
    >>> session.wait()
    >>> session.result.ranking()[0]["members"], session.result.exact
    ((0, 1), True)
    """

    def __init__(
        self,
        game: Game,
        *,
        budget: int | None = None,
        algorithm: str = "proxyspex",
        refine: str = "auto",
        seed: int = 0,
        log: str | os.PathLike[str] | None = None,
        evaluator: Evaluator | None = None,
    ) -> None:
        make = check_arguments(game, algorithm, refine, evaluator)
        self._budget = check_budget(budget, game.n)
        self.game = game
        self.seed = check_count(seed, "seed", 0)
        self._algorithm = make(game.n, seed=self.seed)
        self.log = AblationLog(game, seed=self.seed, path=log)
        self.header = Header.of(game, log=str(self.log.path))
        self.error: Exception | None = None
        self._evaluator = evaluator or InlineEvaluator(game)
        self._moved = Condition()  # guards all that follows
        self._state = "running"
        self._output = Output(label=game.outputs[0])
        self._estimate: Estimate | None = None
        self._seq = 0
        self._turns = 0
        self._jobs = Jobs(self._algorithm, self.log)
        if budget is None:
            # A log that is continued may hold more than the usual budget, all paid for.
            self._budget = min(max(self._budget, self._jobs.paid), 1 << game.n)
        self._worker: Thread | None = None
        self._fitter: Thread | None = None
        self._publisher = Publisher(self.snapshot)
        self._leaving = False
        _running.add(self)
        self._start()

    # What a person reads ------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """One of `snapshot.STATES`."""
        return self._state

    @property
    def ablations(self) -> int:
        """How many uniform ablations are done."""
        return self._jobs.done

    @property
    def budget(self) -> int:
        """How many ablations there may be; at most 2^n."""
        return self._budget

    @property
    def result(self) -> Result:
        """What is known now.

        Raises
        ------
        RuntimeError
            If no round has ended yet.
        """
        return Result(self.header, self.snapshot())

    def snapshot(self) -> Snapshot:
        """The run at this moment."""
        with self._moved:
            self._seq += 1
            return Snapshot(
                seq=self._seq,
                state=self._state,
                reason=self._reason(),
                ablations=self._jobs.done,
                budget=self._budget,
                rate=self._jobs.rate,
                turns=self._turns,
                estimate=self._estimate,
            )

    def subscribe(self, watcher: Callable[[Snapshot], None]) -> None:
        """Call `watcher` with snapshots as they are published, from the publisher's thread."""
        self._publisher.subscribe(watcher)

    # What a person does -------------------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run has ended. It can be interrupted, and the run goes on.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Raises
        ------
        TimeoutError
            If the run has not ended by then; it goes on.
        Exception
            What the game raised, if it did. What was evaluated until then stays in `result` and in the log.
        """
        if timeout is not None and not isinstance(timeout, (int, float)):
            raise TypeError(f"timeout must be seconds, got {timeout!r}")
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        with self._moved:
            while self._state not in FINAL or self._fitter is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"the run is {self._state} after {timeout} s: {self._jobs.done} ablations done")
                # In slices, since an endless wait cannot be interrupted on Windows.
                self._moved.wait(min(left, 0.5))
            error = self.error
        self._publisher.drain(5.0)
        if error is not None:
            raise error

    def pause(self) -> None:
        """Evaluate nothing more until `resume`, once the batch under way has ended."""
        self._turn({"running": "paused"})

    def resume(self) -> None:
        """Go on after a pause, a stop, or a failure (what failed is tried again)."""
        self._turn({"paused": "running", "stopping": "running", "stopped": "running", "failed": "running"})

    def stop(self) -> None:
        """End at the batch boundary and keep what is known."""
        self._turn({"running": "stopping", "paused": "stopping"})

    def add_budget(self, ablations: int) -> None:
        """Allow more ablations; a run that has ended goes on.

        Raises
        ------
        ValueError
            If it is less than 1.
        """
        more = check_count(ablations, "ablations to add", 1)
        with self._moved:
            self._budget = min(self._budget + more, 1 << self.game.n)
            self._turn(dict.fromkeys(("stopping", *FINAL), "running"))

    def select(self, output: int | str) -> None:
        """Explain another output, from the same ablations.

        Raises
        ------
        ValueError
            If there is no such output.
        """
        labels = self.game.outputs
        index = labels.index(output) if isinstance(output, str) and output in labels else output
        if not isinstance(index, (int, np.integer)) or not 0 <= index < len(labels):
            raise ValueError(f"output must be one of {list(labels)} or its position, got {output!r}")
        with self._moved:
            self._output = Output(((int(index), 1.0),), labels[index])
            self._start_fitter()
            self._turn({})

    def probe(self, coalition: npt.ArrayLike) -> FloatArray:
        """Ask the model itself, ahead of the queue.

        Parameters
        ----------
        coalition : array_like of shape (n,) or (k, n), bool

        Returns
        -------
        ndarray of shape (outputs,) or (k, outputs), float64
            Logged, but kept out of the surrogate and of R².
        """
        rows = check_coalitions(coalition, self.game.n)
        with self._moved:
            answer = self._jobs.probe(rows)
            self._start_worker()
        values = answer.result()
        return values[0] if np.ndim(coalition) == 1 else values

    # The crank ----------------------------------------------------------------------------------------------------

    def _turn(self, states: dict[str, str]) -> None:
        """Obey a person: from these states to those, from any other to itself."""
        with self._moved:
            self._turns += 1
            state = states.get(self._state, self._state)
            if state == "running" and self._state != "running":
                self.error = None
            self._state = state
            if state not in FINAL:
                self._start()
            self._moved.notify_all()
        self._publisher.notify(urgent=True)

    def _start(self) -> None:
        with self._moved:
            self._start_worker()
            self._start_fitter()

    def _start_worker(self) -> None:
        if self._worker is None:
            self._worker = Thread(target=self._evaluate, name="spex-worker", daemon=True)
            self._worker.start()
        self._moved.notify_all()

    def _start_fitter(self) -> None:
        if self._fitter is None:
            self._fitter = Thread(target=self._fit, name="spex-fitter", daemon=True)
            self._fitter.start()

    def _evaluate(self) -> None:
        """Submit, settle, until there is nothing more to evaluate: the worker."""
        try:
            while self._more_to_evaluate():
                job = None
                if self._jobs.out < self._evaluator.slots:
                    # Not under the lock: drawing coalitions may take its time.
                    job = self._jobs.next(self._allowed())
                if job is not None:
                    self._jobs.submit(job, self._evaluator)
                # While there is room for more, only take what is ready; else wait for something to be.
                for error in self._jobs.settle(patient=job is None):
                    self._fail(error)
                with self._moved:
                    self._moved.notify_all()
                self._publisher.notify()
        except BaseException as error:  # the log's disk is full, say: a run must not hang for it
            with self._moved:
                self._worker = None
                self._jobs.abandon(error)
                self._fail(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    def _allowed(self) -> int:
        return self._budget if self._state == "running" else 0

    def _more_to_evaluate(self) -> bool:
        """Wait until there is something to submit or settle; False, and no worker any more, where nothing will be."""
        with self._moved:
            while not (self._jobs.out or self._jobs.pending(self._allowed())):
                if self._state != "paused" or self._jobs.done >= self._budget:
                    self._worker = None
                    self._close_log()
                    self._moved.notify_all()
                    return False
                self._moved.wait()
            return True

    def _close_log(self) -> None:
        if self._worker is None and self._fitter is None:
            self.log.close()

    def _leave(self) -> None:
        """Have the threads end now, as the interpreter is about to: native code must not be cut off in the middle."""
        with self._moved:
            self._leaving = True
            if self._state not in FINAL:
                self._state = "stopping"
            threads = [thread for thread in (self._worker, self._fitter) if thread is not None]
            self._moved.notify_all()
        for thread in threads:
            thread.join(_PATIENCE)

    def _fit(self) -> None:
        while not self._leaving:
            with self._moved:
                known = self._jobs.done, self._output
            try:
                estimate = self._algorithm.advance(known[1])
                over = estimate is None and self._nothing_beyond(known)
                if over:
                    estimate = self._algorithm.finish(known[1])
            except Exception as error:
                self._fail(error)
                estimate, over = None, self._nothing_beyond(known)
            with self._moved:
                self._estimate = estimate or self._estimate
                if over and self._worker is None and known == (self._jobs.done, self._output):
                    if self.error is not None:
                        self._state = "failed"
                    elif self._state not in FINAL:
                        self._state = "stopped" if self._state == "stopping" else "done"
                    self._fitter = None
                    self._close_log()
                    self._moved.notify_all()
                    self._publisher.notify(urgent=True)
                    return
            self._publisher.notify()

    def _nothing_beyond(self, known: tuple[int, Output]) -> bool:
        """Wait until there is more to learn from than is known; True where nothing more will come."""
        with self._moved:
            self._moved.wait_for(
                lambda: self._leaving or self._worker is None or known != (self._jobs.done, self._output)
            )
            return not self._leaving and known == (self._jobs.done, self._output)

    def _fail(self, error: Exception) -> None:
        with self._moved:
            self.error = self.error or error
            self._state = "failed" if self._state in FINAL else "stopping"
            self._moved.notify_all()

    def _reason(self) -> str:
        if self.error is not None:
            return f"{type(self.error).__name__}: {self.error}"
        if self._state == "done":
            return "every coalition was evaluated" if self._budget == 1 << self.game.n else "the budget is spent"
        if self._state == "stopped":
            return "stopped by you"
        return ""
