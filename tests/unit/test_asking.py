"""What a person asks of the model beside the run: every question is answered, none twice, and the run goes on."""

import itertools
import threading

import numpy as np
import pytest

from runs import Gate, Late, N, Watched, finished, planted
from spex_widget.games import FunctionGame
from spex_widget.session import Session
from spex_widget.session.flip import without
from spex_widget.snapshot.asked import KEPT, Asked

PRESENT = np.ones(N, bool)


class Counted(FunctionGame):
    """Counts how often each coalition is evaluated, and fails on those that it is told to."""

    def __init__(self, f=planted, n=N, **kwargs):
        super().__init__(f, n, **kwargs)
        self.times = {}
        self.broken = set()

    def evaluate(self, coalitions):
        for row in coalitions:
            self.times[row.tobytes()] = self.times.get(row.tobytes(), 0) + 1
            if row.tobytes() in self.broken:
                raise OSError("no route to the model")
        return super().evaluate(coalitions)


def shown(snapshot):
    return {tuple(np.flatnonzero(~probe.coalition)): probe.value for probe in snapshot.asked.probes}


def answered(watched, how_many):
    return watched.until(lambda snapshot: len(snapshot.asked.probes) == how_many and not snapshot.asked.pending)


SETS = [(i, j) for i in range(10) for j in range(i)]


@pytest.mark.parametrize("state", ["running", "paused", "done", "stopped"])
def test_in_every_state_each_question_is_answered_once(state):
    game = Counted()
    session = Session(game, budget=300, evaluator=(gate := Gate(game)))
    watched = Watched(session)
    assert gate.waiting.wait(30)
    if state in ("paused", "stopped"):
        session.pause() if state == "paused" else session.stop()
    gate.open.release(1 if state == "paused" else 10_000)
    if state in ("done", "stopped"):
        session.wait(30)
    turns = session.snapshot().turns
    for players in SETS:
        session.start_probing(without(N, [players]))
    gate.open.release(10_000)
    ended = answered(watched, len(SETS))
    assert shown(ended) == {tuple(sorted(p)): planted(without(N, [p]))[0] for p in SETS}
    assert session.state in (state, "done")
    assert session.snapshot().turns == turns + len(SETS)
    assert session.log.count("probe") == session.snapshot().asked.ablations
    assert {game.times[without(N, [players]).tobytes()] for players in SETS} == {1}
    assert set(shown(session.snapshot())) == {tuple(sorted(p)) for p in SETS}
    session.resume()
    session.wait(30)


def test_what_waits_is_asked_together():
    game = FunctionGame(planted, N)
    session = finished(game, budget=200)
    session._crank._evaluator = gate = Gate(game)
    session._run.jobs.pace.size = 32
    watched = Watched(session)
    session.start_probing(PRESENT)
    assert gate.waiting.wait(30)
    for players in SETS[:40]:
        session.start_probing(without(N, [players]))
    gate.open.release(3)
    answered(watched, 41)
    assert [len(rows) for rows in gate.asked] == [1, 32, 8]


def test_many_coalitions_at_once_are_asked_in_batches():
    session = finished(budget=64)
    session._run.jobs.pace.note = lambda *_: None
    session._run.jobs.pace.size = 8
    watched = Watched(session)
    session.start_probing(without(N, SETS))
    assert len(shown(answered(watched, len(SETS)))) == len(SETS)


def test_a_hundred_questions_do_not_starve_the_run():
    game = FunctionGame(planted, N)
    session = Session(game, budget=10_000, evaluator=(gate := Gate(game)))
    assert gate.waiting.wait(30)
    session._run.jobs.pace.note = lambda *_: None
    session._run.jobs.pace.size = 1
    for players in itertools.islice(itertools.combinations(range(N), 2), 100):
        session.start_probing(without(N, [players]))
    gate.open.release(31)
    while len(gate.asked) < 32:
        gate.waiting.wait(1)
    kinds = ["question" if rows.sum() == N - 2 else "round" for rows in gate.asked[1:]]
    assert kinds == [*(["question"] * 4 + ["round"]) * 6, "question"]  # it goes ahead, but not for ever
    session.stop()
    gate.open.release(10_000)
    session.wait(30)


def test_a_question_that_fails_fails_alone():
    game = Counted()
    session = finished(game, budget=200)
    session._crank._evaluator = gate = Gate(game)
    session._run.jobs.pace.size = 32
    game.broken = {without(N, [(3,)]).tobytes()}
    watched = Watched(session)
    session.start_probing(PRESENT)
    assert gate.waiting.wait(30)
    for players in [(1,), (2,), (3,)]:
        session.start_probing(without(N, [players]))
    gate.open.release(5)
    ended = answered(watched, 3)
    assert set(shown(ended)) == {(), (1,), (2,)}
    assert (ended.asked.error, ended.state) == ("OSError: no route to the model", "done")
    session.start_probing(without(N, [(4,)]))
    gate.open.release(1)
    assert answered(watched, 4).asked.error == ""


def test_of_a_batch_with_a_nan_the_finite_answers_are_not_asked_again():
    at_end = threading.Event()

    def sometimes(x):
        return np.where(x[:, 3] | (not at_end.is_set()), planted(x), np.nan)

    game = Counted(sometimes)
    session = finished(game, budget=200)
    at_end.set()
    session._crank._evaluator = gate = Gate(game)
    session._run.jobs.pace.size = 32
    watched = Watched(session)
    session.start_probing(PRESENT)
    assert gate.waiting.wait(30)
    for players in [(1,), (2,), (3,)]:
        session.start_probing(without(N, [players]))
    gate.open.release(10)
    assert "NaN" in answered(watched, 3).asked.error
    assert [game.times[without(N, [(i,)]).tobytes()] for i in (1, 2, 3)] == [1, 1, 2]


@pytest.mark.parametrize("evaluator", [None, "late"])
def test_what_the_log_knows_is_not_paid_for_again(tmp_path, evaluator):
    game = Counted()
    late = {"evaluator": Late(game, 0)} if evaluator else {}
    session = finished(game, budget=200, log=tmp_path / "log", **late)
    session.verify(top=1, contexts=4)
    for purpose in ("uniform", "verify"):
        row = next(session.log.of(purpose))
        assert session.probe(row.coalition).tolist() == row.values.tolist()
        assert tuple(np.flatnonzero(~row.coalition)) in shown(session.snapshot())
    assert session.log.count("probe") == session.snapshot().asked.ablations == 0
    twice = session.probe([PRESENT, PRESENT, ~PRESENT])
    assert twice[:, 0].tolist() == planted(np.array([PRESENT, PRESENT, ~PRESENT])).tolist()
    session.probe(PRESENT)
    assert session.log.count("probe") == session.snapshot().asked.ablations == 2
    assert set(game.times.values()) == {1}


def test_the_log_is_one_whole_file_again_after_a_look_at_it(tmp_path):
    session = finished(budget=64, log=tmp_path / "log")
    watched = Watched(session)
    session.start_probing(next(session.log.of("uniform")).coalition)
    answered(watched, 1)
    with session._run.moved:
        session._run.moved.wait_for(lambda: session._crank._worker is None, 30)
    assert [file.name for file in tmp_path.iterdir()] == ["log"]


def test_the_newest_are_shown_each_once_and_again_in_a_continued_log(tmp_path):
    game = FunctionGame(planted, N)
    session = finished(game, budget=64, log=tmp_path / "log")
    rows = without(N, SETS + [(i,) for i in range(N)])
    assert len(rows) > KEPT + 2
    session.probe(rows)
    assert [probe.coalition.tolist() for probe in session.snapshot().asked.probes] == rows[-KEPT:].tolist()
    session.probe(rows[0])
    probes = session.snapshot().asked.probes
    assert len(probes) == KEPT
    assert probes[-1].coalition.tolist() == rows[0].tolist()
    session.probe(rows[-3])
    kept = session.snapshot().asked.probes
    assert [probe.coalition.tolist() for probe in kept[-2:]] == rows[[0, -3]].tolist()
    again = finished(game, budget=64, log=tmp_path / "log").snapshot().asked
    assert [probe.coalition.tolist() for probe in again.probes] == rows[-KEPT:].tolist()
    assert again.ablations == session.log.count("probe") == len(rows)


def test_another_output_has_its_probes_as_well():
    game = FunctionGame(lambda x: np.column_stack([planted(x), 5.0 * x[:, 3]]), N, outputs=["a", "b"])
    session = finished(game, budget=200)
    session.probe(without(N, [(3,), (9,)]))
    assert shown(session.snapshot()) == {(3,): pytest.approx(2.3), (9,): pytest.approx(1.3)}
    session.select({"b": 2, "a": 1})
    session.wait(30)
    assert shown(session.snapshot()) == {(3,): pytest.approx(2.3), (9,): pytest.approx(11.3)}


def test_before_the_first_round_they_are_of_what_will_be_explained():
    game = FunctionGame(lambda x: np.column_stack([planted(x), 5.0 * x[:, 3]]), N, outputs=["a", "b"])
    session = Session(game, budget=64, output="b", evaluator=(gate := Gate(game)))
    gate.waiting.wait(30)
    session.start_probing(PRESENT)
    gate.open.release(2)
    watched = Watched(session)
    assert shown(answered(watched, 1)) == {(): 5.0}
    gate.open.release(100)
    session.wait(30)


def test_what_waits_is_counted():
    game = FunctionGame(planted, N)
    session = finished(game, budget=64)
    session._crank._evaluator = gate = Gate(game)
    session.start_probing(without(N, SETS[:3]))
    assert session.snapshot().asked == Asked(pending=3)
    asker = threading.Thread(target=session.probe, args=(without(N, SETS[3:8]),))
    watched = Watched(session)
    asker.start()
    watched.until(lambda snapshot: snapshot.asked.pending == 8)
    gate.open.release(100)
    asker.join(30)
    assert answered(watched, 8)


def test_what_is_being_asked_is_not_asked_again():
    game = Counted()
    session = finished(game, budget=64)
    session._crank._evaluator = gate = Gate(game)
    gate.slots = 3
    watched = Watched(session)
    for _ in range(3):
        session.start_probing([PRESENT, PRESENT])
    assert session.snapshot().asked.pending == 1
    gate.open.release(3)
    answered(watched, 1)
    assert game.times[PRESENT.tobytes()] == 1


def test_no_coalitions_have_no_values():
    session = finished(budget=64)
    assert session.probe(np.zeros((0, N), bool)).shape == (0, 1)
    session.start_probing(np.zeros((0, N), bool))
    assert session.snapshot().asked == Asked()


@pytest.mark.parametrize("verb", ["probe", "start_probing"])
def test_what_is_no_coalition_is_refused(verb):
    session = finished(budget=64)
    with pytest.raises(ValueError, match="coalitions must have shape"):
        getattr(session, verb)([True])
    assert session.snapshot().asked == Asked()


def test_a_log_that_cannot_be_read_is_said(monkeypatch):
    session = finished(budget=64)

    def broken(coalitions):
        raise OSError("the disk is gone")

    monkeypatch.setattr(session.log, "find", broken)
    watched = Watched(session)
    session.start_probing(PRESENT)
    watched.until(lambda snapshot: snapshot.asked.error == "OSError: the disk is gone")
    with pytest.raises(OSError, match="the disk is gone"):
        session.probe(PRESENT)
    monkeypatch.undo()
    assert session.probe(PRESENT).tolist() == [planted(PRESENT[None])[0]]
    assert session.snapshot().asked.error == ""


# Which index --------------------------------------------------------------------------------------------------------


def test_another_index_is_shown_at_once():
    session = finished(budget=200)
    watched = Watched(session)
    turns = session.snapshot().turns
    session.rank_by("fbii", 2)
    told = watched.until(lambda snapshot: snapshot.index == "FBII")
    assert (told.max_order, told.turns) == (2, turns + 1)
    session.rank_by()
    assert (session.snapshot().index, session.snapshot().max_order) == ("BII", None)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("magic",), ValueError, "index must be one of"),
        (("BII", 0), ValueError, "max_order must be at least 1"),
        (("BII", 1.5), TypeError, "max_order must be a whole number"),
    ],
)
def test_an_index_that_there_is_not_is_refused(arguments, error, message):
    session = finished(budget=64)
    with pytest.raises(error, match=message):
        session.rank_by(*arguments)
    assert session.snapshot().index == "BII"
