"""What a run takes of its game: the work of its own batches alone, and how much of its time the model stands idle."""

import threading
from itertools import count, pairwise

import numpy as np
import pytest

import tiny
from runs import Gate, Late, N, Watched, finished, planted
from spex_widget.algorithms import ProxySPEX
from spex_widget.games import FunctionGame, TextGame
from spex_widget.games.work import Work
from spex_widget.report import Result
from spex_widget.report.static import static_text
from spex_widget.session import AblationLog, Session
from spex_widget.session.meter import Meter
from spex_widget.snapshot import FINAL, Snapshot
from text_reference import CLASSIFIERS

TEXT = "the film was not bad at all, really not bad! the plot was good."


class Clock:
    """Stands unless a test or a game moves it."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr("spex_widget.session.meter.perf_counter", lambda: self.now)


class Timed(FunctionGame):
    """Of each ablation's four seconds three are the model's forward."""

    def __init__(self, clock):
        super().__init__(planted, N)
        self._clock = clock
        self._work = Work()

    @property
    def work(self):
        return self._work

    def evaluate(self, coalitions):
        rows = len(coalitions)
        self._clock.now += 4 * rows
        self._work += Work(rows=rows, evaluated=rows, tokens=10 * rows, forward_seconds=3.0 * rows)
        return super().evaluate(coalitions)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def test_what_others_take_between_batches_and_the_time_of_waits_are_not_the_runs(clock):
    game = Timed(clock)
    one = np.ones((1, N), bool)
    game(one)
    meter = Meter(game)
    assert meter.read() == (Work(), 0.0)
    clock.now += 50
    meter.begin()
    game(one)
    clock.now += 1  # the log
    meter.count(out=False)
    assert meter.read() == (Work(1, 1, 0, 10, 0, 3.0), 5.0)
    game(one)  # by someone else; its time is the run's nevertheless
    assert meter.read() == (Work(1, 1, 0, 10, 0, 3.0), 9.0)
    meter.rest()
    clock.now += 1000
    assert meter.read()[1] == 9.0
    meter.begin()
    game(one)
    assert meter.read() == (Work(1, 1, 0, 10, 0, 3.0), 9.0)  # its work is not known yet, so its time is not, either
    meter.count(out=False)
    assert meter.read() == (Work(2, 2, 0, 20, 0, 6.0), 13.0)


def test_while_several_batches_are_out_time_counts_as_far_as_work_does(clock):
    game = Timed(clock)
    meter = Meter(game)
    meter.begin()
    game(np.ones((2, N), bool))
    clock.now += 1
    meter.count(out=True)
    clock.now += 7
    assert meter.read() == (Work(2, 2, 0, 20, 0, 6.0), 9.0)
    meter.count(out=False)
    assert meter.read()[1] == 16.0
    game(np.ones((2, N), bool))
    meter.count(out=False)  # nothing was out: a batch that never went is none
    assert meter.read() == (Work(2, 2, 0, 20, 0, 6.0), 16.0 + 8.0)


def test_a_run_says_its_own_work_and_no_wait_for_a_person_makes_the_model_idle(clock):
    game = Timed(clock)
    game(np.ones((5, N), bool))
    gate = Gate(game)
    session = Session(game, budget=100, evaluator=gate)
    gate.waiting.wait(30)
    session.pause()
    gate.open.release(1)
    resting = Watched(session).until(lambda seen: seen.state == "paused" and seen.work.rows > 0)
    assert (resting.work.rows, resting.seconds, resting.idle) == (8, 32.0, 0.25)
    deadline = threading.Event()
    while session._run.meter._since is not None:  # the worker has gone to wait
        deadline.wait(0.01)
    clock.now += 3600
    session.resume()
    gate.open.release(100)
    session.wait(60)
    clock.now += 3600
    ended = session.snapshot()
    assert ended.work == Work(rows=100, evaluated=100, tokens=1000, forward_seconds=300.0)
    assert (ended.seconds, ended.idle) == (400.0, 0.25)
    game(np.ones((50, N), bool))  # a person, in a cell
    session.probe(np.ones(N, bool))
    session.verify(top=1, contexts=4)
    asked = session.snapshot()
    assert asked.work.rows == 101 + session.log.count("verify")
    assert asked.idle == 0.25


def test_what_is_fitted_once_nothing_more_is_evaluated_takes_none_of_the_models_time(clock, monkeypatch):
    done = threading.Event()

    def longer(finish):
        def finished(self, *args):
            clock.now += 1000
            done.set()
            return finish(self, *args)

        return finished

    monkeypatch.setattr(ProxySPEX, "finish", longer(ProxySPEX.finish))
    game = Timed(clock)
    session = finished(game, budget=100)
    assert done.is_set()
    ended = session.snapshot()
    assert (ended.seconds, ended.idle) == (400.0, 0.25)
    session.add_budget(50)
    session.wait(60)
    ended = session.snapshot()
    assert (ended.work.rows, ended.seconds, ended.idle) == (150, 600.0, 0.25)


def test_what_a_log_held_is_not_taken_again(clock, tmp_path):
    finished(Timed(clock), budget=100, log=tmp_path / "log")
    continued = finished(Timed(clock), budget=130, log=tmp_path / "log").snapshot()
    assert continued.work.rows == 30
    told = finished(Timed(clock), budget=100, log=tmp_path / "log").snapshot()
    assert (told.work, told.idle, told.took) == (Work(), None, "")


def test_a_game_that_does_not_count_has_none():
    ended = finished(budget=64).snapshot()
    assert (ended.work, ended.idle) == (None, None)


@pytest.mark.parametrize(("forward", "seconds", "idle"), [(2.0, 8.0, 0.75), (9.0, 8.0, 0.0), (0.0, 8.0, 1.0)])
def test_idle_is_a_share(forward, seconds, idle):
    taken = Work(rows=1, forward_seconds=forward)
    assert Snapshot(1, "running", "", 1, 2, work=taken, seconds=seconds).idle == idle
    assert Snapshot(1, "running", "", 1, 2, work=taken).idle is None
    assert Snapshot(1, "running", "", 1, 2, work=Work(), seconds=seconds).idle is None


class Seen:
    """A model's passes, seen from outside."""

    def __init__(self, model):
        self.passes = self.tokens = self.padding = 0
        model.register_forward_pre_hook(self._see, with_kwargs=True)

    def _see(self, module, args, options):
        present = options["attention_mask"]
        self.passes += 1
        self.tokens += int(present.sum())
        self.padding += int((1 - present).sum())


def transformer():
    model = tiny.build(CLASSIFIERS[0], tiny.wordpiece())
    return model, TextGame(model, tiny.wordpiece(), TEXT, target="POSITIVE", ablation="remove")


@pytest.mark.parametrize("late", [False, True])
def test_of_a_real_model_what_a_hook_sees_is_what_the_snapshot_says(late):
    model, game = transformer()
    game(np.ones((3, game.n), bool))  # what was asked before is not the run's
    seen = Seen(model)
    session = Session(game, budget=150, evaluator=Late(game, 0) if late else None)
    watched = Watched(session)
    session.wait(60)
    session.probe(np.ones(game.n, bool))
    ended = session.snapshot()
    asked = AblationLog(game, path=session.log.path)
    assert ended.work.rows == len(asked) == 151
    asked.close()
    assert (ended.work.passes, ended.work.tokens, ended.work.padding) == (seen.passes, seen.tokens, seen.padding)
    assert 0 < ended.work.evaluated <= ended.work.rows
    assert 0 < ended.work.forward_seconds <= ended.seconds
    assert 0 <= ended.idle < 1
    told = [snapshot for snapshot in watched.seen if snapshot.work.rows > 0]
    for before, after in pairwise(told):
        assert after.work.tokens >= before.work.tokens
        assert after.seconds >= before.seconds
    for snapshot in told:
        assert 0 < snapshot.work.forward_seconds <= snapshot.seconds
    assert watched.until(lambda newest: newest.state in FINAL).state == "done"


def test_what_outlives_the_run_says_it_in_one_line():
    _, game = transformer()
    session = finished(game, budget=64)
    snapshot = session.snapshot()
    said = f"{snapshot.work.tokens:,} tokens · model idle {100 * snapshot.idle:.0f} %"
    assert said in static_text(session.header, snapshot).splitlines()[1]
    assert said in repr(Result(session.header, snapshot))
    assert "tokens" not in repr(finished(budget=64).result)


def test_the_clock_of_a_run_that_fails_stands(clock):
    fails = count()

    class Failing(Timed):
        def evaluate(self, coalitions):
            if next(fails) == 2:
                raise OSError("no route to the model")
            return super().evaluate(coalitions)

    session = Session(Failing(clock), budget=100)
    with pytest.raises(OSError, match="no route"):
        session.wait(30)
    before = session.snapshot().seconds
    clock.now += 3600
    assert session.snapshot().seconds == before > 0
