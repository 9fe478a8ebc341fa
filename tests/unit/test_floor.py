"""The noise floor of a run whose values move with the batch: measured by itself, paid for once, the same whatever the
timing."""

import copy

import numpy as np
import pytest
import torch

import tiny
from runs import Gate, Late, N, Watched, finished, planted, ranking
from spex_widget.games import FunctionGame, TextGame
from spex_widget.session import Session, plan

NOISE = 0.01
TEXT = "I expected a dull evening, but the plot was not bad at all. Is it good? Say yes or no."


class Half(FunctionGame):
    """A game whose values are others for what is evaluated alone."""

    moves_with_batch = True
    broken = False

    def __init__(self, f=planted, n=N):
        super().__init__(self.values, n)
        self.f, self.paid = f, []

    def values(self, x):
        self.paid.append(len(x))
        if len(x) == 1 and self.broken:
            raise OSError("no route to the model")
        return self.f(x) + NOISE * (len(x) == 1)


def floor_of(session):
    snapshot = session.snapshot()
    assert session.log.count("floor") == snapshot.verifying.ablations
    return session.log.count("floor"), snapshot.floor


def test_a_run_measures_it_and_learns_nothing_from_it():
    game = Half()
    session = finished(game, budget=256)
    assert floor_of(session) == (32, pytest.approx(NOISE))
    assert (sum(game.paid), session.ablations) == (256 + 32, 256)
    assert all(row.coalition.tobytes() in first_of(session, 32) for row in session.log.of("floor"))
    steady = finished(FunctionGame(planted, N), budget=256)
    assert floor_of(steady) == (0, None)
    assert ranking(session) == ranking(steady)
    assert session.result.diagnostics() == steady.result.diagnostics()


def first_of(session, k):
    return {row.coalition.tobytes() for row, _ in zip(session.log.of("uniform"), range(k), strict=False)}


def test_what_lies_under_it_is_not_settled():
    def f(x):
        return x[:, 0] + NOISE / 10 * x[:, 1]

    for game, settled in [(FunctionGame(f, 6), True), (Half(f, 6), False)]:
        said = {row["members"]: row["settled"] for row in finished(game).result.ranking()}
        assert said == {(0,): True, (1,): settled}


def test_some_and_then_more_is_all_at_once():
    session = finished(Half(), budget=64)
    assert floor_of(session) == (16, pytest.approx(NOISE))
    session.add_budget(64)
    session.wait(60)
    assert floor_of(session) == floor_of(finished(Half(), budget=128)) == (32, pytest.approx(NOISE))


def test_delays_change_nothing():
    game = Half()
    late = finished(game, budget=128, evaluator=Late(game, 0))
    assert floor_of(late) == floor_of(finished(Half(), budget=128))


def test_a_log_that_holds_it_is_not_paid_again(tmp_path):
    finished(Half(), budget=100, log=tmp_path / "log")
    game = Half()
    again = finished(game, budget=200, log=tmp_path / "log")
    assert (sum(game.paid), floor_of(again)) == (100 + 7, (32, pytest.approx(NOISE)))


def test_a_plan_has_paid_for_it_already(tmp_path):
    game = Half()
    found = plan(game, budget=1000, log=tmp_path / "log")
    assert (found.floor, found.spent, sum(game.paid)) == (pytest.approx(NOISE), 64, 64)
    session = finished(game, budget=200, log=tmp_path / "log")
    assert (sum(game.paid), floor_of(session)) == (64 + 200, (64, found.floor))


def test_a_pause_before_the_last_of_it_is_no_end():
    finished(Half(), budget=8)  # what is loaded for a first fit is loaded
    game = Half()
    gate = Gate(game)
    session = Session(game, budget=8, evaluator=gate)
    watched = Watched(session)
    gate.open.release()
    watched.until(lambda snapshot: snapshot.ablations == 8)
    session.pause()
    gate.open.release()  # the one that is out
    watched.until(lambda snapshot: snapshot.verifying.ablations == 1)
    with pytest.raises(TimeoutError, match="the run is paused"):
        session.wait(1)
    session.resume()
    gate.open.release()
    session.wait(30)
    assert [len(batch) for batch in gate.asked] == [8, 1, 1]
    assert (session.state, floor_of(session)) == ("done", (2, pytest.approx(NOISE)))


def test_what_failed_of_it_is_tried_again():
    game = Half()
    game.broken = True
    session = Session(game, budget=64)
    with pytest.raises(OSError, match="no route"):
        session.wait(30)
    game.broken = False
    session.resume()
    session.wait(30)
    assert session.snapshot().floor == pytest.approx(NOISE)
    assert len([row for row in session.log.of("floor") if row.status == "ok"]) == 16


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_a_model_in_half_precision_has_one(dtype):
    model = copy.deepcopy(tiny.build("LlamaForCausalLM", tiny.unigram())).to(dtype)
    game = TextGame(model, tiny.unigram(), TEXT, target=" yes")
    assert game.moves_with_batch is game.restrict([0, 1, 2]).moves_with_batch is (dtype == torch.bfloat16)
    rows = np.random.default_rng(0).random((8, 32, game.n)) < 0.5
    moved = np.concatenate([game(some) - np.vstack([game(row) for row in some]) for some in rows])
    floors = [finished(game, budget=128, seed=seed).snapshot().floor for seed in range(5)]
    if dtype == torch.bfloat16:
        truth = np.sqrt(np.mean(moved**2))
        assert truth > 1e-4
        assert truth / 3 < np.median(floors) < 3 * truth
        assert sum(map(bool, floors)) >= 4
    else:
        assert floors == [None] * 5
