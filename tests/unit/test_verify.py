"""Verification: what the surrogate says is measured on the model, and the model has the last word."""

import itertools
import threading
from concurrent.futures import CancelledError

import numpy as np
import pytest

from runs import Failing, Gate, Held, N, Watched, finished, planted, ranking
from spex_widget.algorithms import FIRST, Estimate, ProxySPEX
from spex_widget.games import FunctionGame
from spex_widget.report import Result
from spex_widget.session import Session
from spex_widget.session import verifier as verifier_module
from spex_widget.session.verify import draw_contexts, measure
from spex_widget.snapshot import Header, Measured, Snapshot, Verifying, bii
from spex_widget.spectrum import SparseSpectrum


def test_what_is_true_is_confirmed_and_the_ranking_says_so_from_then_on():
    session = finished(budget=400)
    rows = session.verify(top=2)
    assert [(row["members"], row["verdict"]) for row in rows] == [((0, 1, 2), "confirmed"), ((5, 6), "confirmed")]
    assert rows[0]["low"] <= 3.0 <= rows[0]["high"]
    said = {row["members"]: row["verified"] for row in session.result.ranking()}
    result = session.result
    assert "0 · 1 · 2, confirmed" in repr(result.ranking("BII"))
    assert result.ranking("BII")._repr_html_().count("<td>confirmed</td>") == 2
    assert said.pop((0, 1, 2)) == said.pop((5, 6)) == "confirmed"
    assert set(said.values()) == {None}


def test_verifying_changes_nothing_but_what_is_verified():
    session = finished(budget=200)
    before = ranking(session)
    session.verify(top=3, contexts=8)
    session.add_budget(100)
    session.wait(60)
    assert ranking(session) == ranking(finished(budget=300))
    assert session.ablations == 300
    assert before != ranking(session)


def test_what_is_measured_is_logged_and_in_fresh_contexts_each_time(tmp_path):
    session = finished(budget=200, log=tmp_path / "log")
    rows = [*session.verify(top=3, contexts=8), *session.verify(top=3, contexts=8)]
    logged = [row.coalition for row in session.log if row.purpose == "verify"]
    assert len(logged) == session.log.count("verify") == sum(8 << row["order"] for row in rows)
    half = len(logged) // 2
    first, second = ({row.tobytes() for row in part} for part in (logged[:half], logged[half:]))
    assert len(first & second) < half / 4


def test_a_spurious_interaction_is_contradicted():
    session = finished(FunctionGame(planted, N), budget=200)
    wrong = SparseSpectrum.from_sets(N, {(0, 1): 0.5, (3, 4): -0.5, (0, 1, 2): 0.375})
    session._run.estimate = Estimate(FIRST, 1, 200, wrong)
    verdicts = {row["members"]: row["verdict"] for row in session.verify(contexts=64)}
    assert verdicts == {(0, 1): "confirmed", (3, 4): "contradicted", (0, 1, 2): "contradicted"}


@pytest.mark.parametrize(
    ("low", "high", "effect", "verdict"),
    [
        (0.5, 1.3, 1.0, "confirmed"),
        (1.0, 1.0, 1.0, "confirmed"),  # the same in all contexts
        (-1.3, -0.5, -1.0, "confirmed"),
        (-0.1, 1.3, 1.0, "undecided"),
        (0.5, 1.3, -1.0, "contradicted"),
        (-0.1, 0.15, 1.0, "contradicted"),
        (-0.1, 0.15, -1.0, "contradicted"),
        (0.0, 0.0, 1.0, "contradicted"),
        (0.1, 0.25, 1.0, "undecided"),  # right in sign, of another size
        (4.0, 5.0, 1.0, "undecided"),
        (-9.0, 9.0, 1.0, "undecided"),
    ],
)
def test_the_verdict(low, high, effect, verdict):
    assert Measured((low + high) / 2, low, high, 16).verdict(effect) == verdict


@pytest.mark.parametrize("players", [(0,), (1, 4), (0, 2, 3), (0, 1, 2, 3, 4)])
def test_over_all_contexts_it_is_bii_by_brute_force(players):
    n = 5
    table = np.random.default_rng(1).normal(size=1 << n)
    nothing = SparseSpectrum.from_sets(n, {(0,): 3.0, players: 1.0})
    contexts = draw_contexts(n, players, 1000, seed=0)
    assert len(contexts) == 1 << (n - len(players))
    measured = measure(lambda x: table[x @ (1 << np.arange(n))], nothing, players, contexts, 0.05)
    expected = sum(
        (-1.0) ** (len(players) - len(inside)) * table[sum(1 << i for i in (*inside, *others))]
        for size in range(len(players) + 1)
        for inside in itertools.combinations(players, size)
        for others in powerset(set(range(n)) - set(players))
    ) / len(contexts)
    assert measured.effect == pytest.approx(expected)
    assert bii(SparseSpectrum.from_values(table), players) == pytest.approx(expected)
    assert measured.low == measured.high == measured.effect


def powerset(players):
    return itertools.chain.from_iterable(itertools.combinations(players, k) for k in range(len(players) + 1))


def test_the_interval_covers_the_models_mean_whatever_the_surrogate():
    rng = np.random.default_rng(0)
    model = SparseSpectrum.from_sets(30, {(0, 1): 0.25, (0, 1, 2): 0.2, (0, 1, 3, 4): -0.1, (0, 1, 5): 0.1})
    rough = SparseSpectrum.from_sets(30, {(0, 1): 0.5, (0, 1, 2): 0.1, (0, 1, 9): 0.2})
    good = SparseSpectrum.from_sets(30, {(0, 1): 0.3, (0, 1, 2): 0.2, (0, 1, 5): 0.1})
    widths = []
    for surrogate in (rough, good):
        found = [
            measure(model, surrogate, (0, 1), draw_contexts(30, (0, 1), 16, int(rng.integers(1 << 60))), 0.05)
            for _ in range(400)
        ]
        covered = np.mean([one.low <= 1.0 <= one.high for one in found])
        assert 0.92 <= covered <= 0.98
        widths.append(np.mean([one.high - one.low for one in found]))
        assert np.mean([one.effect for one in found]) == pytest.approx(1.0, abs=0.03)
    assert widths[1] < 0.6 * widths[0]  # the better the surrogate, the sharper the measurement


def test_a_click_comes_between():
    game = FunctionGame(planted, N)
    session = finished(game, budget=200)
    session._crank._evaluator = gate = Gate(game)
    session._run.jobs.pace.size = 8
    verifier = threading.Thread(target=session.verify, kwargs={"top": 5, "contexts": 16})
    verifier.start()
    assert gate.waiting.wait(30)
    clicked = threading.Thread(target=session.probe, args=(np.ones(N, bool),))
    clicked.start()
    with session._run.moved:
        assert session._run.moved.wait_for(lambda: session._run.jobs._asides, 30)
    gate.open.release(2)
    clicked.join(30)
    assert not clicked.is_alive()
    gate.open.release(1000)
    verifier.join(30)
    sizes = [len(rows) for rows in gate.asked]
    assert sizes.index(1) <= 2
    assert sum(sizes[: sizes.index(1)]) < 16 << 2  # before even the first interaction is done
    assert session.state == "done"


def test_what_is_begun_aside_says_how_far_it_is_and_what_it_found(tmp_path):
    game = FunctionGame(planted, N)
    session = finished(game, budget=200, log=tmp_path / "log")
    session._crank._evaluator = gate = Gate(game)
    session._run.jobs.pace.size = 2048
    watched = Watched(session)
    turns = session.snapshot().turns
    session.start_verifying(top=2, contexts=16)
    session.start_verifying(top=9, contexts=16)  # one at a time
    assert (session.snapshot().turns, session.snapshot().verifying) == (turns + 2, Verifying(0, 2, 0))
    gate.open.release(1)
    watched.until(lambda snapshot: snapshot.verifying == Verifying(1, 2, 16 << 3))
    assert session.snapshot().measured.keys() == {(0, 1, 2)}
    gate.open.release(1)
    last = watched.until(lambda snapshot: snapshot.verifying == Verifying(0, 0, (16 << 3) + (16 << 2)))
    assert last.measured.keys() == {(0, 1, 2), (5, 6)}
    assert session.log.count("verify") == last.verifying.ablations
    assert finished(game, budget=200, log=tmp_path / "log").snapshot().verifying.ablations == last.verifying.ablations


def test_it_ends_when_the_interpreter_exits():
    session = finished(budget=200)
    session._crank.leave()
    watched = Watched(session)
    session.start_verifying()
    watched.until(lambda snapshot: snapshot.verifying.error == "CancelledError: the interpreter exits")


def test_one_verification_waits_for_the_other():
    game = FunctionGame(planted, N)
    session = finished(game, budget=200)
    session._crank._evaluator = gate = Gate(game)
    session._run.jobs.pace.size = 2048
    session.start_verifying(top=1)
    assert gate.waiting.wait(30)
    rows = []
    waiting = threading.Thread(target=lambda: rows.extend(session.verify(top=2)))
    waiting.start()
    gate.open.release(3)
    waiting.join(30)
    assert [row["verdict"] for row in rows] == ["confirmed", "confirmed"]
    assert [len(asked) for asked in gate.asked] == [16 << 3, 16 << 3, 16 << 2]


def test_a_run_ends_while_a_verification_goes_on(monkeypatch):
    finishes = []
    finish = ProxySPEX.finish
    monkeypatch.setattr(ProxySPEX, "finish", lambda self, *known: (finishes.append(known), finish(self, *known))[1])
    game = FunctionGame(planted, N)
    session = Session(game, budget=300, evaluator=(held := Held(game, 200)))
    watched = Watched(session)
    watched.until(lambda snapshot: snapshot.estimate)
    session.start_verifying(top=2)
    held.go_on.set()
    session.wait(30)
    assert (session.state, session.result.ablations, len(finishes)) == ("done", 300, 1)
    assert session.snapshot().verifying == Verifying(0, 2)
    held.answer.set()
    ended = watched.until(lambda snapshot: not snapshot.verifying.chosen)
    assert (ended.state, ended.verifying.ablations > 0, len(finishes)) == ("done", True, 1)


@pytest.mark.parametrize("aside", [True, False])
def test_stop_ends_a_verification_too_and_keeps_what_was_measured(aside):
    game = FunctionGame(planted, N)
    session = finished(game, budget=200)
    session._crank._evaluator = gate = Gate(game)
    session._run.jobs.pace.size = 2048
    watched, raised = Watched(session), []

    def in_a_cell():
        with pytest.raises(CancelledError, match="stopped by you"):
            session.verify(top=3)
        raised.append(True)

    verifier = threading.Thread(target=session.start_verifying if aside else in_a_cell, args=(3,) * aside)
    verifier.start()
    gate.open.release(1)
    watched.until(lambda snapshot: snapshot.verifying.done == 1)
    while len(gate.asked) < 2:
        gate.waiting.wait(1)
    session.add_budget(4000)
    session.stop()
    gate.open.release(1)
    session.wait(30)
    ended = watched.until(lambda snapshot: not snapshot.verifying.chosen)
    assert (session.state, session.result.ablations, ended.verifying.error) == ("stopped", 200, "")
    assert session.snapshot().measured.keys() == {(0, 1, 2), (5, 6)}
    verifier.join(30)
    assert raised == [True] * (not aside)
    gate.open.release(1)
    assert session.verify(top=1)[0]["verdict"] == "confirmed"


def test_what_is_measured_is_the_surrogate_of_when_its_turn_comes():
    class Asked:
        """A lock that tells when it is waited for."""

        def __init__(self):
            self.lock, self.asked = threading.Lock(), threading.Event()

        def __enter__(self):
            self.asked.set()
            self.lock.acquire()

        def __exit__(self, *_):
            self.lock.release()

    session = finished(budget=200)
    session._verifier._one = one = Asked()
    rows = []
    waiting = threading.Thread(target=lambda: rows.extend(session.verify(top=1)))
    with one.lock:
        waiting.start()
        assert one.asked.wait(30)
        session._run.estimate = Estimate(FIRST, 1, 300, SparseSpectrum.from_sets(N, {(3, 4): 0.5}))
    waiting.join(30)
    assert [row["members"] for row in rows] == [(3, 4)]


def fails(*args, **kwargs):
    raise RuntimeError("no more threads")


@pytest.mark.parametrize("what", ["Thread", "largest"])
def test_what_cannot_be_begun_is_ended(monkeypatch, what):
    session = finished(budget=200)
    monkeypatch.setattr(verifier_module, what, fails)
    with pytest.raises(RuntimeError, match="no more threads"):
        session.start_verifying(top=2)
    assert session.snapshot().verifying == Verifying(error="RuntimeError: no more threads")
    assert not session._verifier._one.locked()


@pytest.mark.parametrize("where", ["largest", "verify", "np.random.SeedSequence"])
def test_an_interrupt_is_said_to_be_one(monkeypatch, where):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    session = finished(budget=200)
    monkeypatch.setattr(f"{verifier_module.__name__}.{where}", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.verify(top=2)
    assert session.snapshot().verifying == Verifying(error="interrupted by you")
    assert not session._verifier._one.locked()


def test_an_error_without_words_is_its_name():
    def breaks(x):
        raise NotImplementedError

    session = Session(FunctionGame(breaks, N), budget=64)
    with pytest.raises(NotImplementedError):
        session.wait(30)
    assert session.snapshot().reason == "NotImplementedError"


def test_an_output_is_verified_for_itself():
    def two(x):
        return np.column_stack([planted(x), 5.0 * (x[:, 3] & x[:, 4])])

    session = finished(FunctionGame(two, N, outputs=["a", "b"]), budget=300)
    session.verify(top=1)
    session.select("b")
    session.wait(60)
    assert {row["verified"] for row in session.result.ranking()} == {None}
    assert session.verify(top=1)[0]["members"] == (3, 4)
    session.select("a")
    session.wait(60)
    assert {row["members"]: row["verified"] for row in session.result.ranking()}[0, 1, 2] == "confirmed"


def test_a_set_of_many_is_too_large_and_costs_nothing():
    game = FunctionGame(lambda x: 9.0 * x[:, :7].all(axis=1) + (x[:, 0] & x[:, 8]), 9)
    session = finished(game, budget=512)
    rows = session.verify(top=200, contexts=2)
    large = [row for row in rows if row["order"] == 7]
    assert [(row["verdict"], row["measured"], row["contexts"]) for row in large] == [("too large", None, 0)]
    assert session.log.count("verify") == sum(row["contexts"] << row["order"] for row in rows)


def test_what_an_index_says_with_another_sign_is_not_verified():
    spectrum = SparseSpectrum.from_values([0, 0, 0, -0.5, 0, 0, 0, 1.0])  # BII of the first two +0.25, Möbius −0.5
    header = Header(("a", "b", "c"), ("value",), (), "", "", "value", "")
    measured = {(0, 1): Measured(0.25, 0.25, 0.25, 2)}
    known = Estimate(FIRST, 1, 8, spectrum, exact=True)
    result = Result(header, Snapshot(1, "done", "", 8, 8, estimate=known, measured=measured))
    for index, verdict in [("BII", "confirmed"), ("FBII", None)]:
        said = {row["members"]: row["verified"] for row in result.ranking(index)}
        assert said[0, 1] == verdict


def test_the_table_reads_well():
    session = finished(budget=200)
    rows = session.verify(top=2)
    assert repr(rows).splitlines()[0] == "BII, value, measured on the model"
    assert "confirmed" in repr(rows[:1])
    assert "<td>confirmed</td>" in rows._repr_html_()
    assert list(rows.to_frame()["verdict"]) == ["confirmed", "confirmed"]


@pytest.mark.parametrize(
    ("unit", "effect"), [(1.0, "+3.0000"), (1e-6, "+3.000e-06"), (1e140, "+3.000e+140"), (1000.0, "+3000.0")]
)
def test_the_table_is_written_to_the_size_of_its_effects(unit, effect):
    rows = finished(FunctionGame(lambda x: unit * planted(x), N), budget=400).verify(top=2)
    first, second = repr(rows).splitlines()[1:]
    said = first.split()
    assert said[0] == said[1] == said[2].strip("(") == said[4].strip(")") == effect
    assert float(second.split()[0]) == pytest.approx(rows[1]["effect"], rel=1e-3)
    assert first.index("confirmed") == second.index("confirmed")
    assert f"<td>{effect} ({effect} to {effect})</td>" in rows._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"), [({"top": 0}, "top must be at least 1"), ({"contexts": 1}, "contexts must be at least 2")]
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        finished(budget=64).verify(**arguments)


def test_before_the_first_round_there_is_nothing_to_verify():
    game = FunctionGame(planted, N)
    session = Session(game, budget=64, evaluator=(gate := Gate(game)))
    with pytest.raises(RuntimeError, match="nothing is known yet"):
        session.verify()
    gate.open.release(100)
    session.wait(30)


def test_what_the_game_raises_is_raised_and_what_was_measured_stays(caplog):
    model = Failing()
    session = finished(FunctionGame(model.breaks, N), budget=200)
    model.left = 16 << 3  # what the first takes
    with pytest.raises(OSError, match="no route"):
        session.verify(top=2)
    assert (session.state, session.error) == ("done", None)
    said = {row["members"]: row["verified"] for row in session.result.ranking()}
    assert (said[0, 1, 2], said[5, 6]) == ("confirmed", None)
    watched = Watched(session)
    session.start_verifying()
    ended = watched.until(lambda snapshot: not snapshot.verifying.chosen and snapshot.turns)
    assert ended.verifying.error == "OSError: no route to the model"
    assert "in breaks" in caplog.text  # where it failed
    assert (ended.state, session.error) == ("done", None)
    model.left = 10_000
    session.verify(top=1)
    assert session.snapshot().verifying.error == ""
