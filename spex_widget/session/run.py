"""What is true of a run at this moment, and the one lock around it."""

from __future__ import annotations

from dataclasses import replace
from threading import Condition
from time import monotonic

from spex_widget.algorithms import Estimate, Output
from spex_widget.session.answers import Answers
from spex_widget.session.floor import noise_floor
from spex_widget.session.history import History
from spex_widget.session.jobs import Jobs
from spex_widget.session.meter import Meter
from spex_widget.session.rules import StopRules
from spex_widget.snapshot import FINAL, Measured, Snapshot, Verifying


class Run:
    """The facts of a run: the crank and the person change them, everyone reads them.

    Parameters
    ----------
    jobs : Jobs
        What is evaluated.
    meter : Meter
        What that takes.
    output : Output
        What is explained.
    budget : int
        How many ablations there may be.
    all : int
        How many coalitions there are.
    rules : StopRules
        What may end it before the budget is spent.
    answers : Answers
        What the model has answered to a person.
    before : int
        How many ablations a person has spent on the game before, which snapshots count with the run's own.

    Attributes
    ----------
    moved : Condition
        Guards all that follows, and is notified when any of it changes.
    state : str
        One of `snapshot.STATES`.
    estimate : Estimate or None
        What the algorithm knows.
    error : Exception or None
        Why the run failed.
    """

    def __init__(
        self,
        jobs: Jobs,
        meter: Meter,
        output: Output,
        budget: int,
        all: int,
        rules: StopRules,
        answers: Answers,
        before: int,
    ) -> None:
        self.jobs = jobs
        self.meter = meter
        self.answers = answers
        self.all = all
        self.before = before
        self.moved = Condition()
        self.state = "running"
        self.output = output
        self.budget = budget
        self.estimate: Estimate | None = None
        self.error: Exception | None = None
        self._index: tuple[str, int | None] = ("BII", None)
        self._rules = rules
        self._ruled = ""
        self._began = monotonic()
        self._judged_from = 0
        self._judged: dict[Output, int] = {}  # at how many ablations last
        self._measured: dict[Output, dict[tuple[int, ...], Measured]] = {}
        self._verifying = Verifying()
        self._seq = 0
        self._turns = 0
        self._history = History()
        self._remember()

    @property
    def allowed(self) -> int:
        """How many ablations there may be as things stand; none while the run does not go on."""
        return self.budget if self.state == "running" else 0

    @property
    def due(self) -> int:
        """How many of them before it is known whether more are needed: up to the next mark, where a rule may end it."""
        if not self._rules.ask_enough:
            return self.allowed
        return min(self.allowed, self.jobs.mark_after(self._judged.get(self.output, 0)))

    @property
    def known(self) -> tuple[int, Output]:
        """What an estimate is made of: how many ablations, and of which output."""
        return min(self.jobs.done, self.budget), self.output

    def select(self, output: Output) -> None:
        """Explain another output; rules are judged on what is yet to come."""
        with self.moved:
            self.output = output
            self._judged_from = self.known[0]
            self.moved.notify_all()

    def rank_by(self, index: str, max_order: int | None) -> None:
        """Show another index."""
        with self.moved:
            self._index = index, max_order

    def add_budget(self, ablations: int) -> None:
        """Allow more ablations; the rule that has ended the run, if one has, stays out of force."""
        with self.moved:
            self.budget = min(self.budget + ablations, self.all)
            self._ruled = ""
            self.moved.notify_all()

    def judge(self, estimate: Estimate) -> None:
        """See whether what is known at a round mark is enough, its noise floor with it."""
        with self.moved:
            self.moved.wait_for(lambda: not self._floor_is_due(estimate))
            self._judged[estimate.output] = estimate.ablations  # or who comes back to this output would wait in vain
            going = self.state in ("running", "paused", "stopping") and estimate.output == self.output
            floor = self._floor_at(estimate) if self._rules.settled is not None else None
            stop = self._rules.judge(estimate, monotonic() - self._began, floor) if going else None
            if stop is not None and stop.ablations >= self._judged_from:
                # The budget ends here: what was evaluated beyond the mark, by an older budget, must not matter.
                self.budget, self._rules, self._ruled = stop.ablations, stop.rules, stop.reason
            self.moved.notify_all()

    def _floor_is_due(self, estimate: Estimate) -> bool:
        going = self.state == "running" and estimate.output == self.output and self._rules.settled is not None
        return going and self.jobs.floor_is_due(min(estimate.ablations, self.due))

    def _floor_at(self, estimate: Estimate) -> float | None:
        return noise_floor(self.jobs.differences_at(estimate.ablations), estimate.output)

    def learn(self, estimate: Estimate) -> None:
        """Take what the algorithm knows now."""
        with self.moved:
            self.estimate = estimate
            self._remember()

    def turn(self, states: dict[str, str]) -> None:
        """Obey a person: from these states to those, from any other to itself."""
        with self.moved:
            self._turns += 1
            state = states.get(self.state, self.state)
            if state == "running" and self.state != "running":
                self.error = None
            self.state = state
            self._remember()
            self.moved.notify_all()

    def begin_verifying(self, chosen: int) -> None:
        """So many interactions are about to be measured on the model."""
        with self.moved:
            self._verifying = Verifying(0, chosen)

    def note(self, output: Output, players: tuple[int, ...], measured: Measured | None) -> None:
        """Take what the next of them is when it is measured; None where it cannot be."""
        with self.moved:
            self._verifying = replace(self._verifying, done=self._verifying.done + 1)
            if measured is not None:
                self._measured.setdefault(output, {})[players] = measured

    def end_verifying(self, error: BaseException | None) -> None:
        """They are measured, or an error came between."""
        with self.moved:
            self._verifying = Verifying(error=in_words(error) if error is not None else "")

    def fail(self, error: BaseException) -> None:
        """Take note of an error, the first of which ends the run."""
        with self.moved:
            self.error = self.error or (error if isinstance(error, Exception) else RuntimeError(repr(error)))
            self.state = "failed" if self.state in FINAL else "stopping"
            self._remember()
            self.moved.notify_all()

    def end(self) -> None:
        """Everything is evaluated and estimated: from what the state was follows how it ended."""
        with self.moved:
            if self.error is not None:
                self.state = "failed"
            elif self.state not in FINAL:
                self.state = "stopped" if self.state == "stopping" else "done"
            self._remember()
            self.moved.notify_all()

    def snapshot(self) -> Snapshot:
        """The run at this moment."""
        with self.moved:
            self._seq += 1
            measured = self._measured.get(self.estimate.output, {}) if self.estimate else {}
            work, seconds = self.meter.read()
            index, max_order = self._index
            return Snapshot(
                seq=self._seq,
                state=self.state,
                reason=self._reason(),
                ablations=self.before + self.jobs.done,
                budget=self.before + max(self.budget, self.jobs.done),  # a rule may come after the worker has gone on
                before=self.before,
                rate=self.jobs.pace.rate,
                turns=self._turns,
                estimate=self.estimate,
                index=index,
                max_order=max_order,
                measured=dict(measured),
                verifying=replace(self._verifying, ablations=self.jobs.measured),
                floor=noise_floor(self.jobs.differences, self.estimate.output) if self.estimate else None,
                work=work,
                seconds=seconds,
                asked=self.answers.of(self.estimate.output if self.estimate else self.output, self.jobs.probed),
                output=self.output,
            )

    def moments(self, snapshot: Snapshot) -> list[tuple[float, Snapshot]]:
        """The moments up to a snapshot, which is the last, each with its seconds from the run's beginning."""
        with self.moved:
            return self._history.until(monotonic() - self._began, snapshot)

    def _remember(self) -> None:
        self._history.take(monotonic() - self._began, self.snapshot())

    def _reason(self) -> str:
        if self.error is not None:
            return in_words(self.error)
        if self.state == "done":
            if self._ruled:
                return self._ruled
            return "every coalition was evaluated" if self.budget == self.all else "the budget is spent"
        return "stopped by you" if self.state == "stopped" else ""


def in_words(error: BaseException) -> str:
    """An error as a person reads it, and a file takes it: Python spells a path that is no UTF-8 by half surrogates."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted by you"
    return f"{type(error).__name__}: {error}".removesuffix(": ").encode(errors="replace").decode()
