"""Runs: whatever the timing, the same result; whatever goes wrong, nothing that was paid for is lost."""

import gc
import threading
import weakref
from concurrent.futures import Future

import numpy as np
import pytest

from runs import Gate, Late, N, Watched, finished, planted, ranking
from spex_widget.algorithms import ProxySPEX
from spex_widget.games import FunctionGame
from spex_widget.session import InlineEvaluator, Session
from spex_widget.snapshot import FINAL


@pytest.fixture(scope="module")
def reference():
    return ranking(finished(budget=300))


def test_the_planted_interactions_are_found(reference):
    assert [members for members, _ in reference if len(members) > 1][:2] == [(0, 1, 2), (5, 6)]


@pytest.mark.parametrize("seed", [0, 1])
def test_delays_and_order_of_arrival_change_nothing(reference, seed):
    game = FunctionGame(planted, N)
    assert ranking(finished(game, budget=300, evaluator=Late(game, seed))) == reference


def test_pauses_and_probes_change_nothing(reference):
    game = FunctionGame(planted, N)
    gate = Gate(game)
    session = Session(game, budget=300, evaluator=gate)
    answers = []
    for i in range(3):
        gate.waiting.wait(30)
        gate.waiting.clear()
        session.pause()
        asker = threading.Thread(target=lambda i=i: answers.append(session.probe(np.arange(N) % (i + 2) == 0)))
        asker.start()
        gate.open.release(2)
        asker.join(30)
        session.resume()
    gate.open.release(1000)
    session.wait(60)
    assert len(answers) == 3
    assert answers[0].tolist() == [planted((np.arange(N) % 2 == 0)[None])[0]]
    assert ranking(session) == reference
    assert sum(row.purpose == "probe" for row in session.log) == 3


def test_flips_evidence_and_verifying_change_nothing(reference):
    game = FunctionGame(planted, N)
    session = Session(game, budget=300, evaluator=(gate := Gate(game)))
    watched = Watched(session)
    while session.snapshot().estimate is None:
        gate.open.release(1)
        gate.waiting.wait(0.1)
    session.start_evidence([0, 1], contexts=8)
    session.start_flip(1.5)
    session.start_probing(np.eye(N, dtype=bool))
    session.rank_by("FBII", 2)
    gate.open.release(10_000)
    session.wait(60)
    session.verify(top=3, contexts=4)
    watched.until(lambda snapshot: snapshot.measured and snapshot.asked.flip and not snapshot.asked.flip.searching)
    counts = [session.log.count(purpose) for purpose in ("uniform", "evidence", "probe", "verify")]
    assert counts[:2] == [300, 32]
    assert counts[2] > N
    assert counts[3] > 0
    assert ranking(session) == reference


def test_200_and_then_200_more_is_400():
    in_two = finished(budget=200)
    early = in_two.result
    in_two.add_budget(200)
    in_two.wait(60)
    at_once = finished(budget=400)
    assert early.ablations == 200
    assert ranking(in_two) == ranking(at_once)
    assert in_two.result.estimate.history == at_once.result.estimate.history


def test_a_log_is_continued_without_paying_again(tmp_path, reference):
    paid = []

    def counted(x):
        paid.append(len(x))
        return planted(x)

    game = FunctionGame(counted, N)
    finished(game, budget=180, log=tmp_path / "log")
    paid.clear()
    continued = finished(game, budget=300, log=tmp_path / "log")
    assert sum(paid) == 120
    assert ranking(continued) == reference
    assert len(continued.log) == 300


def test_every_batch_is_logged_before_it_is_used(monkeypatch):
    game = FunctionGame(planted, N)
    tell = ProxySPEX.tell
    in_log = []

    def watched(algorithm, batch, values):
        in_log.append(len(session.log) >= batch.start + len(batch))
        tell(algorithm, batch, values)

    monkeypatch.setattr(ProxySPEX, "tell", watched)
    session = Session(game, budget=100, evaluator=(gate := Gate(game)))
    gate.open.release(100)
    session.wait(30)
    assert in_log
    assert all(in_log)


@pytest.mark.parametrize("n", range(2, 11))
def test_small_games_are_exact(n):
    table = np.random.default_rng(n).normal(size=1 << n)
    session = finished(FunctionGame(lambda x: table[x @ (1 << np.arange(n))], n), budget=1 << n)
    everyone = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1
    assert session.result.exact
    assert session.result.r2 is None
    assert np.allclose(session.result.predict(everyone), table, atol=1e-12)
    assert session.snapshot().reason == "every coalition was evaluated"


@pytest.mark.parametrize(("n", "budget"), [(2, 2), (3, 7), (5, 31), (9, 511), (30, 2), (30, 5), (30, 31), (30, 33)])
def test_budgets_just_below_what_is_needed_end_cleanly(n, budget):
    session = finished(FunctionGame(lambda x: 1.0 * x[:, 0], n), budget=budget)
    assert session.state == "done"
    assert session.result.ablations == budget
    assert not session.result.exact


def test_a_budget_beyond_all_coalitions_is_cut_to_them():
    assert finished(FunctionGame(lambda x: x.sum(axis=1), 3), budget=1000).ablations == 8


def test_stop_ends_at_the_batch_boundary_and_keeps_what_is_known():
    game = FunctionGame(planted, N)
    gate = Gate(game)
    session = Session(game, budget=4000, evaluator=gate)
    gate.open.release(4)
    while len(gate.asked) < 5:
        gate.waiting.wait(1)
    session.stop()
    assert session.snapshot().state == "stopping"
    gate.open.release(1)
    session.wait(30)
    asked = sum(map(len, gate.asked))
    assert session.state == "stopped"
    assert session.ablations == session.result.ablations == asked < 4000


def test_while_paused_nothing_is_evaluated_but_probes():
    game = FunctionGame(planted, N)
    gate = Gate(game)
    session = Session(game, budget=200, evaluator=gate)
    gate.waiting.wait(30)
    session.pause()
    gate.open.release(1)
    asker = threading.Thread(target=session.probe, args=(np.ones(N, bool),))
    asker.start()
    gate.open.release(1)
    asker.join(30)
    assert session.state == "paused"
    assert [len(rows) for rows in gate.asked] == [8, 1]
    with pytest.raises(TimeoutError, match="paused"):
        session.wait(0.01)
    gate.open.release(1000)
    session.resume()
    session.wait(30)
    assert session.ablations == 200


def test_a_game_that_raises_fails_the_run_and_keeps_what_was_evaluated():
    calls = []

    def breaks(x):
        calls.append(len(x))
        if sum(calls) > 100:
            raise ZeroDivisionError("the device is on fire")
        return planted(x)

    session = Session(FunctionGame(breaks, N), budget=400)
    with pytest.raises(ZeroDivisionError, match="on fire"):
        session.wait(30)
    assert session.state == "failed"
    assert session.snapshot().reason == "ZeroDivisionError: the device is on fire"
    kept = [row for row in session.log if row.status == "ok"]
    assert session.result.ablations == len(kept) == session.ablations > 0
    assert any(row.status == "failed" for row in session.log)
    with pytest.raises(ZeroDivisionError):
        session.wait()


def test_what_failed_is_tried_again_on_resume(reference):
    broken = threading.Event()
    broken.set()

    def flaky(x):
        if broken.is_set():
            raise OSError("no route to the model")
        return planted(x)

    session = Session(FunctionGame(flaky, N), budget=300)
    with pytest.raises(OSError, match="no route"):
        session.wait(30)
    broken.clear()
    session.resume()
    session.wait(30)
    assert session.error is None
    assert ranking(session) == reference


def test_nan_fails_the_run_and_the_finite_rows_of_the_batch_are_kept():
    def sometimes(x):
        values = planted(x)
        values[x[:, :5].all(axis=1)] = np.nan
        return values

    session = Session(FunctionGame(sometimes, N), budget=400)
    with pytest.raises(ValueError, match=r"NaN or an infinity.*values must be finite"):
        session.wait(30)
    assert session.error is not None
    logged = list(session.log)
    assert {row.status for row in logged} == {"ok", "failed"}
    assert len(logged) > session.ablations


def test_a_probe_that_fails_does_not_fail_the_run():
    def refuses(x):
        if len(x) == 1 and not x.any():
            raise ValueError("there is nothing to say")
        return planted(x)

    session = Session(FunctionGame(refuses, N), budget=100)
    with pytest.raises(ValueError, match="nothing to say"):
        session.probe(np.zeros(N, bool))
    session.wait(30)
    assert session.state == "done"


def test_probing_after_the_end_leaves_the_state():
    session = finished(budget=64)
    assert session.probe(np.ones((2, N), bool)).shape == (2, 1)
    assert session.state == "done"


def test_snapshots_ascend_and_the_last_one_is_final():
    for _ in range(10):
        seen = []
        session = Session(FunctionGame(planted, N), budget=64)
        session.subscribe(seen.append)
        session.wait(30)
        assert seen[-1].state == "done"
        assert seen[-1].estimate.ablations == 64
        assert [s.seq for s in seen] == sorted({s.seq for s in seen})


def test_a_watcher_that_fails_does_not_silence_the_others(caplog):
    seen = []
    session = Session(FunctionGame(planted, N), budget=64)
    session.subscribe(lambda snapshot: 1 / 0)
    session.subscribe(seen.append)
    session.wait(30)
    assert seen[-1].state in FINAL
    assert "a watcher of the run failed" in caplog.text


def test_another_output_is_explained_from_the_same_ablations():
    def two(x):
        return np.column_stack([planted(x), 5.0 * (x[:, 3] & x[:, 4])])

    session = finished(FunctionGame(two, N, outputs=["a", "b"]), budget=300)
    session.select("b")
    session.wait(30)
    assert ranking(session)[0] == ((3, 4), pytest.approx(5.0))
    assert len(session.log) == 300
    with pytest.raises(ValueError, match=r"output must be one of \['a', 'b'\] or its position, got 'c'"):
        session.select("c")


def test_the_chosen_output_is_known_before_the_first_estimate():
    game = FunctionGame(lambda x: np.column_stack([planted(x), x[:, 3]]), N, outputs=["a", "b"])
    gate = Gate(game)
    session = Session(game, budget=64, output="b", evaluator=gate)
    assert gate.waiting.wait(30)
    snapshot = session.snapshot()
    assert (snapshot.estimate, snapshot.output.position) == (None, 1)
    session.stop()
    gate.open.release(64)
    session.wait(30)


def test_a_session_is_quiet(capfd):
    finished(budget=300)
    assert capfd.readouterr() == ("", "")


def test_no_thread_is_left_behind():
    finished(budget=64)
    left = [t for t in threading.enumerate() if t.name.startswith("spex-")]
    for thread in left:
        thread.join(10)
    assert not [t for t in left if t.is_alive()]


def test_a_run_that_has_ended_is_held_by_nothing_but_its_session():
    session = finished(budget=64)
    for thread in [t for t in threading.enumerate() if t.name.startswith("spex-")]:
        thread.join(10)
    held = weakref.ref(session), weakref.ref(session._crank), weakref.ref(session._run)
    gc.disable()  # so that a circle would show
    try:
        del session
        assert [ref() for ref in held] == [None, None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"budget": 1}, ValueError, "budget must be at least 2, got 1"),
        ({"budget": 2.5}, TypeError, r"budget must be a whole number, got 2\.5"),
        ({"algorithm": "shap"}, ValueError, "algorithm must be one of proxyspex, got 'shap'"),
        ({"refine": "magic"}, ValueError, "refine must be one of auto, pursuit, lasso, process, ridge, got 'magic'"),
        ({"seed": "x"}, TypeError, "seed must be a whole number, got 'x'"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"algorithm": ["proxyspex"]}, ValueError, "algorithm must be one of proxyspex"),
        ({"refine": np.zeros(2)}, ValueError, "refine must be one of auto, pursuit"),
        ({"evaluator": 5}, TypeError, "evaluator must have submit"),
        ({"log": 5}, TypeError, "log must be the path of a file, got 5"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        Session(FunctionGame(planted, N), **arguments)


def test_a_function_is_no_game():
    with pytest.raises(TypeError, match=r"game must be a Game, got function; FunctionGame\(f, n\) makes one"):
        Session(planted)


def test_a_future_of_another_kind_serves_as_well():
    class Remote:
        slots = 1

        def __init__(self, game):
            self._game = game

        def submit(self, coalitions, priority):
            future = Future()
            threading.Thread(target=lambda: future.set_result(self._game(coalitions))).start()
            return future

    game = FunctionGame(planted, N)
    assert finished(game, budget=64, evaluator=Remote(game)).ablations == 64


def test_too_many_players_are_refused_before_anything_is_paid_for():
    with pytest.raises(ValueError, match="at most 8,192 players, got 9,000"):
        Session(FunctionGame(planted, 9000))


def test_numpy_numbers_are_numbers():
    session = finished(budget=np.int64(64), seed=np.int64(3))
    session.add_budget(np.int32(10))
    session.wait(30.0)
    assert session.ablations == 74


@pytest.mark.parametrize("verb", ["resume", "add_budget"])
def test_a_stop_is_taken_back_also_while_it_is_under_way(verb):
    game = FunctionGame(planted, N)
    session = Session(game, budget=200, evaluator=(gate := Gate(game)))
    gate.waiting.wait(30)
    session.stop()
    assert session.state == "stopping"
    session.resume() if verb == "resume" else session.add_budget(50)
    gate.open.release(1000)
    session.wait(30)
    assert session.state == "done"
    assert session.ablations == (200 if verb == "resume" else 250)


def test_selecting_an_output_of_a_stopped_run_pays_for_nothing():
    def two(x):
        return np.column_stack([planted(x), 5.0 * (x[:, 3] & x[:, 4])])

    game = FunctionGame(two, N, outputs=["a", "b"])
    session = Session(game, budget=4000, evaluator=(gate := Gate(game)))
    gate.open.release(5)
    while len(gate.asked) < 6:
        gate.waiting.wait(1)
    session.stop()
    gate.open.release(1)
    session.wait(30)
    paid = session.ablations
    session.select("b")
    session.wait(30)
    assert session.state == "stopped"
    assert session.ablations == session.result.ablations == paid
    assert session.result.value == "value of b"


def test_a_game_that_exits_fails_the_run_alone():
    def leaves(x):
        raise SystemExit(3)

    session = Session(FunctionGame(leaves, N), budget=100)
    with pytest.raises(RuntimeError, match=r"the game raised SystemExit\(3\)"):
        session.wait(30)
    assert session.state == "failed"


def test_an_evaluator_that_raises_loses_no_batch(reference):
    class Moody(InlineEvaluator):
        refusals = 1

        def submit(self, coalitions, priority):
            if self.refusals:
                self.refusals -= 1
                raise ConnectionError("the cluster is away")
            return super().submit(coalitions, priority)

    game = FunctionGame(planted, N)
    session = Session(game, budget=300, evaluator=Moody(game))
    with pytest.raises(ConnectionError):
        session.wait(30)
    session.resume()
    session.wait(30)
    assert ranking(session) == reference


@pytest.mark.parametrize("of", ["run", "probe"])
def test_a_log_that_fails_hangs_nobody(of, reference):
    session = Session(FunctionGame(planted, N), budget=300)
    if of == "probe":
        session.wait(30)
    append, session.log.append = session.log.append, broken_append
    if of == "probe":
        with pytest.raises(OSError, match="disk is full"):
            session.probe(np.ones(N, bool))
    else:
        session.add_budget(1)
        with pytest.raises(OSError, match="disk is full"):
            session.wait(30)
    assert session.snapshot().reason == "OSError: the disk is full"
    session.log.append = append
    session.resume()
    session.wait(30)
    assert session.error is None
    assert session.ablations == session.budget


def broken_append(*args, **kwargs):
    raise OSError("the disk is full")


def test_when_a_run_has_ended_its_log_is_one_whole_file(tmp_path):
    session = finished(budget=64, log=tmp_path / "log")
    assert [file.name for file in tmp_path.iterdir()] == ["log"]
    session.probe(np.ones(N, bool))
    assert len(session.log) == 65


def test_every_verb_is_counted_in_the_snapshots():
    session = finished(budget=64)
    before = session.snapshot().turns
    session.pause()
    session.add_budget(1)
    assert session.snapshot().turns == before + 2
    session.wait(30)


def test_a_log_that_holds_more_than_the_usual_budget_is_used_in_full(tmp_path):
    game = FunctionGame(planted, N)
    finished(game, budget=700, log=tmp_path / "log")
    assert finished(game, log=tmp_path / "log").result.ablations == 700
