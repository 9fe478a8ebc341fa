"""The Gaussian process: its likelihood and mean as scikit-learn has them, its spectrum by brute force."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import comb

import brute
from process_reference import exact_kernel, logarithms, rows, scikit_learn
from spex_widget.algorithms import ProxySPEX, chain
from spex_widget.algorithms import process as module
from spex_widget.algorithms.likelihood import OnCPU
from spex_widget.algorithms.process import Process, _moments, fit_process, fit_shared
from spex_widget.spectrum import SparseSpectrum, pad_sets

NOTHING = np.zeros((0, 1), dtype=np.int32)


def a_process(n, seed=0, m=40):
    """Any process at all: what it is conditioned on need not fit its hyperparameters."""
    rng = np.random.default_rng(seed)
    return Process(logarithms(n, seed), rows(m, n, seed), rng.normal(size=m) / m, 2.5, 3.0, m)


def from_nowhere(x, values):
    """Where few steps lead nowhere from."""
    return replace(fit_process(x, values), logs=np.full(x.shape[1] + 2, -5.0))


# Its mean


@pytest.mark.parametrize(("m", "n"), [(2, 3), (30, 4), (150, 12), (60, 80)])
def test_the_mean_is_that_of_scikit_learn_with_the_same_hyperparameters(m, n):
    x = rows(m, n)
    values = 40 + 3.0 * x[:, 0] + 2.0 * (x[:, 1] & x[:, 2]) + np.random.default_rng(1).normal(size=m) * 0.3
    found = fit_process(x, values)
    reference = scikit_learn(found.logs, normalize_y=True).fit(1.0 - 2.0 * x, values)
    fresh = rows(64, n, 5)
    expected = reference.predict(1.0 - 2.0 * fresh)
    np.testing.assert_allclose(found(fresh), expected, rtol=0, atol=2e-3 * np.std(values))


def test_the_fitted_hyperparameters_are_likelier_than_others():
    x = rows(150, 8)
    values = 2.0 * x[:, 0] + 1.0 * (x[:, 1] ^ x[:, 2]) + np.random.default_rng(0).normal(size=150) * 0.2
    found = fit_process(x, values)
    z, y = 1.0 - 2.0 * x, (values - values.mean()) / values.std()

    def posterior(logs):
        likelihood = scikit_learn(logs).fit(z, y).log_marginal_likelihood_value_
        return likelihood + stats.t(3, scale=1.2).logpdf(logs[:-2] - found.logs[:-2].mean()).sum()

    rng = np.random.default_rng(1)
    best = posterior(found.logs)
    assert all(best > posterior(found.logs + rng.normal(size=10) * 0.7) for _ in range(30))
    # The players that matter have the largest rates, and the noise is about what it was.
    assert set(np.argsort(-found.logs[:8])[:3]) == {0, 1, 2}
    assert 0.3 < np.exp(found.logs[-1]) * values.var() / 0.04 < 3


def test_the_prior_is_students_around_the_mean_as_it_is():
    logs, step = logarithms(6)[:6], 1e-5
    prior = stats.t(3, loc=logs.mean(), scale=1.2)
    differences = (prior.logpdf(logs + step) - prior.logpdf(logs - step)) / (2 * step)
    np.testing.assert_allclose(module._prior_gradient(logs), differences, rtol=1e-6)


def test_beside_shared_rates_the_prior_is_an_even_mixture():
    logs, shared, step = logarithms(6)[:6], np.linspace(-4, 2, 6), 1e-5

    def prior(at):
        return np.log(stats.t(3, logs.mean(), 1.2).pdf(at) / 2 + stats.t(3, shared, 1.2).pdf(at) / 2)

    differences = (prior(logs + step) - prior(logs - step)) / (2 * step)
    np.testing.assert_allclose(module._prior_gradient(logs, shared), differences, rtol=1e-6)


# What several outputs share


def readouts(x):
    """Three functions of the same three of the players, on scales of their own."""
    a, b, c = x[:, 0], x[:, 2], x[:, 5]
    return np.stack([1.0 * a + (b & c), 1e6 * (a ^ b) + 5e5 * c, 1e-6 * (a | c) - 1e-6 * b], axis=1)


def test_shared_rates_are_those_under_which_all_outputs_are_likeliest():
    x = rows(120, 8)
    values = readouts(x) * (1 + np.random.default_rng(0).normal(size=(120, 3)) * 0.1)
    found = fit_shared(x, values)
    assert set(np.argsort(-found[:8])[:3]) == {0, 2, 5}
    z, y = 1.0 - 2.0 * x, (values - values.mean(axis=0)) / values.std(axis=0)

    def posterior(logs):
        likelihoods = [scikit_learn(logs).fit(z, column).log_marginal_likelihood_value_ for column in y.T]
        return np.mean(likelihoods) + stats.t(3, scale=1.2).logpdf(logs[:-2] - found[:-2].mean()).sum()

    rng = np.random.default_rng(1)
    best = posterior(found)
    assert all(best > posterior(found + rng.normal(size=10) * 0.7) for _ in range(30))


@pytest.mark.parametrize("times", [[[1.0]], [[1.0, -2.0, 0.0]], [[0.0, 0.0]], [[1.0, 1e-15]]])
def test_outputs_that_say_the_same_share_nothing(times):
    x = rows(50, 6)
    assert fit_shared(x, 3 + readouts(x)[:, :1] * times) is None


def test_few_warm_steps_suffice_for_what_is_shared():
    x = rows(400, 8)
    values = readouts(x) + np.random.default_rng(0).normal(size=(400, 3)) * readouts(x).std(axis=0) * 0.3
    before = fit_shared(x[:300], values[:300])
    start = before.copy()
    cold, warm = fit_shared(x, values), fit_shared(x, values, before)
    np.testing.assert_array_equal(before, start)
    assert np.abs(warm - before).max() > 0
    order = [0, 2, 5]
    np.testing.assert_allclose(warm[order], cold[order], atol=0.5)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_what_is_shared_has_no_units(scale):
    x = rows(60, 6)
    values = readouts(x)[:, ::2] * [1.0, 1e6]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit_shared(x, values * scale)
    np.testing.assert_allclose(found, fit_shared(x, values), atol=1e-3)


def test_a_function_of_few_players_is_learnt():
    planted = SparseSpectrum.from_sets(20, {(0,): 1.0, (1,): -1.0, (0, 1): 0.8, (2,): 0.5, (2, 3): 0.5})
    x, fresh = rows(250, 20), rows(1000, 20, 1)
    found = fit_process(x, planted(x))
    for surrogate in (found, found.spectrum(NOTHING)):
        assert 1 - np.mean((planted(fresh) - surrogate(fresh)) ** 2) / np.var(planted(fresh)) > 0.97


# Its spectrum


@pytest.mark.parametrize("n", [2, 3, 6])
def test_a_coefficient_is_that_of_the_mean_over_all_coalitions(n):
    process = a_process(n)
    truth = brute.fourier(process(brute.coalitions(n)))
    sets = brute.subsets(range(n))
    found = dict(zip(sets, process.at(pad_sets(sets, n)), strict=True))
    assert {s: c + 2.5 * (s == ()) for s, c in found.items()} == pytest.approx(truth, abs=1e-5)


@pytest.mark.parametrize("n", [2, 3, 5, 6])
def test_of_few_players_all_is_read_out(n, monkeypatch):
    monkeypatch.setattr(module, "_ENERGY", 1.0)
    process = a_process(n)
    for candidates in (NOTHING, pad_sets([(0, 1), (0,), ()], n)):
        brute.assert_same(process.spectrum(candidates), brute.fourier(process(brute.coalitions(n))), atol=1e-5)


def test_the_largest_coefficients_are_kept_and_the_mean():
    n = 6
    process = a_process(n)
    truth = brute.fourier(process(brute.coalitions(n)))
    found = brute.as_dict(process.spectrum(NOTHING))
    assert found == pytest.approx({s: truth[s] for s in found}, abs=1e-5)
    left_out = sum(truth[s] ** 2 for s in truth if s and s not in found)
    total = sum(truth[s] ** 2 for s in truth if s)
    smallest = min(abs(c) for s, c in found.items() if s)
    assert () in found
    assert len(found) < len(truth)
    assert left_out <= 5e-4 * total < left_out + smallest**2 * 1.001


def test_candidates_are_read_out_beside_the_strongest_players(monkeypatch):
    monkeypatch.setattr(module, "_READ_OUT", (None, 3))
    monkeypatch.setattr(module, "_ENERGY", 1.0)
    process = a_process(7)
    strongest = np.argsort(-process.logs[:7])[:3]
    candidates = pad_sets([(0, 1, 2, 3), (4, 6), (5,)], 7)
    pairs = [tuple(sorted(int(strongest[i]) for i in pair)) for pair in ((0, 1), (0, 2), (1, 2))]
    expected = {(), *((i,) for i in range(7)), *pairs, (0, 1, 2, 3), (4, 6)}
    assert brute.as_dict(process.spectrum(candidates)).keys() == expected


@pytest.mark.parametrize("n", [2, 5])
def test_the_prior_variance_of_a_coefficient_is_the_walsh_transform_of_the_kernel(n):
    logs, x = logarithms(n, 3), brute.coalitions(n)
    # k(x, x') = Σ_S variance(S) χ_S(x) χ_S(x'), and all characters are 1 at the empty coalition.
    variances = brute.fourier(exact_kernel(x, x[:1], logs)[:, 0])
    sets = brute.subsets(range(n))
    found = Process(logs, x[:1], np.ones(1), 0.0, 1.0, 1).at(pad_sets(sets, n))
    np.testing.assert_allclose(found, [variances[s] for s in sets], rtol=1e-9)
    rates = np.exp(logs[:n])
    np.testing.assert_allclose(
        found,
        [np.exp(logs[n]) * np.prod(np.exp(-rates) * np.cosh(rates)) * np.prod(np.tanh(rates[list(s)])) for s in sets],
    )


def test_large_rates_of_many_players_overflow_nowhere():
    logs = np.append(np.full(3000, 7.0), [3.0, -12.0])
    found = Process(logs, rows(20, 3000), np.ones(20), 0.0, 1.0, 20).at(pad_sets([(), (5,)], 3000))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("order", range(1, 7))
@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_moments_of_all_sets_of_an_order(n, order):
    x, weights = rows(30, n, n), np.random.default_rng(order).normal(size=30)
    sets, sums = _moments(x, weights, order)
    found = {tuple(int(i) for i in s): float(v) for s, v in zip(sets, sums, strict=True)}
    assert len(found) == len(sets) == comb(n, order, exact=True)
    expected = {s: float(weights @ np.prod(1.0 - 2.0 * x[:, list(s)], axis=1)) for s in found}
    assert found == pytest.approx(expected)
    assert all(list(s) == sorted(set(s)) for s in found)


# Starting from what fewer rows had found


def test_few_warm_steps_do_what_many_cold_ones_do():
    x, fresh = rows(600, 15), rows(500, 15, 1)
    rng = np.random.default_rng(2)

    def function(x):
        return 2.0 * x[:, 0] + 1.0 * (x[:, 1] & x[:, 2]) - (x[:, 3] ^ x[:, 4])

    values = function(x) + rng.normal(size=600) * 0.3
    before = fit_process(x[:480], values[:480])
    missed = [np.mean((fit_process(x, values, start)(fresh) - function(fresh)) ** 2) for start in (None, before)]
    assert missed[1] < 1.5 * missed[0]


def test_the_final_fit_climbs_further_from_a_poor_start():
    x = rows(300, 6)
    values = x @ np.arange(6.0) + np.random.default_rng(0).normal(size=300)
    z, y = 1.0 - 2.0 * x, (values - values.mean()) / values.std()

    def likelihood(final):
        logs = fit_process(x, values, from_nowhere(x, values), final=final).logs
        return scikit_learn(logs).fit(z, y).log_marginal_likelihood_value_

    assert likelihood(True) > likelihood(False) + 1


def test_what_a_few_rows_had_found_is_not_gone_on_from():
    x = rows(256, 6)
    values = x @ np.arange(6.0)
    cold, warm = fit_process(x, values), fit_process(x, values, from_nowhere(x, values))
    assert cold.logs.tobytes() == warm.logs.tobytes()


def test_the_start_is_not_written_to():
    x = rows(300, 6)
    values = x @ np.arange(6.0)
    before = from_nowhere(x, values)
    fit_process(x, values, before)
    assert (before.logs == -5.0).all()


# More rows than are worth their time


def test_rows_beyond_the_most_change_nothing(monkeypatch):
    monkeypatch.setattr(OnCPU, "MOST_ROWS", 200)
    monkeypatch.setattr(OnCPU, "LEARNT_FROM", 100)
    x = rows(500, 6)
    values = x @ np.arange(6.0) + np.random.default_rng(0).normal(size=500)
    some, many = fit_process(x[:200], values[:200]), fit_process(x, values)
    assert some.logs.tobytes() == many.logs.tobytes()
    assert some.dual.tobytes() == many.dual.tobytes()
    assert len(many.coalitions) == 200


def test_thousands_of_rows():
    x = rows(4100, 5)
    values = 2.0 * x[:, 0] + (x[:, 1] & x[:, 2]) + np.random.default_rng(0).normal(size=4100)
    found = fit_process(x, values)
    assert len(found.coalitions) == len(found.dual) == 4000
    x = brute.coalitions(5)
    np.testing.assert_allclose(found(x), 2.0 * x[:, 0] + (x[:, 1] & x[:, 2]), atol=0.25)


def test_what_is_left_out_is_said():
    settings = "The Gaussian process has learnt its settings from the first 1,000 of "
    process = replace(a_process(3, m=4000), learnt_from=1000)
    assert process.left_out(5280) == settings + "5,280 ablations, and its values from the first 4,000."
    assert process.left_out(4000) == settings + "4,000 ablations, and its values from all of them."
    assert process.left_out(1000) == ""


def test_rounds_past_the_limits_say_from_what_they_have_learnt(monkeypatch):
    monkeypatch.setattr(OnCPU, "LEARNT_FROM", 100)
    monkeypatch.setattr(OnCPU, "MOST_ROWS", 150)
    monkeypatch.setattr(module, "_COLD_UP_TO", 50)
    algorithm = run(ProxySPEX(9, refine="process"), 200)
    rounds = [algorithm.advance() for _ in range(5)]
    assert [(e.ablations, len(e.notes)) for e in rounds] == [(32, 0), (64, 0), (96, 0), (128, 1), (192, 1)]
    # A round past the limit learns none: what it has is of the last that did.
    assert "the first 96 of 128 ablations, and its values from all" in rounds[3].notes[0]
    assert "the first 96 of 192 ablations, and its values from the first 150." in rounds[4].notes[0]
    (note,) = algorithm.finish().notes
    assert "the first 100 of 200 ablations, and its values from the first 150." in note


def test_a_process_that_has_no_say_says_nothing(monkeypatch):
    monkeypatch.setattr(OnCPU, "LEARNT_FROM", 40)
    for heard in (0.0, 0.1):
        weights = np.array([0.5, 0.0, 0.0, 0.3, heard])  # of the refiners of "auto", whose last is the process
        monkeypatch.setattr(chain, "stacking_weights", lambda *args, weights=weights: weights)
        assert len(run(ProxySPEX(9), 64).finish().notes) == (heard > 0)


def run(algorithm, budget):
    """Told of so many ablations of a function."""
    while (start := algorithm.ask(0).start) < budget:
        batch = algorithm.ask(budget - start)
        algorithm.tell(batch, 1.0 * (batch.coalitions[:, :1] & batch.coalitions[:, 1:2]) + batch.coalitions[:, 2:3])
    return algorithm


# What is extreme


EXTREMES = {
    "two rows": (rows(2, 5, 3), np.array([1.0, 2.0])),
    "two players": (rows(40, 2), rows(40, 2) @ [1.0, 2.0]),
    "two levels": (rows(60, 8), 1.0 * rows(60, 8)[:, :3].all(axis=1)),
    "one value apart": (rows(60, 8), np.eye(60)[7]),
    "a coalition met again and again, with other values": (np.ones((40, 4), dtype=bool), np.arange(40.0)),
    "values met again and again": (np.repeat(rows(5, 6), 20, axis=0), np.repeat(np.arange(5.0), 20)),
    "no noise": (rows(300, 6), 1.0 * rows(300, 6)[:, 0]),
    "only noise": (rows(300, 6), np.random.default_rng(0).normal(size=300)),
    "nothing of the first order": (brute.coalitions(3), np.prod(1.0 - 2.0 * brute.coalitions(3), axis=1)),
    "more players than rows": (rows(33, 700), rows(33, 700)[:, 5] * 1.0),
    "a player always there": (rows(50, 6) | (np.arange(6) == 2), rows(50, 6) @ np.arange(6.0)),
    "a small signal on a large offset": (rows(80, 6), 1e9 + 1e-3 * rows(80, 6)[:, 0]),
}


@pytest.mark.parametrize("scale", [1.0, 1e150, 1e-150])
@pytest.mark.parametrize("what", EXTREMES)
def test_extremes_are_survived(what, scale):
    x, values = EXTREMES[what]
    values = scale * values
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit_process(x, values)
        spectrum = found.spectrum(NOTHING)
        times = 1 + 257 // len(x)
        warm = fit_process(np.repeat(x, times, axis=0), np.repeat(values, times), found)
    fresh = rows(100, x.shape[1], 9)
    for surrogate in (found, spectrum, warm):
        predicted = surrogate(fresh)
        assert np.isfinite(predicted).all()
        assert np.abs(predicted - values.mean()).max() <= 3 * np.ptp(values)
    assert np.isfinite(found.logs).all()


def test_it_changes_with_the_units_as_the_values_do():
    x = rows(100, 6)
    values = x @ np.arange(6.0) + np.random.default_rng(0).normal(size=100)
    plain, other = fit_process(x, values), fit_process(x, 7 - 1024 * values)
    np.testing.assert_allclose(other(x), 7 - 1024 * plain(x), rtol=1e-3, atol=2.0)


@pytest.mark.parametrize(("n", "m"), [(12, 2000), (20, 1500)])
def test_without_noise_the_kernel_can_be_factorised(n, m):
    coalitions = np.random.default_rng(0).random((m, n)) < 0.5
    values = coalitions.sum(axis=1) * 1.0
    np.testing.assert_allclose(fit_process(coalitions, values)(coalitions[:50]), values[:50], atol=1e-3)
