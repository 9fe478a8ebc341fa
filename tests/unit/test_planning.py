"""A plan: what a few ablations tell of many, and how far values can be trusted at all."""

import numpy as np
import pytest

import spex_widget as spex
from runs import N, finished, planted, ranking
from spex_widget.algorithms import FIRST, R2, Estimate, Mark, Output
from spex_widget.games import FunctionGame
from spex_widget.report import Result
from spex_widget.session import AblationLog, plan
from spex_widget.session.floor import differences, noise_floor
from spex_widget.session.planning import foretell
from spex_widget.snapshot import Header, Snapshot
from spex_widget.spectrum import SparseSpectrum

NOISE = 0.01


def noisy():
    """A game whose value moves by ±0.01 with the batch."""
    calls = []

    def f(x):
        calls.append(len(x))
        return planted(x) + NOISE * (-1) ** len(calls)

    return FunctionGame(f, N), calls


class Clock:
    """Each ablation takes so many seconds."""

    def __init__(self, monkeypatch, seconds):
        self.now = 0.0
        monkeypatch.setattr("spex_widget.session.ablate.perf_counter", lambda: self.now)
        self.game = FunctionGame(lambda x: (setattr(self, "now", self.now + seconds * len(x)), planted(x))[1], N)


def test_it_says_what_a_budget_takes_and_what_fits(monkeypatch, tmp_path):
    found = plan(Clock(monkeypatch, 0.5).game, time=60, log=tmp_path / "log")
    assert found.rate == pytest.approx(2.0)
    assert (found.budget, found.seconds, found.fits) == (440, pytest.approx(220), 120)
    assert found.spent == 16
    assert "440 ablations take about 3.7 min, at 2 a second" in repr(found)
    assert "in 60 s there is time for about 120 ablations" in repr(found)
    assert "<li>440 ablations" in found._repr_html_()


def test_a_quick_game_is_timed_in_a_larger_batch_too(monkeypatch, tmp_path):
    found = plan(Clock(monkeypatch, 0.01).game, budget=1000, log=tmp_path / "log")
    assert (found.spent, found.budget, found.seconds) == (64, 1000, pytest.approx(10))
    assert found.fits is found.enough is None


def test_a_first_call_that_is_slow_is_no_rate(monkeypatch, tmp_path):
    clock = Clock(monkeypatch, 0.0)
    calls = []

    def f(x):  # half a minute to compile, and a hundredth of a second a row
        clock.now += 0.01 * len(x) + (0 if calls else 30)
        calls.append(len(x))
        return planted(x)

    found = plan(FunctionGame(f, N), budget=1000, time=60, log=tmp_path / "log")
    assert (found.rate, found.fits) == (pytest.approx(100), 6000)
    assert found.spent == sum(calls) == 64


def test_the_floor_is_what_values_differ_by_between_batches(tmp_path):
    game, calls = noisy()
    found = plan(game, log=tmp_path / "log")
    # The first alone, eight in batch 2, the other seven alone, every other one as it was: 4 differences are of 0.02.
    assert found.floor == pytest.approx(2 * NOISE * np.sqrt(4 / 8))
    assert calls == [1, 8, 28] + [1] * 7
    assert plan(FunctionGame(planted, N), log=tmp_path / "other").floor == 0.0


def test_where_values_move_a_run_takes_what_it_evaluates_again_too(monkeypatch, tmp_path):
    class Moves(FunctionGame):
        moves_with_batch = True

    clock = Clock(monkeypatch, 0.0)

    def f(x):  # half a second a call, and a hundredth a row
        clock.now += 0.5 + 0.01 * len(x)
        return planted(x)

    found = plan(Moves(f, N), budget=1000, time=60, log=tmp_path / "log")
    assert (found.rate, found.alone) == (pytest.approx(24 / 0.74), pytest.approx(1 / 0.51))
    assert found.seconds == pytest.approx(1000 / found.rate + 32 * 0.51)
    assert "at 32.4 a second and 32 of them again one at a time" in repr(found)
    for seconds in (1, 10, 20, 60):
        fit = plan(Moves(f, N), budget=1000, time=seconds, log=tmp_path / "log").fits
        takes = [m / found.rate + min(32, m // 4) * 0.51 for m in (fit - 4, fit + 4)]
        assert takes[0] <= seconds <= takes[1]
    assert plan(clock.game, log=tmp_path / "other").alone is None


def test_the_floor_is_of_the_output_that_is_explained(tmp_path):
    game = FunctionGame(lambda x: np.zeros((len(x), 2)), N, outputs=2)
    log = AblationLog(game, path=tmp_path / "log")
    twice = np.ones((2, N), bool)
    log.append(twice, np.array([[1.0, 5.0], [1.5, 7.0]]), purpose="floor")
    log.append(twice[:1], np.array([[1.0, 9.0]]), purpose="uniform")
    moved = differences(log)
    log.close()
    contrast = Output(((0, 1.0), (1, -1.0)))
    assert [noise_floor(moved, output) for output in (FIRST, contrast)] == [0.5, 1.5]
    assert noise_floor(moved[:0], FIRST) is None


def test_a_run_that_goes_on_from_the_plans_log_knows_the_floor(tmp_path):
    game, _ = noisy()
    found = plan(game, log=tmp_path / "log")
    assert finished(budget=64).snapshot().floor is None
    view = spex.explain(game, budget=200, log=found.log)
    view.wait(60)
    # What the plan evaluated once, the run has evaluated again.
    own = {row.coalition.tobytes(): row.values[0] for row in view.session.log.of("uniform")}
    warm, first, again, alone = np.split(list(view.session.log.of("floor")), [1, 9, 37])
    moved = [b.values[0] - a.values[0] for a, b in zip(first, [*warm, *alone], strict=True)]
    moved += [row.values[0] - own[row.coalition.tobytes()] for row in again]
    assert np.abs(moved[:8]) == pytest.approx([2 * NOISE, 0] * 4)
    assert view.session.snapshot().floor == pytest.approx(np.sqrt(np.mean(np.square(moved))))


def test_nothing_under_the_floor_is_settled():
    known = Estimate(FIRST, 1, 4, SparseSpectrum.from_sets(2, {(0,): 0.25, (1,): 0.02, (0, 1): -0.01}), exact=True)
    header = Header(("a", "b"), ("value",), (), "", "", "value", "")
    result = Result(header, Snapshot(1, "done", "", 4, 4, estimate=known, floor=0.05))
    said = {row["members"]: row["settled"] for row in result.ranking("BII")}
    assert said == {(0,): True, (1,): False, (0, 1): False}


@pytest.mark.parametrize(("limit", "effect", "noise"), [(0.1, -0.15, True), (0.1, -0.25, False), (None, 0.0, False)])
def test_what_is_noise(limit, effect, noise):
    assert Snapshot(1, "done", "", 0, 0, floor=limit).is_noise((3,), effect) is noise


@pytest.mark.parametrize("index", ["BII", "FBII", "Moebius", "Fourier"])
def test_of_pure_noise_next_to_nothing_passes_at_any_order(index):
    rng, n = np.random.default_rng(0), 8
    seen = {order: [] for order in range(1, n + 1)}
    for _ in range(20):
        known = Estimate(FIRST, 1, 256, SparseSpectrum.from_values(0.05 * rng.normal(size=1 << n)), exact=True)
        snapshot = Snapshot(1, "done", "", 256, 256, estimate=known, floor=0.05 * np.sqrt(2))
        for row in Result(Header((*"abcdefgh",), ("value",), (), "", "", "", ""), snapshot).ranking(index):
            seen[row["order"]].append(row["settled"])
    assert all(np.mean(seen[order]) < 0.06 for order in range(1, n))
    # Twenty draws of the one set of all.
    assert np.sum(seen[n]) <= 3
    # Where nothing averages, the limit is not beyond what noise does.
    assert index != "Moebius" or all(np.mean(seen[order]) > 0.02 for order in (3, 4, 5))


def test_the_pilot_is_not_paid_for_again(tmp_path):
    paid = []

    def counted(x):
        paid.append(len(x))
        return planted(x)

    game = FunctionGame(counted, N)
    found = plan(game, r2=0.9, log=tmp_path / "log")
    assert (found.pilot, found.spent, sum(paid)) == (256, 300, 300)
    assert "300 ablations were spent on this, and explain(game, log=plan.log) goes on from the pilot's 256" in repr(
        found
    )
    session = finished(game, budget=400, log=found.log)
    assert sum(paid) == 300 + 400 - 256
    assert ranking(session) == ranking(finished(budget=400))


def test_an_r2_that_the_pilot_reaches_is_where_the_stop_rule_ends(tmp_path):
    def smooth(x):
        return x[:, :4].sum(axis=1) + 0.2 * (x[:, 5] & x[:, 6])

    found = plan(FunctionGame(smooth, N), r2=0.8, log=tmp_path / "log")
    assert finished(FunctionGame(smooth, N), r2=0.8).result.ablations == found.enough <= found.pilot
    assert f"R² has reached 0.8 at {found.enough} ablations" in repr(found)


def test_what_cannot_be_foretold_is_not(tmp_path):
    table = np.random.default_rng(0).normal(size=1 << 14)
    game = FunctionGame(lambda x: table[x @ (1 << np.arange(14))], 14)
    found = plan(game, r2=0.9, log=tmp_path / "log")
    assert found.enough is None
    assert "when R² will reach 0.9 cannot be told from 256 ablations" in repr(found)


@pytest.mark.parametrize("output", [0, {"a": 1, "b": -1}], ids=["constant", "of constant difference"])
def test_a_constant_has_nothing_to_foretell(output, tmp_path):
    game = FunctionGame(lambda x: np.column_stack([np.full(len(x), 2.0), np.full(len(x), 3.0)]), N, outputs=["a", "b"])
    said = repr(plan(game, r2=0.9, output=output, log=tmp_path / "log"))
    assert "no value differs among 256 ablations, so there is no R² to foretell" in said
    assert "cannot be told" not in said


def test_where_everything_can_be_evaluated_that_is_enough(tmp_path):
    found = plan(FunctionGame(lambda x: x.sum(axis=1), 5), r2=0.999, log=tmp_path / "log")
    assert (found.enough, found.pilot, found.budget, found.spent) == (32, 0, 32, 4)
    assert "at 32 ablations every coalition is evaluated, and nothing is estimated" in repr(found)


@pytest.mark.parametrize(
    ("n", "budget", "spent"),
    [(2, None, 4), (4, None, 4), (6, None, 6), (9, None, 25), (N, 100, 10), (N, None, 44), (N, 700, 64), (N, 4000, 64)],
)
def test_it_takes_a_tenth_of_what_the_run_would_at_most(n, budget, spent, tmp_path):
    paid = []
    game = FunctionGame(lambda x: (paid.append(len(x)), x.sum(axis=1))[1], n)
    found = plan(game, budget=budget, log=tmp_path / "log")
    assert sum(paid) == found.spent == spent
    assert spent <= max(4, min(64, found.budget // 10))
    assert found.floor == 0.0
    assert found.rate > 0


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_a_power_law_is_foretold(power):
    grown = [Mark(m, R2(1 - (32 / m) ** power, 0.0, 1.0), 0.0) for m in (64, 96, 128, 192, 256)]
    assert foretell(tuple(grown), 1 - (32 / 1000) ** power) == pytest.approx(1000, abs=1)
    assert foretell(tuple(grown), 1 - (32 / 3000) ** power) is None  # too far
    assert foretell(tuple(grown[:2]), 0.9) is None  # too few
    assert foretell(tuple(reversed([Mark(320 - m.ablations, m.r2, 0.0) for m in grown])), 0.99) is None  # falling


def test_what_the_game_raises_is_raised_and_logged(tmp_path):
    def breaks(x):
        raise OSError("no route to the model")

    game = FunctionGame(breaks, N)
    with pytest.raises(OSError, match="no route"):
        plan(game, log=tmp_path / "log")
    log = AblationLog(game, path=tmp_path / "log")
    assert [(row.purpose, row.status) for row in log] == [("floor", "failed")]
    log.close()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"time": -1}, ValueError, "time must be a positive number of seconds, got -1"),
        ({"r2": 2}, ValueError, "r2 must be a number between 0 and 1, got 2"),
        ({"budget": 1}, ValueError, "budget must be at least 2"),
        ({"output": 7}, ValueError, "output must be one of"),
        ({"seed": "x"}, TypeError, "seed must be a whole number"),
    ],
)
def test_bad_arguments_are_named_before_anything_is_paid_for(arguments, error, message, tmp_path):
    with pytest.raises(error, match=message):
        plan(FunctionGame(planted, N), log=tmp_path / "log", **arguments)
    assert not (tmp_path / "log").exists()
