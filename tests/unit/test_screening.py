"""A screen keeps the players that matter by themselves, and pays for each ablation once."""

import numpy as np
import pytest

import spex_widget as spex
from spex_widget.session import AblationLog, Session, screen
from spex_widget.spectrum import SparseSpectrum

N = 120
TRUTH = {(7,): -0.5, (30,): 0.25, (7, 30): 0.25, (55,): 0.75, (90,): 0.2, (91,): -0.2, (90, 91): 0.2, (1, 2, 3): 0.1}


def game(outputs=None, function=None):
    model = SparseSpectrum.from_sets(N, TRUTH)
    return spex.FunctionGame(function or model.__call__, N, players=[f"p{i}" for i in range(N)], outputs=outputs)


def test_the_players_with_effects_are_kept_in_their_order(tmp_path):
    screened = screen(game(), keep=5, log=tmp_path / "log")
    assert screened.kept.tolist() == [7, 30, 55, 90, 91]
    assert screened.players == ("p7", "p30", "p55", "p90", "p91")
    exact = np.array([-2 * TRUTH.get((i,), 0.0) for i in range(N)])
    assert np.allclose(screened.effects, exact, atol=0.12)
    assert repr(screened) == "ScreenedGame(5 of 120 players kept, after 480 ablations)"


def test_what_is_left_is_explained_with_the_others_present(tmp_path):
    screened = screen(game(), keep=5, log=tmp_path / "log")
    session = Session(screened, log=tmp_path / "other")
    session.wait(60)
    assert session.result.exact
    assert session.result.spectrum[0, 1] == pytest.approx(TRUTH[7, 30])
    rows = np.random.default_rng(0).random((20, 5)) < 0.5
    whole = np.ones((20, N), bool)
    whole[:, screened.kept] = rows
    assert np.array_equal(screened(rows), game()(whole))


def test_ablations_are_logged_counted_and_not_paid_for_twice(tmp_path):
    paid = []

    def counted(x):
        paid.append(len(x))
        return 1.0 * x[:, 3]

    first = screen(game(function=counted), keep=4, budget=100, log=tmp_path / "log")
    again = screen(game(function=counted), keep=2, budget=150, log=tmp_path / "log")
    assert (first.ablations, again.ablations, sum(paid)) == (100, 150, 150)
    log = AblationLog(game(function=counted), path=first.log)
    assert {row.purpose for row in log} == {"screen"}
    assert log.count("screen") == 150
    log.close()
    assert [file.name for file in tmp_path.iterdir()] == ["log"]


def test_what_was_paid_for_before_a_failure_is_kept(tmp_path):
    calls = []

    def breaks(x):
        calls.append(len(x))
        if len(calls) == 3:
            raise OSError("no route to the model")
        return 1.0 * x[:, 3]

    with pytest.raises(OSError, match="no route"):
        screen(game(function=breaks), log=tmp_path / "log")
    paid = sum(calls[:2])
    screened = screen(game(function=breaks), log=tmp_path / "log")
    assert sum(calls[3:]) == screened.ablations - paid
    assert 3 in screened.kept


def test_nan_is_logged_as_failed_and_the_finite_rows_are_kept(tmp_path):
    def sometimes(x):
        return np.where(x[:, :3].all(axis=1), np.nan, 1.0)

    with pytest.raises(ValueError, match="NaN"):
        screen(game(function=sometimes), log=tmp_path / "log")
    log = AblationLog(game(function=sometimes), path=tmp_path / "log")
    assert {row.status for row in log.of("screen")} == {"ok", "failed"}
    log.close()


def test_any_output_may_decide(tmp_path):
    def two(x):
        return np.column_stack([1.0 * x[:, 3] + x[:, 4], 1.0 * x[:, 4] - x[:, 8]])

    both = game(outputs=["a", "b"], function=two)
    kept = [set(screen(both, keep=2, output=which, log=tmp_path / "log").kept) for which in ("a", 1, {"a": 1, "b": -1})]
    assert kept == [{3, 4}, {4, 8}, {3, 8}]


def test_a_seed_decides():
    assert np.array_equal(screen(game(), seed=3).effects, screen(game(), seed=3).effects)
    assert not np.array_equal(screen(game(), seed=3).effects, screen(game(), seed=4).effects)


def test_a_constant_game_leaves_the_first_players():
    assert screen(game(function=lambda x: np.ones(len(x))), keep=3).kept.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"keep": 1}, ValueError, "keep must be at least 2, got 1"),
        ({"keep": N}, ValueError, "keep must be less than the 120 players that there are, got 120"),
        ({"keep": 2.5}, TypeError, "keep must be a whole number"),
        ({"budget": 1}, ValueError, "budget must be at least 2, got 1"),
        ({"output": "good"}, ValueError, "output must be one of"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
    ],
)
def test_bad_arguments_are_named_before_anything_is_paid_for(arguments, error, message, tmp_path):
    with pytest.raises(error, match=message):
        screen(game(), log=tmp_path / "log", **arguments)
    assert not (tmp_path / "log").exists()
    with pytest.raises(TypeError, match="game must be a Game"):
        screen(len)
