"""Evidence that a person adds to one interaction: pooled, in fresh contexts, and honest however often one looks."""

import threading
from concurrent.futures import CancelledError

import numpy as np
import pytest

from runs import Failing, Gate, N, Watched, finished, planted
from spex_widget.algorithms import FIRST, Estimate
from spex_widget.games import FunctionGame
from spex_widget.session import Session
from spex_widget.session.verify import Sample, derivatives, draw_contexts, missed
from spex_widget.snapshot import Measured, Verifying
from spex_widget.spectrum import SparseSpectrum


def shaky(x):
    """The pair acts together, more or less, with many others about it."""
    signs = 1.0 - 2.0 * x
    about = sum(signs[:, i] * signs[:, i + 1] for i in range(4, 20))
    return (1.0 + about) * x[:, 0] * x[:, 1]


def contexts_of(session, purpose, players):
    rows = np.array([row.coalition for row in session.log.of(purpose)])
    rows[:, players] = False
    return np.unique(rows, axis=0)


def pair(game=None, **kwargs):
    """A run whose surrogate knows of the pair and of nothing about it."""
    session = finished(game or FunctionGame(shaky, N), budget=64, **kwargs)
    session._run.estimate = Estimate(FIRST, 1, 64, SparseSpectrum.from_sets(N, {(0, 1): 0.25}))
    return session


def test_it_is_pooled_with_all_that_was_measured_before(tmp_path):
    session = pair(log=tmp_path / "log")
    first = session.verify(top=1, contexts=16)[0]
    widths = [first["high"] - first["low"]]
    for times in range(1, 4):
        measured = session.add_evidence((1, 0), contexts=64)
        assert (measured.contexts, measured.targeted) == (16 + 64 * times, 64 * times)
        widths.append(measured.high - measured.low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < widths[0] / 2
    contexts = [contexts_of(session, purpose, (0, 1)) for purpose in ("verify", "evidence")]
    assert len(np.unique(np.concatenate(contexts), axis=0)) == 16 + 3 * 64  # fresh each time
    both = np.concatenate(contexts)
    assert measured.effect == pytest.approx(derivatives(shaky, (0, 1), both).mean())
    snapshot = session.snapshot()
    assert snapshot.measured == {(0, 1): measured}
    assert snapshot.verifying == Verifying(ablations=4 * (16 + 3 * 64))
    assert session.log.count("evidence") == 4 * 3 * 64


def test_a_later_verification_forgets_none_of_it():
    session = pair()
    session.add_evidence((0, 1), contexts=32)
    row = session.verify(top=1, contexts=16)[0]
    assert (row["contexts"], session.snapshot().measured[0, 1].targeted) == (48, 32)


def test_the_interval_is_students_of_all_contexts():
    from scipy.stats import ttest_1samp

    session = pair()
    session.add_evidence((0, 1), contexts=20)
    measured = session.add_evidence((0, 1), contexts=20)
    derived = derivatives(shaky, (0, 1), contexts_of(session, "evidence", (0, 1)))
    expected = ttest_1samp(derived, 0.0).confidence_interval(1 - missed(2))
    assert (measured.low, measured.high) == pytest.approx((expected.low, expected.high))


def test_to_verify_again_is_another_look():
    from scipy.stats import ttest_1samp

    session = pair()
    session.verify(top=1, contexts=20)
    (row,) = session.verify(top=1, contexts=20)
    derived = derivatives(shaky, (0, 1), contexts_of(session, "verify", (0, 1)))
    assert len(derived) == row["contexts"] == 40
    expected = ttest_1samp(derived, 0.0).confidence_interval(1 - missed(2))
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))


def test_however_often_one_looks_the_intervals_hold_together():
    rng = np.random.default_rng(0)
    surrogate = SparseSpectrum.from_sets(30, {(0, 1): 0.5})
    model = SparseSpectrum.from_sets(30, {(0, 1): 0.25, **{(0, 1, i): 0.1 for i in range(2, 12)}})
    always, usual = [], []
    for _ in range(400):
        contexts = draw_contexts(30, (0, 1), 160, int(rng.integers(1 << 60)))
        derived = derivatives(model, (0, 1), contexts)[:, None]
        looks = [Sample(contexts[:end], derived[:end]) for end in range(16, 161, 16)]
        always.append(all(covers(look, surrogate, missed(k)) for k, look in enumerate(looks, 1)))
        usual.append(all(covers(look, surrogate, 0.05) for look in looks))
    assert np.mean(always) > 0.95
    assert np.mean(usual) < 0.9  # what would be said without


def covers(sample, surrogate, miss):
    measured = sample.measured(FIRST, surrogate, (0, 1), miss)
    return measured.low <= 1.0 <= measured.high


def test_of_all_contexts_it_is_exact_and_costs_nothing_more():
    game = FunctionGame(lambda x: x[:, 0] * x[:, 1] * (1.0 + x[:, 2]), 4)
    session = finished(game)
    assert session.add_evidence([0, 1]) == Measured(1.5, 1.5, 1.5, 4, 4)
    paid = session.log.count("evidence")
    assert session.add_evidence([0, 1]) == Measured(1.5, 1.5, 1.5, 4, 4)
    assert session.log.count("evidence") == paid == 16
    assert session.result.ranking("BII", order=2)[0]["verified"] == "confirmed"


def test_each_output_is_measured_by_what_both_have_paid_for():
    game = FunctionGame(lambda x: np.column_stack([x[:, 0] * x[:, 1], 3.0 * x[:, 0] * x[:, 1]]), N, outputs=["a", "b"])
    session = finished(game, budget=64)
    assert session.add_evidence((0, 1), 8).effect == pytest.approx(1.0)
    session.select("b")
    session.wait(30)
    assert session.snapshot().measured == {}
    measured = session.add_evidence((0, 1), 8)
    assert (measured.effect, measured.contexts) == (pytest.approx(3.0), 16)


def test_aside_each_waits_for_its_turn():
    session = pair()
    session._crank._evaluator = gate = Gate(session.game)
    session._run.jobs.pace.size = 2048
    watched = Watched(session)
    turns = session.snapshot().turns
    session.start_evidence((0, 1), 8)
    session.start_evidence((2,), 8)
    assert session.snapshot().turns == turns + 2
    watched.until(lambda snapshot: snapshot.verifying == Verifying(0, 1))
    gate.open.release(1)
    watched.until(lambda snapshot: snapshot.verifying == Verifying(0, 1, 32) and snapshot.measured)
    gate.open.release(1)
    ended = watched.until(lambda snapshot: not snapshot.verifying.chosen and len(snapshot.measured) == 2)
    assert ended.measured[2,].contexts == 8
    assert ended.verifying == Verifying(0, 0, 48)


@pytest.mark.parametrize("aside", [True, False])
def test_stop_keeps_what_was_measured_and_ends_what_waits(aside):
    session = pair()
    session._crank._evaluator = gate = Gate(session.game)
    session._run.jobs.pace.size = 8
    session._run.jobs.pace.note = lambda *_: None
    watched, raised = Watched(session), []

    def in_a_cell():
        with pytest.raises(CancelledError, match="stopped by you"):
            session.add_evidence((0, 1), 64)
        raised.append(True)

    worker = threading.Thread(target=session.start_evidence if aside else in_a_cell, args=((0, 1), 64) * aside)
    worker.start()
    gate.open.release(3)
    watched.until(lambda snapshot: snapshot.verifying.ablations == 24)
    while len(gate.asked) < 4:
        gate.waiting.wait(1)
    session.start_evidence((2, 3), 64)
    session.stop()
    gate.open.release(1)
    ended = watched.until(lambda snapshot: not snapshot.verifying.chosen and snapshot.measured)
    worker.join(30)
    assert raised == [True] * (not aside)
    assert ended.measured.keys() == {(0, 1)}
    assert (ended.measured[0, 1].contexts, ended.verifying.error) == (8, "")
    gate.open.release(1000)
    assert session.add_evidence((0, 1), 64).contexts == 72
    assert session.snapshot().measured.keys() == {(0, 1)}


def test_what_the_game_raises_is_said_and_what_was_measured_stays(caplog):
    model = Failing(shaky)
    session = pair(FunctionGame(model.breaks, N))
    session._run.jobs.pace.size = 8
    session._run.jobs.pace.note = lambda *_: None
    model.left = 8
    with pytest.raises(OSError, match="no route"):
        session.add_evidence((0, 1), 16)
    assert session.snapshot().measured[0, 1].contexts == 2
    watched = Watched(session)
    session.start_evidence((0, 1), 16)
    ended = watched.until(lambda snapshot: snapshot.verifying.error and snapshot.turns)
    assert ended.verifying.error == "OSError: no route to the model"
    assert "in breaks" in caplog.text
    assert (session.state, session.snapshot().measured[0, 1].contexts) == ("done", 2)


def test_a_continued_log_counts_it_and_measures_elsewhere(tmp_path):
    session = pair(log=tmp_path / "log")
    session.add_evidence((0, 1), 16)
    before = contexts_of(session, "evidence", (0, 1))
    again = pair(log=tmp_path / "log")
    assert again.snapshot().verifying.ablations == 64
    again.add_evidence((0, 1), 16)
    assert len(np.unique(np.concatenate([before, contexts_of(again, "evidence", (0, 1))]), axis=0)) == 32


@pytest.mark.parametrize(
    ("members", "contexts", "error", "message"),
    [
        (range(7), 64, ValueError, r"members must be 1 to 6 players, .*, got 7"),
        ([], 64, ValueError, "1 to 6 players"),
        ([0, 24], 64, ValueError, "whole numbers from 0 to 23"),
        ("ab", 64, TypeError, "a list of whole numbers"),
        ([0, 1], 1, ValueError, "contexts must be at least 2"),
    ],
)
@pytest.mark.parametrize("verb", ["add_evidence", "start_evidence"])
def test_bad_arguments_are_named(members, contexts, error, message, verb):
    session = finished(budget=64)
    with pytest.raises(error, match=message):
        getattr(session, verb)(members, contexts)
    assert session.snapshot().verifying == Verifying()


def test_before_the_first_round_there_is_nothing_to_add_to():
    game = FunctionGame(planted, N)
    session = Session(game, budget=64, evaluator=(gate := Gate(game)))
    with pytest.raises(RuntimeError, match="nothing is known yet"):
        session.start_evidence([0, 1])
    gate.open.release(100)
    session.wait(30)
