"""The noise floor of a run whose values move with the batch: measured by itself, paid for once, the same whatever the
timing."""

import copy
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import tiny
from runs import Gate, Late, N, Watched, finished, planted, ranking
from spex_widget.algorithms.sampling import UniformSampler
from spex_widget.games import FunctionGame, TextGame
from spex_widget.session import Session, plan

NOISE = 0.01
TEXT = "I expected a dull evening, but the plot was not bad at all. Is it good? Say yes or no."


class Half(FunctionGame):
    """A game whose values are others for what is evaluated alone."""

    moves_with_batch = True
    broken = worthless = False

    def __init__(self, f=planted, n=N, noise=NOISE):
        super().__init__(self.values, n)
        self.f, self.noise, self.paid = f, noise, []

    def values(self, x):
        self.paid.append(len(x))
        if len(x) == 1 and self.broken:
            raise OSError("no route to the model")
        if len(x) == 1 and self.worthless:
            return np.full(1, np.nan)
        return self.f(x) + self.noise * (1 + x[:, 0]) * (len(x) == 1)


def check(session, k):
    """The first k coalitions are those that were evaluated again, and the floor is theirs."""
    first = UniformSampler(N, 0).draw(k)
    again = {row.coalition.tobytes() for row in session.log.of("floor")}
    assert again == {row.tobytes() for row in first}
    assert session.snapshot().floor == pytest.approx(NOISE * np.sqrt(np.mean((1 + first[:, 0]) ** 2)))
    assert session.snapshot().verifying.ablations == session.log.count("floor")


def test_a_run_measures_it_and_learns_nothing_from_it():
    game = Half()
    session = finished(game, budget=256)
    check(session, 32)
    assert (sum(game.paid), session.ablations) == (256 + 32, 256)
    steady = finished(FunctionGame(planted, N), budget=256)
    assert (steady.log.count("floor"), steady.snapshot().floor) == (0, None)
    assert ranking(session) == ranking(steady)
    assert session.result.diagnostics() == steady.result.diagnostics()


def test_what_lies_under_it_is_not_settled():
    def f(x):
        return x[:, 0] + NOISE / 10 * x[:, 1]

    for game, settled in [(FunctionGame(f, 6), True), (Half(f, 6), False)]:
        said = {row["members"]: row["settled"] for row in finished(game).result.ranking()}
        assert said == {(0,): True, (1,): settled}


def test_some_and_then_more_is_all_at_once():
    session = finished(Half(), budget=64)
    check(session, 16)
    session.add_budget(64)
    session.wait(60)
    check(session, 32)
    check(finished(Half(), budget=128), 32)
    np.testing.assert_array_equal(
        session._run.jobs.differences_at(64), finished(Half(), budget=64)._run.jobs.differences
    )


class FirstIsLast(Late):
    """The first batch comes back when all others have, and what is evaluated again by then."""

    def __init__(self, game, again):
        super().__init__(game, 0)
        self._again, self._begun = again, False

    def submit(self, coalitions, priority):
        if self._begun:
            return super().submit(coalitions, priority)
        self._begun = True
        return self._pool.submit(self._last, coalitions)

    def _last(self, coalitions):
        began = time.monotonic()
        while self._game.paid.count(1) < self._again:
            assert time.monotonic() < began + 30
            time.sleep(0.01)
        time.sleep(0.2)  # by when the last of them is in the log
        return self._game(coalitions)


def test_delays_change_nothing():
    game = Half()
    check(finished(game, budget=128, evaluator=Late(game, 0)), 32)
    game = Half()
    check(finished(game, budget=256, evaluator=FirstIsLast(game, 32)), 32)


def test_a_log_that_holds_it_is_not_paid_again(tmp_path):
    finished(Half(), budget=100, log=tmp_path / "log")
    game = Half()
    again = finished(game, budget=200, log=tmp_path / "log")
    assert sum(game.paid) == 100 + 7
    check(again, 32)


def test_a_plan_has_paid_for_it_already(tmp_path):
    game = Half()
    found = plan(game, budget=1000, log=tmp_path / "log")
    assert (found.spent, sum(game.paid)) == (64, 64)
    session = finished(game, budget=200, log=tmp_path / "log")
    assert (sum(game.paid), session.snapshot().floor) == (64 + 200, found.floor)
    check(session, 32)


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
    assert session.state == "done"
    check(session, 2)


def test_what_failed_of_it_is_tried_again():
    game = Half()
    game.broken = True
    session = Session(game, budget=64)
    with pytest.raises(OSError, match="no route"):
        session.wait(30)
    game.broken = False
    session.resume()
    session.wait(30)
    check(session, 16)
    assert len([row for row in session.log.of("floor") if row.status == "ok"]) == 16


def test_what_is_not_finite_of_it_ends_nothing_and_is_not_tried_again(tmp_path):
    for paid in (64 + 16, 0):
        game = Half()
        game.worthless = True
        session = finished(game, budget=64, log=tmp_path / "log")
        assert (session.state, session.snapshot().floor, sum(game.paid)) == ("done", None, paid)
        assert [row.status for row in session.log.of("floor")] == ["failed"] * 16


def two(x):
    return 1.0 * (x[:, 0] & x[:, 1]) + 0.5 * (x[:, 2] & x[:, 3])


@pytest.mark.parametrize(("noise", "settled"), [(NOISE, {(0, 1), (2, 3)}), (0.15, {(0, 1)}), (5.0, set())])
def test_a_rule_and_the_table_agree_on_what_is_settled(noise, settled):
    session = finished(Half(two, 12, noise), budget=512, settled=2)
    together = [row for row in session.result.ranking("BII") if row["order"] > 1]
    assert {row["members"] for row in together if row["settled"]} == settled
    assert (
        session.snapshot().reason
        == (
            "the top 2 are settled",
            "the only interaction above the noise floor is settled",
            "no interactions above the noise floor were found",
        )[2 - len(settled)]
    )


class Again:
    """Holds back what is evaluated alone until a test lets it go on."""

    slots = 40

    def __init__(self, game):
        self._game, self.go_on = game, threading.Event()
        self._pool = ThreadPoolExecutor(self.slots)

    def submit(self, coalitions, priority):
        return self._pool.submit(lambda: (len(coalitions) > 1 or self.go_on.wait(60), self._game(coalitions))[1])


def test_a_rule_that_asks_what_is_settled_waits_for_it():
    alone = finished(Half(two, 12), budget=512, settled=2)
    game = Half(two, 12)
    again = Again(game)
    session = Session(game, budget=512, settled=2, evaluator=again)
    mark = session._run.jobs.mark_after(0)
    watched = Watched(session)
    watched.until(lambda snapshot: snapshot.ablations == mark)
    time.sleep(0.5)
    assert (session.ablations, session.snapshot().estimate) == (mark, None)
    session.pause()  # which leaves nothing to wait for
    watched.until(lambda snapshot: snapshot.estimate is not None)
    session.resume()
    again.go_on.set()
    session.wait(30)
    assert (session.ablations, session.snapshot().reason) == (alone.ablations, alone.snapshot().reason)


def test_a_model_in_half_precision_but_for_its_embedding_has_one():
    model = copy.deepcopy(tiny.build("LlamaForCausalLM", tiny.unigram())).to(torch.bfloat16)
    model.get_input_embeddings().to(torch.float32)
    model.get_input_embeddings().register_forward_hook(lambda module, args, output: output.to(torch.bfloat16))
    assert TextGame(model, tiny.unigram(), TEXT, target=" yes").moves_with_batch


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
