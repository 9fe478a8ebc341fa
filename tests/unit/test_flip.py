"""The smallest flip: against brute force, planted in larger games, refuted by the model, and in its session."""

import itertools
import threading
from concurrent.futures import CancelledError

import numpy as np
import pytest

from runs import Failing, Gate, N, Watched, finished, planted
from spex_widget.algorithms import FIRST, Estimate
from spex_widget.games import FunctionGame
from spex_widget.session import Session
from spex_widget.session import flip as flip_module
from spex_widget.session import flipper as flipper_module
from spex_widget.session.flip import CANDIDATES, SEARCHED, crossing, find_flip, without
from spex_widget.snapshot import Flip
from spex_widget.spectrum import SparseSpectrum


def found(surrogate, threshold, model=None):
    """The flip, and the sets that the model was asked about one after the other."""
    model, asked = model or surrogate, []

    def ask(sets):
        asked.append(list(sets))
        return model(without(surrogate.n, sets))

    noted = []
    flip = find_flip(surrogate, threshold, ask, noted.append)
    assert not flip.searching
    assert all(earlier.searching for earlier in noted)
    assert flip.tried == sum(map(len, asked)) - 1  # beside all present
    return flip, asked


def by_brute_force(spectrum, threshold):
    """How many players the smallest flip has, None where nothing flips; and all flips of that size."""
    n = spectrum.n
    above = spectrum(np.ones((1, n), bool))[0] >= threshold
    for size in range(1, n + 1):
        sets = list(itertools.combinations(range(n), size))
        values = spectrum(without(n, sets))
        flips = values < threshold if above else values > threshold
        if flips.any():
            return size, {players for players, flip in zip(sets, flips, strict=True) if flip}
    return None, set()


@pytest.mark.parametrize("seed", range(40))
def test_it_is_the_smallest_there_is(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 11))
    dense = SparseSpectrum.from_values(rng.normal(size=1 << n) + rng.normal() * np.arange(1 << n).astype(float) / 99)
    spectrum = dense.truncate(int(rng.integers(1, n + 1)))
    threshold = float(rng.normal() * 2)
    size, flips = by_brute_force(spectrum, threshold)
    flip, _ = found(spectrum, threshold)
    if size is None:
        assert flip == Flip(threshold, searching=False, tried=0)
    else:
        assert (len(flip.ablated), flip.minimal) == (size, True)
        assert flip.ablated in flips
        assert flip.value == pytest.approx(spectrum(without(n, [flip.ablated]))[0])


def any_of(n, players, weight):
    """So much where any of these players is present."""
    parts = [part for size in range(len(players) + 1) for part in itertools.combinations(players, size)]
    terms = SparseSpectrum.from_sets(n, dict.fromkeys(parts, -weight / len(parts)))
    return terms + SparseSpectrum.from_sets(n, {(): weight})


@pytest.mark.parametrize("players", [(7,), (3, 41), (3, 17, 41), (2, 20, 33, 59), (2, 13, 20, 33, 59)])
def test_what_stands_in_for_each_other_is_ablated_together(players):
    rng = np.random.default_rng(len(players))
    small = SparseSpectrum.from_sets(60, {(i,): float(rng.normal() / 100) for i in range(60)})
    model = any_of(60, players, 5.0) + small
    assert model(without(60, [players, players[1:]])) == pytest.approx([0.0, 5.0], abs=0.6)
    flip, asked = found(model, 2.5)
    assert (flip.ablated, flip.minimal) == (players, True)
    assert len(asked[1]) <= CANDIDATES
    assert len(asked) == 3 - (len(players) == 1)  # all present, the candidates, each put back


def test_a_sum_of_many_takes_as_many_as_it_must():
    weights = np.random.default_rng(5).normal(size=2000) + 0.1
    model = SparseSpectrum.from_sets(2000, {(): weights.sum() / 2, **{(i,): -w / 2 for i, w in enumerate(weights)}})
    largest = np.sort(weights)[::-1].cumsum()
    for needed in (1, 2, 7, 40):
        threshold = weights.sum() - largest[needed - 1] + 1e-6
        flip, _ = found(model, threshold)
        assert len(flip.ablated) == needed
        assert flip.minimal


def test_from_below_it_is_crossed_upwards():
    model = SparseSpectrum.from_values([1.0, -1.0, -1.0, -1.0])
    flip, _ = found(model, 0.0)
    assert (flip.ablated, flip.value) == ((0, 1), 1.0)


def test_where_nothing_crosses_nobody_is_asked():
    model = SparseSpectrum.from_sets(60, {(): 5.0, (0, 1): 1.0, (4,): 1.0})
    flip, asked = found(model, 0.0)
    assert flip == Flip(0.0, searching=False)
    assert asked == [[()]]


def test_the_value_itself_is_on_the_upper_side():
    model = SparseSpectrum.from_values([0.0, 1.0, 1.0, 1.0])
    assert found(model, 1.0)[0].ablated == (0, 1)


def test_the_model_has_the_last_word():
    real = SparseSpectrum.from_sets(60, {(): 2.0, (0,): -1.0, (1,): -1.0, (2,): -1.0})
    spurious = SparseSpectrum.from_sets(60, {(30,): -5.0, (31, 32): 4.0, (): 1.0})
    flip, asked = found(real + spurious, 0.5, model=real)
    whole = real(np.ones((1, 60), bool))[0]
    assert whole == 5.0
    assert (30,) in asked[1]
    assert set(flip.ablated) == {0, 1, 2}
    assert flip.minimal
    assert flip.value == -1.0


def test_needless_players_are_put_back_several_at_a_time():
    # What one player does alone the surrogate lets twenty do.
    weights = {(i,): -0.05 for i in range(40)}
    rough = SparseSpectrum.from_sets(60, {(): 2.0, **weights})
    real = SparseSpectrum.from_sets(60, {(): 2.0, **weights, (7,): -2.0})
    flip, asked = found(rough, 2.0, model=real)
    assert (flip.ablated, flip.minimal) == ((7,), True)
    assert len(asked) == 4  # all present, the candidates, each put back, the needless ones together


def test_a_model_that_never_flips_ends_the_search():
    surrogate = SparseSpectrum.from_sets(60, {(): 0.0, **{(i,): -1.0 for i in range(60)}})
    flip, asked = found(surrogate, 55.5, model=lambda x: np.full(len(x), 60.0))
    assert flip == Flip(55.5, searching=False, tried=SEARCHED)
    assert max(map(len, asked)) == CANDIDATES


def test_a_level_that_is_off_does_not_hide_what_changes():
    # All that the model says is 4 less than the surrogate thinks, so that its own level would need many more.
    rough = SparseSpectrum.from_sets(60, {(): 10.0, **{(i,): -0.5 for i in range(40)}})
    real = rough + SparseSpectrum.from_sets(60, {(): -4.0})
    flip, _ = found(rough, 23.5, model=real)
    assert len(flip.ablated) == 3


def test_a_pair_is_found_also_where_neither_player_nor_its_term_is_among_the_largest():
    few = {(i,): -0.005 for i in range(2, 72)}
    loud = dict.fromkeys(itertools.islice(itertools.combinations(range(72, 200), 2), 600), -0.5)
    surrogate = any_of(200, (0, 1), 1.0) + SparseSpectrum.from_sets(200, few | loud)
    whole = surrogate(np.ones((1, 200), bool))[0]
    assert list(itertools.islice(crossing(surrogate, whole - 0.9), 2)) == [[], [(0, 1)]]


def test_where_too_much_would_have_to_be_asked_nobody_says_that_it_is_minimal(monkeypatch):
    monkeypatch.setattr(flip_module, "PUT_BACK", 2)
    flip, _ = found(any_of(60, (3, 17, 41), 5.0), 2.5)
    assert (flip.ablated, flip.minimal, flip.tried) == ((3, 17, 41), False, 1)


# In its session -------------------------------------------------------------------------------------------------------


def test_a_session_finds_it_and_says_so(tmp_path):
    session = finished(budget=400, log=tmp_path / "log")
    flip = session.smallest_flip(1.5)
    assert (flip.ablated, flip.minimal, flip.searching) in [((i,), True, False) for i in (0, 1, 2)]
    assert flip.value == planted(without(N, [flip.ablated]))[0]
    asked = session.snapshot().asked
    assert asked.flip == flip
    assert asked.pending == 0
    assert asked.ablations == session.log.count("probe") == flip.tried + 1
    # Of all that was tried, what it set out from and where it came to.
    assert [probe.value for probe in asked.probes] == [planted(np.ones((1, N), bool))[0], flip.value]


def test_it_begins_aside_and_tells_how_far_it_is():
    game = FunctionGame(planted, N)
    session = finished(game, budget=400)
    session._crank._evaluator = gate = Gate(game)
    watched = Watched(session)
    turns = session.snapshot().turns
    session.start_flip(1.5)
    begun = session.snapshot()
    assert (begun.asked.flip, begun.turns) == (Flip(1.5), turns + 1)
    watched.until(lambda snapshot: snapshot.asked.pending == 1)
    gate.open.release(1)  # all present
    watched.until(lambda snapshot: snapshot.asked.pending > 1)
    gate.open.release(100)
    ended = watched.until(lambda snapshot: not snapshot.asked.flip.searching)
    assert ended.asked.flip.minimal
    assert ended.asked.error == ""


def test_a_click_on_what_is_being_tried_is_answered():
    game = FunctionGame(planted, N)
    session = finished(game, budget=400)
    session._crank._evaluator = gate = Gate(game)
    watched = Watched(session)
    session.start_flip(1.5)
    assert gate.waiting.wait(30)  # all present
    session.start_probing(np.ones(N, bool))
    gate.open.release(100)
    ended = watched.until(lambda snapshot: not snapshot.asked.flip.searching and not snapshot.asked.pending)
    values = [probe.value for probe in ended.asked.probes]
    assert values == [planted(np.ones((1, N), bool))[0], ended.asked.flip.value]


def test_the_usual_threshold_is_the_games_own_or_half_way():
    session = finished(FunctionGame(lambda x: 8.0 * x[:, 0] - 1.0, 3))
    assert session.smallest_flip().threshold == pytest.approx(3.0)

    class Answering(FunctionGame):
        threshold = 0.0

    session = finished(Answering(lambda x: np.outer(x[:, 0], [8.0, 2.0]) - 1.0, 3, outputs=["a", "b"]))
    assert session.smallest_flip().threshold == 0.0
    session.select([1, 1])
    session.wait(30)
    assert session.smallest_flip().threshold == pytest.approx(3.0)
    for contrast in ({"a": 1, "b": -1}, {"a": 0.1 + 0.2, "b": -0.3}):
        session.select(contrast)
        session.wait(30)
        assert session.smallest_flip().threshold == 0.0


def test_half_way_is_the_models_own():
    def rare(x):
        return 1.0 * x[:, 0] + 64.0 * x.all(axis=1)  # which a surrogate of few ablations does not know

    session = finished(FunctionGame(rare, 12), budget=64)
    assert abs(session.result.predict(np.ones((1, 12), bool))[0] - 65) > 30
    flip = session.smallest_flip()
    assert flip.threshold == pytest.approx((65 + 0) / 2)
    asked = {tuple(probe.coalition): probe.value for probe in session.snapshot().asked.probes}
    assert (asked[(True,) * 12], asked[(False,) * 12]) == (65.0, 0.0)


def test_each_output_has_its_own():
    game = FunctionGame(lambda x: x[:, :2] * 2.0, 3, outputs=["a", "b"])
    session = finished(game)
    assert session.smallest_flip(1.0).ablated == (0,)
    session.select("b")
    session.wait(30)
    assert session.snapshot().asked.flip is None
    assert session.smallest_flip(1.0).ablated == (1,)
    session.select("a")
    session.wait(30)
    assert session.snapshot().asked.flip.ablated == (0,)
    assert session.log.count("probe") == 0  # every coalition was evaluated before


def test_a_newer_search_takes_the_place_of_an_older(caplog):
    game = FunctionGame(planted, N)
    session = finished(game, budget=400)
    session._crank._evaluator = gate = Gate(game)
    watched = Watched(session)
    session.start_flip(1.5)
    assert gate.waiting.wait(30)
    session.start_flip(-1.0)
    assert session.snapshot().asked.flip == Flip(-1.0)
    gate.open.release(1000)
    ended = watched.until(lambda snapshot: snapshot.asked.flip and not snapshot.asked.flip.searching)
    assert ended.asked.flip.threshold == -1.0
    assert ended.asked.flip.ablated
    assert session.log.count("probe") == 1 + ended.asked.flip.tried  # all present, once, and nothing for the older
    assert not caplog.records


@pytest.mark.parametrize("aside", [True, False])
def test_stop_ends_it_and_nobody_may_think_that_nothing_flips(aside):
    game = FunctionGame(planted, N)
    session = finished(game, budget=400)
    session._crank._evaluator = gate = Gate(game)
    watched, raised = Watched(session), []

    def in_a_cell():
        with pytest.raises(CancelledError, match="stopped by you"):
            session.smallest_flip(1.5)
        raised.append(True)

    searcher = threading.Thread(target=session.start_flip if aside else in_a_cell, args=(1.5,) * aside)
    searcher.start()
    assert gate.waiting.wait(30)
    session.stop()
    gate.open.release(1)
    ended = watched.until(lambda snapshot: not snapshot.asked.flip and not snapshot.asked.pending)
    searcher.join(30)
    assert ended.asked.error == ""
    assert raised == [True] * (not aside)
    gate.open.release(1000)
    assert session.smallest_flip(1.5).ablated


def test_what_the_game_raises_is_said(caplog):
    broken = threading.Event()

    def breaks(x):
        if broken.is_set():
            raise OSError("no route to the model")
        return planted(x)

    session = finished(FunctionGame(breaks, N), budget=400)
    broken.set()
    with pytest.raises(OSError, match="no route"):
        session.smallest_flip(1.5)
    asked = session.snapshot().asked
    assert (asked.flip, asked.error, session.state) == (None, "OSError: no route to the model", "done")
    watched = Watched(session)
    session.start_flip(1.5)
    watched.until(lambda snapshot: snapshot.asked.error and snapshot.turns)
    broken.clear()
    session.smallest_flip(1.5)
    assert session.snapshot().asked.error == ""


def test_what_was_found_before_an_error_stays():
    model = Failing()
    session = finished(FunctionGame(model.breaks, N), budget=400)
    session._run.estimate = Estimate(FIRST, 1, 400, any_of(N, (0, 9), 5.0))
    model.left = 1 + 1  # all present, and the pair; nobody is put back
    with pytest.raises(OSError, match="no route"):
        session.smallest_flip(1.5)
    assert session.snapshot().asked.flip == Flip(1.5, False, (0, 9), planted(without(N, [(0, 9)]))[0], False, 1)


def fails(*args, **kwargs):
    raise RuntimeError("no more threads")


def test_what_cannot_be_begun_is_ended(monkeypatch):
    session = finished(budget=200)
    monkeypatch.setattr(flipper_module, "Thread", fails)
    with pytest.raises(RuntimeError, match="no more threads"):
        session.start_flip()
    asked = session.snapshot().asked
    assert (asked.flip, asked.error) == (None, "RuntimeError: no more threads")


@pytest.mark.parametrize(
    ("threshold", "error", "message"),
    [("low", TypeError, "a number, got 'low'"), (True, TypeError, "got True"), (np.nan, ValueError, "finite")],
)
@pytest.mark.parametrize("verb", ["smallest_flip", "start_flip"])
def test_a_threshold_is_a_finite_number(threshold, error, message, verb):
    session = finished(budget=64)
    with pytest.raises(error, match=message):
        getattr(session, verb)(threshold)
    assert session.snapshot().asked.flip is None


def test_before_the_first_round_there_is_nothing_to_search():
    game = FunctionGame(planted, N)
    session = Session(game, budget=64, evaluator=(gate := Gate(game)))
    with pytest.raises(RuntimeError, match="nothing is known yet"):
        session.start_flip()
    gate.open.release(100)
    session.wait(30)
