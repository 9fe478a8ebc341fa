"""Stop rules: judged at round marks, so that what decides is never the timing."""

import threading

import numpy as np
import pytest

from runs import Gate, Late, N, finished, planted, ranking
from spex_widget.algorithms import FIRST, R2, Estimate, Mark
from spex_widget.games import FunctionGame
from spex_widget.session import Session
from spex_widget.session import run as run_module
from spex_widget.session.rules import StopRules
from spex_widget.spectrum import SparseSpectrum

BUDGET = 2000
ENOUGH = 0.9


@pytest.fixture(scope="module")
def history():
    """What is known at each round mark where nothing ends the run."""
    return finished(budget=BUDGET).result.estimate.history


@pytest.fixture(scope="module")
def marks(history):
    return [mark.ablations for mark in history]


@pytest.fixture(scope="module")
def enough():
    """A run that an R² rule has ended."""
    return finished(budget=BUDGET, r2=ENOUGH)


def test_it_ends_at_the_first_mark_whose_r2_is_enough(enough, history):
    mark = next(mark.ablations for mark in history if mark.r2.low >= ENOUGH)
    assert (enough.state, enough.result.ablations) == ("done", mark)
    assert enough.snapshot().reason == f"R² reached 0.9 at {mark} ablations"
    assert enough.result.estimate.r2.low >= ENOUGH
    assert mark < BUDGET


@pytest.mark.parametrize("rule", [{"r2": ENOUGH}, {"settled": 1}])
def test_nothing_is_paid_for_beyond_the_mark_that_is_enough(rule):
    """Though the game is far quicker than the fits."""
    session = finished(budget=BUDGET, **rule)
    assert session.snapshot().reason != "the budget is spent"
    assert session.ablations == session.budget == session.result.ablations == session.log.count("uniform")


def test_a_stop_while_a_mark_is_judged_changes_nothing_once_the_run_goes_on(monkeypatch, enough):
    box = []
    judge = run_module.Run.judge

    def stopped(self, estimate):
        if estimate.ablations == enough.result.ablations and box:
            box.pop().stop()
        judge(self, estimate)

    monkeypatch.setattr(run_module.Run, "judge", stopped)
    game = FunctionGame(planted, N)
    session = Session(game, budget=BUDGET, r2=ENOUGH, evaluator=(gate := Gate(game)))
    box.append(session)
    gate.open.release(10_000)
    session.wait(60)
    assert (session.state, box) == ("stopped", [])
    session.resume()
    session.wait(60)
    assert (session.ablations, session.snapshot().reason) == (enough.ablations, enough.snapshot().reason)


def test_who_goes_back_and_forth_between_outputs_is_not_waited_for_in_vain():
    def two(x):
        return np.column_stack([np.sin(1000 * x @ np.arange(1.0, N + 1)), planted(x)])

    session = Session(FunctionGame(two, N, outputs=["noise", "b"]), budget=BUDGET, r2=0.999999)
    for output in ("b", "noise", "b", "noise"):
        session.select(output)
    session.wait(120)
    session.select("b")
    session.wait(120)
    assert session.state == "done"


def test_the_result_is_what_a_budget_of_the_mark_gives(enough):
    alone = finished(budget=enough.result.ablations)
    assert ranking(enough) == ranking(alone)
    assert enough.result.estimate.history == alone.result.estimate.history


def test_it_is_the_lower_end_that_must_reach_it():
    spectrum = SparseSpectrum.from_sets(3, {(0,): 1.0})
    known = Estimate(FIRST, 2, 64, spectrum, history=(Mark(64, R2(0.95, 0.89, 0.97), 0.5),))
    assert StopRules(r2=0.9).judge(known, 0.0) is None
    assert StopRules(r2=0.89).judge(known, 0.0).reason == "R² reached 0.89 at 64 ablations"


@pytest.mark.parametrize("seed", [0, 1])
def test_timing_does_not_decide_when(enough, seed):
    game = FunctionGame(planted, N)
    late = finished(game, budget=BUDGET, r2=ENOUGH, evaluator=Late(game, seed))
    assert late.result.ablations == enough.result.ablations
    assert ranking(late) == ranking(enough)


def test_a_log_that_is_continued_ends_where_it_did(tmp_path):
    game = FunctionGame(planted, N)
    first = finished(game, budget=BUDGET, r2=ENOUGH, log=tmp_path / "log")
    paid = len(first.log)
    again = finished(game, budget=BUDGET, r2=ENOUGH, log=tmp_path / "log")
    assert ranking(again) == ranking(first)
    assert len(again.log) == paid
    assert first.snapshot().budget == first.ablations == paid


def test_more_budget_goes_on_from_the_mark_and_the_rule_is_dropped():
    session = finished(budget=BUDGET, r2=ENOUGH)
    mark = session.result.ablations
    session.add_budget(200)
    session.wait(60)
    assert session.snapshot().reason == "the budget is spent"
    assert session.result.ablations == session.budget == mark + 200
    assert ranking(session) == ranking(finished(budget=mark + 200))


def test_the_rules_that_did_not_fire_stay_in_force(monkeypatch, enough, marks):
    later = next(mark for mark in marks if mark > enough.result.ablations)
    monkeypatch.setattr(Estimate, "settled", lambda self, top, **_: ((0, 1),) * (self.ablations >= later))
    session = finished(budget=BUDGET, r2=ENOUGH, settled=1)
    assert session.snapshot().reason.startswith("R² reached")
    session.add_budget(1000)
    session.wait(60)
    assert (session.snapshot().reason, session.result.ablations) == ("the largest is settled", later)


def test_settled(monkeypatch):
    asked = []

    def settled(self, top, **_):
        asked.append(top)
        return ((0, 1), (2,), (3, 4, 5))[: self.ablations // 64]

    monkeypatch.setattr(Estimate, "settled", settled)
    session = finished(budget=BUDGET, settled=3)
    assert (session.snapshot().reason, session.result.ablations) == ("the top 3 are settled", 192)
    assert set(asked) == {3}


FEW = {
    "the only interaction is settled": lambda x: 1.0 * (x[:, 0] & x[:, 1]) + x[:, 7],
    "all 2 interactions are settled": lambda x: 1.0 * (x[:, 0] & x[:, 1]) - 2.0 * (x[:, 3] & x[:, 4]),
    "no interactions were found": lambda x: x[:, 0] - 0.5 * x[:, 3],
}


@pytest.mark.parametrize("reason", FEW)
def test_where_fewer_are_there_all_must_be_settled(reason):
    session = finished(FunctionGame(FEW[reason], N), budget=BUDGET, settled=10)
    assert session.snapshot().reason == reason
    assert session.result.ablations < BUDGET / 4
    assert session.result.estimate.r2.low >= 0.99
    coalitions = np.random.default_rng(5).random((1000, N)) < 0.5
    np.testing.assert_allclose(session.result.predict(coalitions), FEW[reason](coalitions), atol=1e-6)


@pytest.mark.parametrize(
    ("terms", "low", "settled", "ends"),
    [
        ({(0, 1): 1.0, (0, 2): 0.5}, 0.99, ((0, 1), (0, 2)), True),
        ({(0, 1): 1.0, (0, 2): 0.5}, 0.98, ((0, 1), (0, 2)), False),
        ({(0, 1): 1.0, (0, 2): 0.5}, 0.99, ((0, 1),), False),
        ({(0, 1): 1.0, (0, 2): 1e-15}, 0.99, ((0, 1),), True),  # which is rounding
        ({(0,): 1.0}, 0.99, (), True),
        ({(0,): 1.0}, None, (), False),
    ],
)
def test_all_must_be_settled_where_none_can_be_missing(monkeypatch, terms, low, settled, ends):
    monkeypatch.setattr(Estimate, "settled", lambda self, top, **_: settled)
    history = () if low is None else (Mark(64, R2(0.999, low, 1.0), 0.5),)
    known = Estimate(FIRST, 2, 64, SparseSpectrum.from_sets(3, terms), history=history)
    assert (StopRules(settled=10).judge(known, 0.0) is not None) is ends


@pytest.mark.parametrize(
    ("floor", "top", "reason"),
    [
        (None, 2, "the top 2 are settled"),
        (0.1, 2, "the top 2 are settled"),
        (0.1, 3, "all 2 interactions are settled"),
        (0.25, 2, "the only interaction above the noise floor is settled"),  # 0.25 · 2^1.5 = 0.71
        (0.25, 1, "the largest is settled"),
        (0.5, 1, "no interactions above the noise floor were found"),
    ],
)
def test_what_noise_can_make_is_not_settled(monkeypatch, floor, top, reason):
    monkeypatch.setattr(Estimate, "settled", lambda self, top, **_: ((0, 1), (0, 2))[:top])
    effects = SparseSpectrum.from_sets(3, {(0, 1): 0.25, (0, 2): -0.125})  # 1 and −0.5
    known = Estimate(FIRST, 2, 64, effects, history=(Mark(64, R2(0.999, 0.99, 1.0), 0.5),))
    assert StopRules(settled=top).judge(known, 0.0, floor).reason == reason


def test_time_is_looked_at_where_a_round_ends(monkeypatch, marks):
    now = [0.0]
    monkeypatch.setattr(run_module, "monotonic", lambda: now[0])
    game = FunctionGame(planted, N)
    session = Session(game, budget=BUDGET, time=60, evaluator=(gate := Gate(game)))
    while session.snapshot().estimate is None or session.snapshot().estimate.ablations < 64:
        gate.open.release(1)
        gate.waiting.wait(30)
    assert session.state == "running"
    now[0] = 61.0
    gate.open.release(1000)
    session.wait(60)
    assert session.snapshot().reason == "60 s are over"
    assert session.result.ablations in marks
    assert ranking(session) == ranking(finished(budget=session.result.ablations))


def test_a_paused_run_may_still_find_that_it_knows_enough(monkeypatch, marks):
    early = next(mark for mark in marks if mark >= 300)
    seen, checked = threading.Event(), threading.Event()
    judge = run_module.Run.judge

    def late(self, estimate):
        if estimate.ablations == early:
            seen.set()
            assert checked.wait(30)
        judge(self, estimate)

    monkeypatch.setattr(Estimate, "settled", lambda self, top, **_: ((0, 1),) * (self.ablations >= early))
    monkeypatch.setattr(run_module.Run, "judge", late)
    game = FunctionGame(planted, N)
    session = Session(game, budget=BUDGET, settled=1, evaluator=(gate := Gate(game)))
    gate.open.release(6)
    while not seen.wait(0.01):
        assert session.state == "running"
        gate.open.release(1)
    session.pause()
    gate.open.release(100)
    checked.set()
    session.wait(60)
    assert (session.state, session.result.ablations) == ("done", early)


def test_another_output_of_a_run_that_a_rule_has_ended_is_made_of_the_same_ablations():
    def two(x):
        return np.column_stack([planted(x), 5.0 * (x[:, 3] & x[:, 4]) + 0.1 * x[:, 7]])

    game = FunctionGame(two, N, outputs=["a", "b"])
    session = finished(game, budget=BUDGET, r2=ENOUGH)
    mark = session.result.ablations
    session.select("b")
    session.wait(60)
    assert session.result.ablations == mark
    session.select("a")
    session.wait(60)
    assert ranking(session) == ranking(finished(budget=BUDGET, r2=ENOUGH))


def test_an_output_that_is_selected_midway_is_not_judged_on_what_was_known_before():
    def two(x):
        return np.column_stack(
            [np.random.default_rng(0).normal(size=len(x)), 5.0 * (x[:, 3] & x[:, 4]) + 0.1 * x[:, 7]]
        )

    game = FunctionGame(two, N, outputs=["noise", "b"])
    session = Session(game, budget=BUDGET, r2=ENOUGH, evaluator=(gate := Gate(game)))
    while session.ablations < 500:
        gate.open.release(1)
        gate.waiting.wait(30)
    session.pause()
    gate.open.release(1)
    session.select("b")
    known = session.ablations
    gate.open.release(10_000)
    session.resume()
    session.wait(60)
    assert session.snapshot().reason.startswith("R² reached")
    assert session.result.ablations >= known


def test_an_exact_result_needs_no_rule():
    session = finished(FunctionGame(lambda x: x.sum(axis=1), 3), r2=0.5, settled=1, time=1000)
    assert session.snapshot().reason == "every coalition was evaluated"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"r2": 0}, ValueError, "r2 must be a number between 0 and 1, got 0"),
        ({"r2": 95}, ValueError, "r2 must be a number between 0 and 1, got 95"),
        ({"r2": "high"}, TypeError, "r2 must be a number between 0 and 1, got 'high'"),
        ({"r2": True}, TypeError, "r2 must be a number between 0 and 1, got True"),
        ({"settled": 0}, ValueError, "settled must be at least 1, got 0"),
        ({"settled": 2.5}, TypeError, r"settled must be a whole number, got 2\.5"),
        ({"time": -1}, ValueError, "time must be a positive number of seconds, got -1"),
        ({"time": float("nan")}, ValueError, "time must be a positive number of seconds, got nan"),
        ({"time": "1 min"}, TypeError, "time must be a positive number of seconds, got '1 min'"),
    ],
)
def test_bad_rules_are_named_before_anything_is_paid_for(arguments, error, message, tmp_path):
    with pytest.raises(error, match=message):
        Session(FunctionGame(planted, N), log=tmp_path / "log", **arguments)
    assert not (tmp_path / "log").exists()
