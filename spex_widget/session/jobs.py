"""What is to be evaluated next, what is out, and what became of it."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, field

import numpy as np

from spex_widget.algorithms import Algorithm, Batch
from spex_widget.games import NonFiniteValueError, are_finite
from spex_widget.session.evaluator import PROBE, ROUND, Evaluator
from spex_widget.session.floor import AMONG, Repeats, differences
from spex_widget.session.log import AblationLog
from spex_widget.session.meter import Meter
from spex_widget.session.pace import Pace
from spex_widget.spectrum.arguments import BoolArray, FloatArray

_MEASURING = ("verify", "evidence", "floor")
_IN_A_ROW = 4  # batches that a person asks go ahead of a round's, so that a hundred clicks do not stop the run


@dataclass(eq=False)
class Question:
    """What a person asks, and where the answer goes."""

    coalitions: BoolArray
    purpose: str
    answer: Future[FloatArray] = field(default_factory=Future)
    alone: bool = False  # it was asked together with others, and one of them failed


@dataclass(eq=False)
class Job:
    """Coalitions to evaluate together: a batch of a round, what a person asks, or neither, for the noise floor."""

    coalitions: BoolArray
    batch: Batch | None = None
    questions: tuple[Question, ...] = ()
    known: dict[bytes, FloatArray] = field(default_factory=dict)
    began: float = 0.0

    @property
    def purpose(self) -> str:
        """What it is for, as the log says it."""
        return self.questions[0].purpose if self.questions else "floor" if self.batch is None else "uniform"


class Jobs:
    """The queue between an algorithm, an evaluator and the log.

    The session's worker alone calls what changes it, but for `put`.

    What the log already holds of the run is told without being evaluated again.

    Attributes
    ----------
    done : int
        How many uniform ablations are done.
    measured : int
        How many more were done to verify, as evidence, and for the noise floor.
    probed : int
        How many more a person asked for.
    pace : Pace
        How many ablations to submit at a time.
    differences : ndarray of shape (k, outputs)
        By how much repeated values differed, see `noise_floor`.
    """

    def __init__(self, algorithm: Algorithm, log: AblationLog, meter: Meter, repeats: Repeats) -> None:
        self.done = 0
        self.pace = Pace()
        self.measured = sum(log.count(purpose) for purpose in _MEASURING)
        self.differences = differences(log)
        self.probed = log.count("probe")
        self._algorithm = algorithm
        self._log = log
        self._meter = meter
        self._repeats = repeats
        self._asked = 0
        self._paced = 0  # of what has come back at once
        self._since = 0.0  # when something last came back, or went out while nothing was
        self._asides: deque[Question] = deque()
        self._ahead = 0  # of them in a row
        self._again: deque[Job] = deque()
        self._out: dict[Future[FloatArray], Job] = {}
        self._paid: dict[bytes, FloatArray] = {
            row.coalition.tobytes(): row.values
            for row in log.of("uniform")
            if row.status == "ok" and row.values is not None
        }

    @property
    def paid(self) -> int:
        """How many ablations of rounds the log held when the run began, or a failed batch left, and are yet untold."""
        return len(self._paid)

    def floor_is_due(self, ablations: int) -> bool:
        """Whether something is to be evaluated again by so many ablations that has not come back."""
        return self._repeats.waits(min(self.done, ablations))

    def differences_at(self, ablations: int) -> FloatArray:
        """The `differences` of what is evaluated again by so many ablations."""
        return differences(self._log, self._repeats.first(ablations))

    @property
    def out(self) -> int:
        """How many batches are being evaluated."""
        return len(self._out)

    def put(self, coalitions: BoolArray, purpose: str) -> Future[FloatArray]:
        """Put what a person asks ahead of the queue, behind what was asked before."""
        question = Question(coalitions, purpose)
        self._asides.append(question)
        return question.answer

    @property
    def rounds_out(self) -> bool:
        """Whether a batch of a round, or one for the floor, is being evaluated."""
        return any(not job.questions for job in self._out.values())

    def mark_after(self, ablations: int) -> int:
        """The round mark beyond so many ablations."""
        return self._algorithm.mark_after(ablations)

    def rounds_left(self, budget: int) -> bool:
        """Whether there is something of a round, or for the floor, to submit."""
        return (bool(self._again) and budget > 0) or self._asked < budget or self._repeats.due(min(self.done, budget))

    def pending(self, budget: int) -> bool:
        """Whether there is something to submit."""
        return bool(self._asides) or self.rounds_left(budget)

    def abandon(self, error: BaseException) -> None:
        """After a failure beyond the game's: answer what was asked with it, and put the rest back into the queue."""
        for job in self._out.values():
            if not job.questions:
                self._again.append(job)
        asked = [question for job in self._out.values() for question in job.questions]
        for question in [*asked, *self._asides]:
            if not question.answer.done():
                question.answer.set_exception(error)
        self._out.clear()
        self._asides.clear()
        self._meter.count(out=False)

    def next(self, budget: int) -> Job | None:
        """What to submit next: what a person asks, what failed before, or new coalitions as far as the budget goes."""
        if self._asides and not (self._ahead >= _IN_A_ROW and self.rounds_left(budget)):
            self._ahead += 1
            return self._together()
        self._ahead = 0
        if self._again and budget:
            return self._again.popleft()
        if self._repeats.due(min(self.done, budget)):
            return Job(self._repeats.take())
        if self._asked >= budget:
            return None
        batch = self._algorithm.ask(min(self.pace.size, budget - self._asked))
        self._asked += len(batch)
        self._repeats.note(batch.coalitions)
        return Job(batch.coalitions, batch) if len(batch) else None

    def _together(self) -> Job:
        """What a person asks next, with what waits behind it for the same purpose, as far as one batch goes."""
        questions = [self._asides.popleft()]
        rows = len(questions[0].coalitions)
        while self._asides and not questions[-1].alone:
            behind = self._asides[0]
            rows += len(behind.coalitions)
            if behind.alone or behind.purpose != questions[0].purpose or rows > self.pace.size:
                break
            questions.append(self._asides.popleft())
        return Job(np.concatenate([question.coalitions for question in questions]), questions=tuple(questions))

    def submit(self, job: Job, evaluator: Evaluator) -> None:
        """Have a job's coalitions evaluated, but for those that were paid for before."""
        job.began = time.perf_counter()
        if job.purpose == "probe":
            # Contexts are not looked up: they are to be measured.
            try:
                job.known = self._log.find(job.coalitions)
            except Exception as error:
                self._refuse(job, error)
                return
        missing = self._missing(job)
        if not missing.any():
            if job.batch is None:
                self._answer(job)
            else:
                self._tell(job.batch)
            return
        if not self._out:
            self._since = job.began
            self._meter.begin()
        try:
            future = evaluator.submit(job.coalitions[missing], PROBE if job.questions else ROUND)
        except BaseException as error:
            future = Future()
            future.set_exception(error)
        self._out[future] = job

    def settle(self, *, patient: bool) -> list[Exception]:
        """Log and tell what has come back; the errors of rounds.

        Parameters
        ----------
        patient : bool
            Wait until something has come back.
        """
        ready = wait(self._out, None if patient else 0, FIRST_COMPLETED).done if self._out else set()
        errors = []
        share = len(ready) / max(len(self._out), 1)
        for future in ready:
            job = self._out[future]
            error = self._settle(job, future)
            del self._out[future]
            self._meter.count(out=bool(self._out))
            if error is not None:
                errors.append(error)
        if ready:
            now = time.perf_counter()
            if self._paced:
                self.pace.count(self._paced, now - self._since, share)
            self._since, self._paced = now, 0
        return errors

    def _settle(self, job: Job, future: Future[FloatArray]) -> Exception | None:
        error = CancelledError() if future.cancelled() else future.exception()
        values = error.values if isinstance(error, NonFiniteValueError) else None if error else future.result()
        coalitions, batch = job.coalitions[self._missing(job)], job.batch
        seconds = time.perf_counter() - job.began
        self._log.append(coalitions, values, purpose=job.purpose, round=batch.round if batch else 0, seconds=seconds)
        if job.purpose == "floor" or (batch and batch.start < AMONG):  # the run's own value may come after the floor's
            self.differences = differences(self._log)
        if batch is None:
            self.measured += len(coalitions) * (job.purpose in _MEASURING)
            self.probed += len(coalitions) * (job.purpose == "probe")
            if not job.questions:
                if error is not None and not isinstance(error, NonFiniteValueError):  # which it would be again
                    return self._put_back(job, error)
                self._repeats.came_back()
                return None
            if error is not None:
                self._refuse(job, error)
            elif values is not None:
                job.known.update((row.tobytes(), value) for row, value in zip(coalitions, values, strict=True))
                if len(coalitions) >= self.pace.size:  # fewer are too few to tell by
                    self._pace(len(coalitions), seconds)
                self._answer(job)
            return None
        if values is not None:
            finite = are_finite(values)
            paid = zip(coalitions[finite], values[finite], strict=True)
            self._paid.update((coalition.tobytes(), value) for coalition, value in paid)
        if error is not None:
            return self._put_back(job, error)
        self._pace(len(coalitions), seconds)
        self._tell(batch)
        return None

    def _put_back(self, job: Job, error: BaseException) -> Exception:
        self._again.append(job)
        return error if isinstance(error, Exception) else RuntimeError(f"the game raised {error!r}")

    def _answer(self, job: Job) -> None:
        for question in job.questions:
            question.answer.set_result(np.stack([job.known[row.tobytes()] for row in question.coalitions]))

    def _refuse(self, job: Job, error: BaseException) -> None:
        """Of several questions each is asked again alone, so that none fails for another's sake."""
        if len(job.questions) == 1:
            job.questions[0].answer.set_exception(error)
            return
        for question in reversed(job.questions):
            question.alone = True
            self._asides.appendleft(question)

    def _missing(self, job: Job) -> BoolArray:
        """Which of a job's coalitions have no value yet; of equal ones, the first."""
        held = job.known if job.batch is None else self._paid
        seen: set[bytes] = set()
        missing = np.zeros(len(job.coalitions), dtype=np.bool_)
        for i, row in enumerate(job.coalitions):
            key = row.tobytes()
            missing[i] = key not in held and key not in seen
            seen.add(key)
        return missing

    def _tell(self, batch: Batch) -> None:
        self._algorithm.tell(batch, np.stack([self._paid.pop(row.tobytes()) for row in batch.coalitions]))
        self.done += len(batch)

    def _pace(self, rows: int, seconds: float) -> None:
        self.pace.note(rows, seconds)
        self._paced += rows
