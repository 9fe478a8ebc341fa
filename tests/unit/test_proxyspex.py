"""ProxySPEX by ask and tell: what it estimates is a function of the seed and the values alone."""

import functools
from itertools import pairwise
from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

import brute
from spex_widget.algorithms import FIRST, Output, ProxySPEX, chain, proxy
from spex_widget.algorithms.candidates import propose, singles, union
from spex_widget.algorithms.proxyspex import round_marks
from spex_widget.algorithms.rows import Rows
from spex_widget.algorithms.sampling import UniformSampler
from spex_widget.games import FunctionGame
from spex_widget.snapshot import Ranked
from spex_widget.spectrum import SparseSpectrum

N = 9
NOISE = np.random.default_rng(0).normal(size=1 << N)
OUTPUTS = (FIRST, Output(((1, 1.0),)))


def noisy(x):
    """A fixed function of nine players, half of it unstructured; two outputs."""
    rough = NOISE[x @ (1 << np.arange(N))]
    return np.stack([2.0 * (x[:, 0] & x[:, 1]) + x[:, 2] - x[:, 3] + rough, 1.0 * (x[:, 4] | x[:, 5])], axis=1)


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proxy, "_TREES", 40)
        yield


def ablate(algorithm, function, budget, most=32):
    """Ask and tell up to so many ablations; how many there have been."""
    done = algorithm.ask(0).start
    while done < budget and len(batch := algorithm.ask(min(most, budget - done))):
        algorithm.tell(batch, function(batch.coalitions).reshape(len(batch), -1))
        done += len(batch)
    return done


def explained(function, n, budget, *, seed=0, output=FIRST, most=32):
    algorithm = ProxySPEX(n, seed=seed)
    ablate(algorithm, function, budget, most)
    return algorithm.finish(output)


def assert_identical(one, other):
    np.testing.assert_array_equal(one.spectrum.members, other.spectrum.members)
    assert one.spectrum.coefficients.tobytes() == other.spectrum.coefficients.tobytes()
    assert one.history == other.history
    assert (one.output, one.round, one.ablations, one.exact) == (
        other.output,
        other.round,
        other.ablations,
        other.exact,
    )


# The estimate does not depend on how the run went


ACTS = st.tuples(st.sampled_from(["ask", "ask", "tell", "tell", "advance", "finish"]), st.integers(0, 99))


@pytest.mark.parametrize("budget", [200, 1 << N])
@settings(max_examples=20, deadline=None, derandomize=True)
@given(acts=st.lists(ACTS, max_size=40))
def test_batches_their_order_and_looking_in_between_change_nothing(budget, acts):
    algorithm = ProxySPEX(N, seed=3)
    out, asked = [], 0
    for act, k in [*acts, *[("ask", 50)] * budget, *[("tell", 1)] * budget]:
        if act == "ask" and asked < budget:
            out.append(algorithm.ask(min(1 + k, budget - asked)))
            asked += len(out[-1])
        elif act == "tell" and out:
            batch = out.pop(k % len(out))
            algorithm.tell(batch, noisy(batch.coalitions))
        elif act == "advance":
            algorithm.advance(OUTPUTS[k % 2])
        elif act == "finish":
            algorithm.finish(OUTPUTS[k % 2])
    for output in OUTPUTS:
        assert_identical(algorithm.finish(output), at_once(budget, output))


@functools.lru_cache
def at_once(budget, output):
    return explained(noisy, N, budget, seed=3, output=output)


def test_two_hundred_and_two_hundred_more_are_four_hundred():
    algorithm = ProxySPEX(N, seed=1)
    for budget in (200, 333, 400):
        ablate(algorithm, noisy, budget)
        estimate = algorithm.finish()
        assert_identical(estimate, algorithm.finish())
        assert_identical(estimate, explained(noisy, N, budget, seed=1, most=7))


def test_fitting_beside_asking_and_telling_changes_nothing():
    algorithm = ProxySPEX(N, seed=2)
    teller = Thread(target=ablate, args=(algorithm, noisy, 300, 5))
    teller.start()
    while teller.is_alive():
        algorithm.advance()
    teller.join()
    assert_identical(algorithm.finish(), explained(noisy, N, 300, seed=2))


def test_a_seed_decides_coalitions_and_fit():
    assert_identical(explained(noisy, N, 100, seed=4), explained(noisy, N, 100, seed=4))
    one, other = (ProxySPEX(N, seed=seed).ask(32).coalitions for seed in (4, 5))
    assert (one != other).any()


@pytest.mark.parametrize("weights", [(1.0, -1.0), (0.5, 2.0)])
def test_a_sum_of_outputs_that_say_the_same_is_explained_as_if_it_were_the_only_one(weights):
    total = Output(tuple(enumerate(weights)), "a sum")
    both = explained(lambda x: noisy(x)[:, :1] * [1.0, 2.0], N, 150, output=total)
    alone = explained(lambda x: noisy(x)[:, 0] * (weights[0] + 2 * weights[1]), N, 150)
    np.testing.assert_array_equal(both.spectrum.members, alone.spectrum.members)
    assert both.spectrum.coefficients.tobytes() == alone.spectrum.coefficients.tobytes()
    assert (both.output, both.output.position) == (total, -1)


def test_at_most_so_many_ablations_are_as_if_the_others_were_never_asked_for():
    algorithm = ProxySPEX(N, seed=2)
    ablate(algorithm, noisy, 300)
    assert algorithm.advance(most=31) is None
    assert_identical(algorithm.finish(most=100), explained(noisy, N, 100, seed=2))
    assert_identical(algorithm.finish(), explained(noisy, N, 300, seed=2))


def test_an_output_beside_one_that_says_nothing_is_explained_as_if_it_were_alone():
    both = explained(lambda x: noisy(x) * [0.0, 1.0], N, 150, output=OUTPUTS[1])
    alone = explained(lambda x: noisy(x)[:, 1].copy(), N, 150)
    np.testing.assert_array_equal(both.spectrum.members, alone.spectrum.members)
    np.testing.assert_allclose(both.spectrum.coefficients, alone.spectrum.coefficients, atol=1e-12)
    assert (both.output, alone.output) == OUTPUTS[::-1]


def test_outputs_of_the_same_players_help_each_other():
    """Eight read-outs of one hidden layer, which looks at 8 of 40 players."""
    n, gains = 40, []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        seen, hidden, out = rng.choice(n, 8, replace=False), rng.normal(size=(8, 12)), rng.normal(size=(12, 8))

        def readouts(x, seen=seen, hidden=hidden, out=out):
            return np.tanh((1.0 - 2.0 * x[:, seen]) @ hidden / 2) @ out

        fresh = rng.random((1000, n)) < 0.5
        truth = readouts(fresh)[:, 0]
        alone = explained(lambda x, f=readouts: f(x)[:, :1], n, 96, seed=seed).spectrum
        beside = explained(readouts, n, 96, seed=seed).spectrum
        gains.append(np.mean((truth - alone(fresh)) ** 2) / np.mean((truth - beside(fresh)) ** 2))
    assert np.mean(np.log(gains)) > 0.04


# Rounds


@pytest.mark.parametrize(("n", "growth"), [(20, 1.5), (256, 1.5), (257, 1.75)])
def test_rounds_end_at_marks_that_grow(n, growth):
    marks = round_marks(4096, n)
    assert marks[:2] == [32, 64]
    assert all(mark % 32 == 0 for mark in marks)
    assert all(b - a == 32 or abs(b - growth * a) <= 16 for a, b in pairwise(marks))
    assert (round_marks(31, n), round_marks(32, n), round_marks(63, n)) == ([], [32], [32])
    assert round_marks(1000, n) == [mark for mark in marks if mark <= 1000]


def test_batches_follow_each_other_and_end_at_marks():
    algorithm = ProxySPEX(30, seed=0)
    batches = [algorithm.ask(50) for _ in range(12)]
    assert [b.start for b in batches] == np.cumsum([0] + [len(b) for b in batches])[:-1].tolist()
    ends = {b.start + len(b) for b in batches}
    assert set(round_marks(max(ends), 30)) <= ends
    assert all(b.round == sum(mark <= b.start for mark in round_marks(999, 30)) for b in batches)


def test_a_round_is_closed_when_all_of_it_is_in():
    algorithm = ProxySPEX(N, seed=0)
    first, second, third = (algorithm.ask(16) for _ in range(3))
    assert algorithm.advance() is None
    for batch in (third, second):
        algorithm.tell(batch, noisy(batch.coalitions))
    assert algorithm.advance() is None
    assert algorithm.finish() is None
    algorithm.tell(first, noisy(first.coalitions))
    estimate = algorithm.advance()
    assert (estimate.ablations, estimate.round, estimate.r2) == (32, 1, None)
    assert len(estimate.spectrum) > 1
    assert algorithm.advance() is None
    assert algorithm.finish().ablations == 48


def test_nothing_is_known_of_less_than_two_ablations():
    assert ProxySPEX(N).advance() is None
    for budget in (0, 1):
        assert explained(noisy, N, budget) is None
    assert brute.as_dict(explained(lambda x: x[:, 0] * 0 + 2.5, N, 2).spectrum) == {(): 2.5}


@pytest.mark.parametrize("budget", [2, 5, 31, 32, 33, 48])
def test_few_ablations_give_a_surrogate_already(budget):
    estimate = explained(noisy, N, budget)
    assert (estimate.ablations, estimate.exact) == (budget, False)
    assert np.isfinite(estimate.spectrum(brute.coalitions(N))).all()


def test_rows_outgrow_their_room_with_some_told_and_some_out():
    rows, x = Rows(12), UniformSampler(12, seed=0).draw(4000)
    values = np.stack([noisy(x[:, :N])[:, 0], np.arange(4000.0)], axis=1)
    late = range(0, 4000, 800)
    for start in range(0, 4000, 100):
        rows.add(x[start : start + 100])
        if start not in late:
            rows.fill(start, values[start : start + 100])
    assert len(rows.known()[1]) == 0
    rows.fill(0, values[:100])
    coalitions, known = rows.known()
    assert len(known) == 800
    for start in late[1:]:
        rows.fill(start, values[start : start + 100])
    np.testing.assert_array_equal(rows.known()[1], values)
    np.testing.assert_array_equal(rows.known()[0], x)
    np.testing.assert_array_equal(known, values[:800])
    np.testing.assert_array_equal(rows.known(900)[1], values[:900])
    np.testing.assert_array_equal(coalitions, x[:800])


def test_a_rare_event_once_found_is_not_lost_where_the_newest_rows_hold_none():
    """In one of 64 coalitions all six are there; of that the newest rows may say nothing."""

    def all_six(x):
        return 10.0 * x[:, :6].all(axis=1)

    x = np.random.default_rng(0).random((20_000, 30)) < 0.5
    for budget in (672, 800):
        estimate = explained(all_six, 30, budget, seed=6)
        assert sum(estimate.weights.values()) == pytest.approx(1, abs=0.01)
        assert np.var(all_six(x) - estimate.spectrum(x)) < 0.02 * np.var(all_six(x))


# Small games are exact


@pytest.mark.parametrize("n", range(2, 11))
@pytest.mark.parametrize("more", [0, 1000])
def test_all_coalitions_make_it_exact(n, more):
    function = np.random.default_rng(n).normal(size=1 << n)
    algorithm = ProxySPEX(n, seed=n)
    assert ablate(algorithm, lambda x: function[x @ (1 << np.arange(n))], (1 << n) + more) == 1 << n
    assert len(algorithm.ask(10)) == 0
    estimate = algorithm.finish()
    assert (estimate.exact, estimate.r2, estimate.ablations) == (True, None, 1 << n)
    brute.assert_same(estimate.spectrum, brute.fourier(function))
    assert algorithm.advance() is None


def test_one_short_of_all_is_not_exact_and_one_more_is():
    algorithm = ProxySPEX(6, seed=0)
    ablate(algorithm, lambda x: 1.0 * (x[:, 0] & x[:, 1]), 63)
    assert not algorithm.finish().exact
    ablate(algorithm, lambda x: 1.0 * (x[:, 0] & x[:, 1]), 64)
    assert brute.as_dict(algorithm.finish().spectrum) == {(): 0.25, (0,): -0.25, (1,): -0.25, (0, 1): 0.25}


# R²


@pytest.mark.parametrize(("budget", "judged"), [(32, 0), (33, 0), (63, 0), (64, 1), (65, 2), (70, 2), (100, 3)])
def test_faithfulness_is_judged_by_a_round_of_held_out_ablations_at_least(budget, judged):
    estimate = explained(noisy, N, budget)
    assert len(estimate.history) == judged
    assert all(mark.r2.low < mark.r2.value < mark.r2.high < 1 for mark in estimate.history)
    # One or two residuals would give intervals that are a point, or endless.
    assert all(0.05 < mark.r2.high - mark.r2.low < 5 for mark in estimate.history)


def test_r2_is_that_of_the_surrogates_before_they_learnt():
    algorithm = ProxySPEX(N, seed=0)
    ablate(algorithm, noisy, 64)
    before = algorithm.advance()
    x = UniformSampler(N, seed=0).draw(64)[32:]
    values = noisy(x)[:, 0]
    after = algorithm.advance()
    missed = np.sum((values - before.spectrum(x)) ** 2) / np.sum((values - values.mean()) ** 2)
    assert after.r2.value == pytest.approx(1 - missed)


def test_the_convergence_line_says_whether_interactions_matter():
    both = explained(lambda x: 3.0 * (x[:, 0] ^ x[:, 1]) + x[:, 0] + x[:, 1] + 0.0, 20, 400).history[-1]
    assert both.r2.value > 0.95
    assert both.r2_linear < 0.5
    linear = explained(lambda x: x @ np.arange(20.0), 20, 400).history[-1]
    assert linear.r2_linear > 0.999


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9])
def test_values_that_do_not_differ_have_no_faithfulness(value):
    estimate = explained(lambda x: np.full(len(x), value), 12, 100)
    assert estimate.r2 is None
    np.testing.assert_allclose(estimate.spectrum(np.ones((1, 12))), value)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: 1e200 * x[:, 0] + 1e199 * (x[:, 1] & x[:, 2]),
        lambda x: 1e-200 * x[:, 0],
        lambda x: 1e9 + 1e-7 * x[:, 0],
        lambda x: 1e-9 * x[:, 0] + 1e6 * x[:, :7].all(axis=1),
        lambda x: 1.0 * x[:, :6].all(axis=1),
    ],
    ids=["huge", "tiny", "a tiny signal on a large offset", "rare and far off", "rare"],
)
def test_extreme_values_raise_no_warning(function):
    estimate = explained(function, 12, 260)
    assert np.isfinite(estimate.spectrum.coefficients).all()
    assert estimate.r2 is None or np.isfinite(estimate.r2.value)


# What is found


def planted(x):
    return (
        2.0 * (x[:, 3] & x[:, 17])  # and
        - 1.4 * (x[:, 5] | x[:, 8])  # or
        + 1.5 * x[:, [1, 20, 30]].all(axis=1)
        + 2.5 * x[:, [11, 12, 13, 14]].all(axis=1)
        + 0.8 * (x[:, 25] ^ x[:, 26])  # parity
        + 0.6 * x[:, 25]
        + 0.5 * x[:, 38]
    )


def test_planted_interactions_are_found_and_nothing_else():
    game = FunctionGame(planted, 40)
    estimates = [explained(game, 40, 600, seed=2) for _ in range(2)]
    rankings = [Ranked.of(estimate.spectrum, "FBII") for estimate in estimates]
    together = rankings[0].head(rankings[0].orders > 1, None)
    effects = dict(zip(together.sets(), together.effects, strict=True))
    assert effects == pytest.approx(
        {(11, 12, 13, 14): 2.5, (3, 17): 2.0, (25, 26): -1.6, (1, 20, 30): 1.5, (5, 8): 1.4}, abs=1e-6
    )
    assert estimates[0].r2.value > 0.99

    assert_identical(*estimates)
    assert rankings[0].sets() == rankings[1].sets()
    assert rankings[0].effects.tobytes() == rankings[1].effects.tobytes()


def test_noise_leaves_the_strong_interactions_on_top():
    rng = np.random.default_rng(0)
    estimate = explained(lambda x: planted(x) + rng.normal(size=len(x)) * 0.3, 40, 800)
    ranked = Ranked.of(estimate.spectrum, "FBII", 2)
    assert {(3, 17), (25, 26), (5, 8)} <= set(ranked.head(ranked.orders == 2, 9).sets())
    assert 0.6 < estimate.r2.low < estimate.r2.value < estimate.r2.high < 1


@pytest.mark.parametrize("n", [1021, 4096])
def test_thousands_of_players(n):
    estimate = explained(lambda x: 5.0 * (x[:, 7] & x[:, -1]) + x[:, 7] + x[:, -1], n, 64, seed=1)
    ranked = Ranked.of(estimate.spectrum, "BV")
    assert set(ranked.head(ranked.orders == 1, 2).sets()) == {(7,), (n - 1,)}


# What the trees propose


def test_proposed_are_the_largest_sets_their_parts_and_all_players():
    spectrum = SparseSpectrum.from_sets(5, {(): 9.0, (0, 1, 2): -3.0, (3, 4): 1.0, (1, 3): 0.1})
    found = [tuple(i for i in row if i < 5) for row in propose(spectrum, 3).tolist()]
    pairs = [(0, 1), (0, 2), (1, 2), (3, 4)]
    assert found == [(0,), (1,), (2,), (3,), (4,), *pairs, (0, 1, 2)]


def test_where_nothing_is_proposed_there_are_still_the_players():
    assert union(3, propose(SparseSpectrum.from_sets(3, {}), 10), singles(3)).tolist() == [[0], [1], [2]]


def test_a_fit_has_one_blas_thread_and_leaves_the_others_as_they_were(monkeypatch):
    def threads():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    seen, fit = [], chain.fit_refiners

    def spy(*args, **kwargs):
        seen.append(threads())
        return fit(*args, **kwargs)

    monkeypatch.setattr(chain, "fit_refiners", spy)
    with threadpool_limits(2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("this machine's BLAS has one thread")
        explained(FunctionGame(lambda x: x[:, 0] * 1.0, 8), 8, 40)
        assert seen == [{1}, {1}]
        assert threads() == {2}
