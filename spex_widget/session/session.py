"""A run: it turns the crank off the main thread, and a person may reach in at any time."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from time import monotonic

import numpy as np

from spex_widget.algorithms import Output
from spex_widget.games import Game
from spex_widget.report import Result
from spex_widget.session.answers import Answers
from spex_widget.session.arguments import Which, check_arguments, check_budget, check_output
from spex_widget.session.asking import Asking
from spex_widget.session.crank import Crank
from spex_widget.session.evaluator import Evaluator, InlineEvaluator
from spex_widget.session.flipper import Flipper
from spex_widget.session.floor import AGAIN, Repeats
from spex_widget.session.jobs import Jobs
from spex_widget.session.log import AblationLog
from spex_widget.session.meter import Meter
from spex_widget.session.prober import Prober
from spex_widget.session.publisher import Publisher
from spex_widget.session.rules import StopRules
from spex_widget.session.run import Run
from spex_widget.session.verifier import Verifier
from spex_widget.session.zooming import spent_before
from spex_widget.snapshot import FINAL, Header, Recording, Snapshot
from spex_widget.spectrum import check_index
from spex_widget.spectrum.arguments import check_count


class Session(Asking):
    """Explains a game: ablates its players in rounds, learns a surrogate, publishes snapshots.

    It starts at once, in threads of its own: one evaluates, one fits, one publishes. What a person asks of the model
    beside it: `Asking`.

    Parameters
    ----------
    game : Game
        What is explained.
    budget : int, optional
        How many ablations, at least 2; where it reaches 2^n every coalition is evaluated and the result is exact.
        By default `default_budget(game.n)`. What `zoom` has spent on the game is a part of it, beside the default.
        The noise floor of a game whose values move with the batch (half precision) takes up to 32 more.
    algorithm : {"proxyspex"}
        How coalitions are chosen and the surrogate is learnt.
    refine : {"auto", "pursuit", "lasso", "process", "ridge"}
        How the proxy's proposals become a surrogate.
    output : int, str, slice, mapping or array_like, optional
        What of the game's outputs is explained first; see `select`. By default the first; of an `Answer`, all of it.
    seed : int
        Decides, with the game's values, everything that is estimated.
    log : path-like, optional
        Where the ablations are kept; one that exists is continued. By default a new file in the user's cache folder.
    evaluator : Evaluator, optional
        Who evaluates; the session's own worker thread by default.
    r2, settled, time : float, int, float, optional
        End before the budget is spent: when the lower end of the held-out R² has reached `r2`, when the `settled`
        largest interactions are all settled, none under the noise floor (where there are fewer, all, and the lower end
        of R² is at least .99), or when so many seconds have passed; whichever comes first, and the snapshot's `reason`
        says which. They are judged at round marks, and the result is made of the ablations up to the mark. For `r2` and
        `settled` nothing is evaluated beyond a mark before that; what `time` ends may have gone on, and this stays in
        the log, and is used if the run goes on.

    Attributes
    ----------
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
        output: Which | None = None,
        seed: int = 0,
        log: str | os.PathLike[str] | None = None,
        evaluator: Evaluator | None = None,
        r2: float | None = None,
        settled: int | None = None,
        time: float | None = None,
    ) -> None:
        make = check_arguments(game, algorithm, refine, evaluator)
        before = spent_before(game)
        most = check_budget(budget, game.n, before)
        rules = StopRules(r2, settled, time)
        explained = check_output(output, game.outputs, game.answer_tokens)
        self.game = game
        self.seed = check_count(seed, "seed", 0)
        self.log = AblationLog(game, seed=self.seed, path=log)
        self.header = Header.of(game, log=str(self.log.path))
        learner = make(game.n, refine=refine, seed=self.seed)
        meter = Meter(game)
        jobs = Jobs(learner, self.log, meter, Repeats(self.log, AGAIN if game.moves_with_batch else 0))
        if budget is None:
            # A log that is continued may hold more than the usual budget, all paid for.
            most = min(max(most, jobs.paid), 1 << game.n)
        answers = Answers(self.log.of("probe"))
        self._run = Run(jobs, meter, explained, most, 1 << game.n, rules, answers, before)
        self._publisher = Publisher(self._run.snapshot)
        self._crank = Crank(self._run, game, learner, evaluator or InlineEvaluator(game), self.log, self._publisher)
        self._prober = Prober(self._run, self._crank, self._publisher)
        self._flipper = Flipper(self._run, self._prober, self._publisher)
        self._verifier = Verifier(self._run, self._crank, self._publisher, self.seed)
        self._crank.start()

    # What a person reads ------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """One of `snapshot.STATES`."""
        return self._run.state

    @property
    def error(self) -> Exception | None:
        """Why the run failed, if it did."""
        return self._run.error

    @property
    def ablations(self) -> int:
        """How many uniform ablations are done, with those that `zoom` took before."""
        return self._run.before + self._run.jobs.done

    @property
    def budget(self) -> int:
        """How many ablations there may be, with those that `zoom` took before."""
        return self._run.before + self._run.budget

    @property
    def output(self) -> Output:
        """What of the game's outputs is explained; see `select`."""
        return self._run.output

    @property
    def result(self) -> Result:
        """What is known now.

        Raises
        ------
        RuntimeError
            If no round has ended yet.
        """
        return Result(self.header, self.snapshot(), self.record)

    def record(self, snapshot: Snapshot) -> Recording:
        """The run up to a snapshot of it, with all uniform ablations that are paid for by now; see `Result.save`."""
        rows = [row for row in self.log.of("uniform") if row.status == "ok" and row.values is not None]
        coalitions = np.array([row.coalition for row in rows], dtype=np.bool_).reshape(len(rows), self.game.n)
        values = np.array([row.values for row in rows], dtype=np.float64).reshape(len(rows), len(self.game.outputs))
        if self.state in FINAL:
            self.log.close()  # reading has opened it again
        return Recording.of(self.header, self._run.moments(snapshot), coalitions, values)

    def snapshot(self) -> Snapshot:
        """The run at this moment."""
        return self._run.snapshot()

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
        run = self._run
        deadline = math.inf if timeout is None else monotonic() + timeout
        with run.moved:
            while run.state not in FINAL or self._crank.fitting:
                left = deadline - monotonic()
                if left <= 0:
                    raise TimeoutError(f"the run is {run.state} after {timeout} s: {self.ablations} ablations done")
                # In slices, since an endless wait cannot be interrupted on Windows.
                run.moved.wait(min(left, 0.5))
            error = run.error
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
        """End at the batch boundary, what is measured and searched as well, and keep what is known."""
        self._verifier.stop()
        self._flipper.stop()
        self._turn({"running": "stopping", "paused": "stopping"})

    def add_budget(self, ablations: int) -> None:
        """Allow more ablations; a run that has ended goes on, and no rule ends it twice.

        Raises
        ------
        ValueError
            If it is less than 1.
        """
        more = check_count(ablations, "ablations to add", 1)
        with self._run.moved:
            self._run.add_budget(more)
            self._turn(dict.fromkeys(("stopping", *FINAL), "running"))

    def select(self, output: Which) -> None:
        """Explain another output, from the same ablations.

        Parameters
        ----------
        output : int, str, slice, mapping or array_like
            A position or a label; a slice, which is the sum of these outputs; or weights, by label or one for each
            output, as in ``{"POSITIVE": 1, "NEGATIVE": -1}``.

        Raises
        ------
        ValueError
            If there is no such output.
        """
        explained = check_output(output, self.game.outputs, self.game.answer_tokens)
        with self._run.moved:
            self._run.select(explained)
            self._crank.start_fitter()
            self._turn({})

    def rank_by(self, index: str = "BII", max_order: int | None = None) -> None:
        """Show another interaction index in the snapshots.

        Parameters
        ----------
        index : str
            One of `spex_widget.spectrum.INDICES`.
        max_order : int, optional
            See `Result.ranking`.

        Raises
        ------
        TypeError, ValueError
            If there is no such index, or max_order is no whole number of at least 1.

        Examples
        --------
        >>> from spex_widget.games import FunctionGame
        >>> session = Session(FunctionGame(lambda x: 1.0 * x[:, 0], 3), log=getfixture("tmp_path") / "log")
        >>> session.rank_by("shapley")
        Traceback (most recent call last):
        ...
        ValueError: index must be one of ..., got 'shapley'
        """
        name = check_index(index)
        most = None if max_order is None else check_count(max_order, "max_order", 1)
        with self._run.moved:
            self._run.rank_by(name, most)
            self._turn({})

    def _turn(self, states: dict[str, str]) -> None:
        """Obey a person: from these states to those, from any other to itself."""
        with self._run.moved:
            self._run.turn(states)
            if self._run.state not in FINAL:
                self._crank.start()
        self._publisher.notify(urgent=True)
