"""What turns a run: one thread evaluates, another estimates."""

from __future__ import annotations

import atexit
from concurrent.futures import CancelledError, Future
from threading import Event, Thread
from weakref import WeakSet

import numpy as np

from spex_widget.algorithms import Algorithm, Output
from spex_widget.games import Game
from spex_widget.session.evaluator import Evaluator
from spex_widget.session.log import AblationLog
from spex_widget.session.publisher import Publisher
from spex_widget.session.run import Run
from spex_widget.snapshot import FINAL
from spex_widget.spectrum.arguments import BoolArray, FloatArray

_PATIENCE = 10.0  # seconds to wait for a batch or a fit when the interpreter exits

_cranks: WeakSet[Crank] = WeakSet()


@atexit.register
def _leave_all() -> None:
    for crank in tuple(_cranks):
        crank.leave()


class Crank:
    """The worker, which evaluates, and the fitter, which estimates.

    Each ends when there is nothing to do, and is begun again by `start` or its own starter: the worker may outlast the
    run, for what a person asks. When both have ended, the log is closed.

    Parameters
    ----------
    run : Run
        What they work on, under its lock.
    game : Game
        What is evaluated, which does not change while the worker works.
    algorithm : Algorithm
        What estimates.
    evaluator : Evaluator
        Who evaluates.
    log : AblationLog
        What is closed at the end.
    publisher : Publisher
        What is told of every change.
    """

    def __init__(
        self, run: Run, game: Game, algorithm: Algorithm, evaluator: Evaluator, log: AblationLog, publisher: Publisher
    ) -> None:
        self._run = run
        self._game = game
        self._algorithm = algorithm
        self._evaluator = evaluator
        self._log = log
        self._publisher = publisher
        self._worker: Thread | None = None  # these four are under the run's lock
        self._fitter: Thread | None = None
        self._leaving = False
        self._on_rounds = False  # whether the worker may be at a round's batches until it looks again
        _cranks.add(self)

    @property
    def fitting(self) -> bool:
        """Whether a newer estimate may come."""
        return self._fitter is not None

    def start(self) -> None:
        """Have both threads running."""
        with self._run.moved:
            self.start_worker()
            self.start_fitter()

    def start_worker(self) -> None:
        """Have the thread running that evaluates."""
        with self._run.moved:
            if self._worker is None and not self._leaving:
                self._worker = Thread(target=self._work, name="spex-worker", daemon=True)
                self._worker.start()
            self._run.moved.notify_all()

    def start_fitter(self) -> None:
        """Have the thread running that estimates."""
        with self._run.moved:
            if self._fitter is None and not self._leaving:
                self._fitter = Thread(target=self._fit, name="spex-fitter", daemon=True)
                self._fitter.start()
            self._run.moved.notify_all()

    def ask(self, coalitions: BoolArray, purpose: str, stopped: Event | None = None) -> FloatArray:
        """Have the model answer, ahead of the queue but in batches, so that another may ask in between.

        Parameters
        ----------
        stopped : Event, optional
            Once it is set there is a CancelledError at the batch boundary.
        """
        answers: list[FloatArray] = []
        done = 0
        while not answers or done < len(coalitions):
            if stopped is not None and stopped.is_set():
                raise CancelledError("stopped by you")
            answers.append(self.put(coalitions[done : done + self._run.jobs.pace.size], purpose).result())
            done += len(answers[-1])
        return np.concatenate(answers)

    def put(self, coalitions: BoolArray, purpose: str) -> Future[FloatArray]:
        """Have the model answer, ahead of the queue and in one batch; CancelledError where the interpreter exits."""
        with self._run.moved:
            if self._leaving:
                raise CancelledError("the interpreter exits")
            answer = self._run.jobs.put(coalitions, purpose)
            self.start_worker()
        return answer

    def leave(self) -> None:
        """Have the threads end now, as the interpreter is about to: native code must not be cut off in the middle."""
        with self._run.moved:
            self._leaving = True
            if self._run.state not in FINAL:
                self._run.state = "stopping"
            threads = [thread for thread in (self._worker, self._fitter) if thread is not None]
            self._run.moved.notify_all()
        for thread in threads:
            thread.join(_PATIENCE)

    # The worker ---------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        with self._game.unchanged():
            self._evaluate()

    def _evaluate(self) -> None:
        """Submit, settle, until there is nothing more to evaluate."""
        run, jobs = self._run, self._run.jobs
        try:
            while (allowed := self._next_turn()) is not None:
                job = None
                if jobs.out < self._evaluator.slots:
                    # Not under the lock: drawing coalitions may take its time.
                    job = jobs.next(allowed)
                if job is not None:
                    jobs.submit(job, self._evaluator)
                # While there is room for more, only take what is ready; else wait for something to be.
                for error in jobs.settle(patient=job is None):
                    run.fail(error)
                self._publisher.notify()
        except BaseException as error:  # the log's disk is full, say: a run must not hang for it
            with run.moved:
                jobs.abandon(error)
                run.fail(error)
                self._end_worker()

    def _next_turn(self) -> int | None:
        """Wait until there is something to submit or settle, and say of what budget.

        None, and no worker any more, where nothing will be.
        """
        run, jobs = self._run, self._run.jobs
        with run.moved:
            while True:
                allowed = run.allowed
                # Said before anything is drawn, which is not under the lock, so that no end comes in between.
                self._on_rounds = jobs.rounds_out or jobs.rounds_left(allowed)
                run.moved.notify_all()
                if jobs.out or jobs.pending(run.due):
                    return run.due
                if self._held_up:
                    run.meter.rest()
                elif not jobs.rounds_left(allowed):
                    self._end_worker()
                    return None
                run.moved.wait()

    def _end_worker(self) -> None:
        """Let the clock stand: a model that nothing is asked of is not idle, however long a last fit takes."""
        self._worker = None
        self._run.meter.rest()
        self._close_log()

    @property
    def _held_up(self) -> bool:
        """Whether a pause is all that keeps the rounds from going on."""
        return self._run.state == "paused" and self._run.jobs.rounds_left(self._run.budget)

    # The fitter ---------------------------------------------------------------------------------------------------

    def _fit(self) -> None:
        """Close round after round, and estimate in full when nothing more will come."""
        run = self._run
        while not self._leaving:
            with run.moved:
                ablations, output = known = run.known
            estimate, over = None, False
            try:
                estimate = self._algorithm.advance(output, ablations)
                if estimate is not None:
                    run.judge(estimate)
                elif over := self._nothing_beyond(known):
                    estimate = self._algorithm.finish(output, ablations)
            except BaseException as error:  # whatever it is, whoever waits must be told
                run.fail(error)
                over = self._nothing_beyond(known)
            with run.moved:
                if estimate is not None:
                    run.learn(estimate)
                if over and self._rounds_over and known == run.known:
                    self._fitter = None
                    self._close_log()
                    run.end()
                    self._publisher.notify(urgent=True)
                    return
            self._publisher.notify()

    def _nothing_beyond(self, known: tuple[int, Output]) -> bool:
        """Wait until there is more to learn from than is known; True where nothing more will come."""
        run = self._run
        with run.moved:
            run.moved.wait_for(lambda: self._leaving or self._rounds_over or known != run.known)
            return not self._leaving and known == run.known

    @property
    def _rounds_over(self) -> bool:
        """Whether the rounds bring no more as things stand; what a person asks, or has verified, may go on."""
        rounds = self._on_rounds or self._held_up or self._run.jobs.rounds_left(self._run.allowed)
        return self._worker is None or not rounds

    def _close_log(self) -> None:
        """Once both have ended: nothing goes on until a person asks for more."""
        if self._worker is None and self._fitter is None:
            self._log.close()
