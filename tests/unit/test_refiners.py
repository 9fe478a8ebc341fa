"""The refiners, each alone and together: small sparse functions are recovered, by the seed and the values alone."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

import brute
from spex_widget.algorithms import ProxySPEX, chain, proxy
from spex_widget.algorithms.refiners import REFINE, cross_fitted, fit_refiners
from spex_widget.algorithms.ridge import fit_ridge
from spex_widget.snapshot import Ranked
from spex_widget.spectrum import SparseSpectrum

N = 16
PLANTED = SparseSpectrum.from_sets(
    N, {(): 4.0, (0,): 1.0, (3,): -1.0, (0, 3): 1.2, (5,): 0.6, (5, 7, 9): 0.8, (0, 3, 11): -0.7}
)
INTERACTIONS = {(0, 3), (5, 7, 9), (0, 3, 11)}


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proxy, "_TREES", 40)
        yield


def rows(m, n=N, seed=0):
    return np.random.default_rng(seed).random((m, n)) < 0.5


def r2(surrogate, function=PLANTED, n=N):
    x = rows(2000, n, 77)
    return 1 - np.mean((function(x) - surrogate(x)) ** 2) / np.var(function(x))


def noisy(x):
    """Noise that a coalition always has: the same however it is batched."""
    place = x @ (1 << np.arange(N))
    return PLANTED(x) + 0.3 * np.sin(12.9898 * place + 78.233)


def explained(refine, function=PLANTED, budget=400, most=64, seed=0):
    algorithm, done = ProxySPEX(N, refine=refine, seed=seed), 0
    while done < budget and len(batch := algorithm.ask(min(most, budget - done))):
        algorithm.tell(batch, function(batch.coalitions)[:, None])
        done += len(batch)
    return algorithm.finish()


# Folds


def test_of_a_row_nothing_is_said_that_it_has_told_itself():
    names, x = REFINE["auto"], rows(90)
    values = noisy(x)
    told = cross_fitted(names, x, values, seed=0)
    # Row 6 lies in the fold of rows 2, 6, 10 …: these alone do not learn of it.
    values[6] += 100.0
    again = cross_fitted(names, x, values, seed=0)
    for name in names:
        same = told[name] == again[name]
        np.testing.assert_array_equal(same[2::4], True)
        assert not same.all()
        assert np.corrcoef(told[name], noisy(x))[0, 1] > 0.3


def test_at_the_end_of_few_ablations_folds_weigh_the_refiners(monkeypatch):
    """Main effects, pairs and noise: the newest rows are too few to see whom to believe."""
    n, scores, said = 24, {0: [], 256: []}, {0: [], 256: []}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        main, pairs, weights = rng.normal(size=n), rng.integers(0, n, (10, 2)), 2 * rng.normal(size=10)

        def function(x, main=main, pairs=pairs, weights=weights):
            return x @ main + (x[:, pairs[:, 0]] & x[:, pairs[:, 1]]) @ weights

        for folded in scores:
            monkeypatch.setattr(chain, "_FOLDED", folded)
            algorithm, rng = ProxySPEX(n, seed=seed), np.random.default_rng(seed)
            while len(batch := algorithm.ask(96 - algorithm.ask(0).start)):
                noise = 2 * rng.normal(size=len(batch))
                algorithm.tell(batch, (function(batch.coalitions) + noise)[:, None])
            estimate = algorithm.finish()
            scores[folded].append(r2(estimate.spectrum, function, n))
            said[folded].append(estimate.r2)
    assert np.mean(scores[256]) > np.mean(scores[0]) + 0.01
    for foretold, folds in zip(said[0], said[256], strict=True):
        assert folds.low <= min(foretold.low, folds.value)
        assert folds.high >= max(foretold.high, folds.value)
        assert folds.value != foretold.value


# Ridge


def test_ridge_keeps_95_percent_of_the_energy_and_refits_as_scikit_learn_does():
    x = rows(200)
    values = noisy(x)
    # Energies .64 + .25 + .09 + .02: the first two hold 89 %, three 98 %.
    proxy_found = SparseSpectrum.from_sets(N, {(): 9.0, (0, 3): 0.8, (0,): -0.5, (5, 7, 9): 0.3, (2,): 0.02**0.5})
    found = fit_ridge(x, values, proxy_found)
    kept = [(0,), (0, 3), (5, 7, 9)]
    features = np.stack([np.prod(1.0 - 2.0 * x[:, list(s)], axis=1) for s in kept], axis=1)
    reference = RidgeCV((0.001, 0.01, 0.1, 1.0, 10.0, 100.0)).fit(features, values)
    brute.assert_same(found, {(): reference.intercept_, **dict(zip(kept, reference.coef_, strict=True))})


@pytest.mark.parametrize("proxy_found", [{}, {(): 2.0}])
def test_ridge_of_nothing_is_the_mean(proxy_found):
    x = rows(20)
    brute.assert_same(fit_ridge(x, noisy(x), SparseSpectrum.from_sets(N, proxy_found)), {(): noisy(x).mean()})


# Refiners on the same rows


@pytest.mark.parametrize("name", ["linear", "parities", "conjunctions", "lasso", "process", "ridge"])
def test_each_refiner_gives_its_own_spectrum_and_the_linear_one_beside(name):
    x = rows(300)
    fits = fit_refiners((name,), x, noisy(x), seed=0)
    assert {"linear", name} <= fits.spectra.keys()
    assert fits.spectra["linear"].max_order == 1
    least = {"linear": 0.15, "parities": 0.97, "conjunctions": 0.8, "lasso": 0.97, "process": 0.7, "ridge": 0.6}
    assert r2(fits.spectra[name]) > least[name]
    assert (fits.process is None) == (name != "process")


def test_what_the_pursuit_found_the_lasso_may_use():
    # A parity without any part of it: trees do not see it, the screen does.
    parity = SparseSpectrum.from_sets(40, {(3, 20, 31): 1.0, (5, 6): 1.0, (0,): 0.5})
    x = rows(300, 40)
    brute.assert_same(fit_refiners(("lasso",), x, parity(x), seed=0).spectra["lasso"], brute.as_dict(parity), atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_no_set_holds_a_player_twice(seed, noise):
    # Few sets on few players: there is less to grow than is asked for.
    rng = np.random.default_rng(seed)
    x = rows(90, 12, seed)
    z = 1.0 - 2.0 * x
    values = z[:, [1, 2, 3, 4]].prod(axis=1) + z[:, [2, 3, 4]].prod(axis=1) + noise * rng.normal(size=90)
    for spectrum in fit_refiners(REFINE["auto"], x, values, seed=0, final=True).spectra.values():
        inside = [[i for i in row if i < 12] for row in spectrum.members.tolist()]
        assert all(row == sorted(set(row)) for row in inside)


@pytest.mark.parametrize("refine", REFINE)
@pytest.mark.parametrize("m", [1, 2, 3, 31, 32])
def test_few_rows_are_enough_for_something(refine, m):
    x = rows(m)
    spectra = fit_refiners(REFINE[refine], x, noisy(x), seed=0).spectra
    assert {"linear", *REFINE[refine]} <= spectra.keys()
    for spectrum in spectra.values():
        predicted = spectrum(rows(50))
        assert np.isfinite(predicted).all()
        assert np.abs(predicted - noisy(x).mean()).max() <= 3 * max(np.ptp(noisy(x)), 1e-9)


@pytest.mark.parametrize("refine", REFINE)
def test_values_that_do_not_differ_are_their_mean(refine):
    spectra = fit_refiners(REFINE[refine], rows(50), np.full(50, 3.0), seed=0).spectra
    assert {"linear", *REFINE[refine]} <= spectra.keys()
    for spectrum in spectra.values():
        brute.assert_same(spectrum, {(): 3.0})


@pytest.mark.parametrize("refine", REFINE)
def test_two_players(refine):
    x = rows(60, 2)
    both = SparseSpectrum.from_sets(2, {(): 1.0, (0,): 0.5, (0, 1): 0.5})
    fits = fit_refiners(REFINE[refine], x, both(x), seed=0)
    for name in REFINE[refine]:
        assert fits.spectra[name].n == 2
        assert r2(fits.spectra[name], both, 2) > (0.9 if name in ("parities", "process") else 0.4)


@pytest.mark.parametrize("refine", REFINE)
def test_the_units_do_not_matter(refine):
    # Powers of two round nothing.
    x = rows(150)
    plain = fit_refiners(REFINE[refine], x, noisy(x), seed=0).spectra
    other = fit_refiners(REFINE[refine], x, 1024.0 * noisy(x), seed=0).spectra
    for name in REFINE[refine]:
        found = other[name](x) / 1024.0
        np.testing.assert_allclose(found, plain[name](x), atol=1e-6 * np.ptp(noisy(x)))


# Whole runs


@pytest.fixture(scope="module")
def runs():
    return {refine: explained(refine) for refine in REFINE}


@pytest.mark.parametrize(
    ("refine", "least"), [("auto", 0.97), ("lasso", 0.99), ("pursuit", 0.99), ("process", 0.8), ("ridge", 0.7)]
)
def test_a_small_sparse_function_is_recovered(runs, refine, least):
    estimate = runs[refine]
    assert r2(estimate.spectrum) > least
    assert estimate.r2.value > least - 0.25
    largest = Ranked.of(estimate.spectrum, "Fourier")
    assert {(0, 3), (0,), (3,)} <= set(largest.head(largest.orders > 0, 5).sets())
    together = largest.head(largest.orders > 1, 3).sets()
    assert set(together) == INTERACTIONS if refine in ("auto", "pursuit", "lasso") else (0, 3) in together


def test_the_lasso_is_exact_without_noise(runs):
    brute.assert_same(runs["lasso"].spectrum, brute.as_dict(PLANTED), atol=1e-6)


@pytest.mark.parametrize("refine", REFINE)
def test_weights_are_positive_and_sum_to_about_one(runs, refine):
    weights = runs[refine].weights
    assert set(weights) <= set(REFINE[refine])
    assert all(weight > 0 for weight in weights.values())
    assert sum(weights.values()) == pytest.approx(1.0, abs=0.05)
    if len(REFINE[refine]) == 1:
        assert weights == {refine: 1.0}


@pytest.mark.parametrize("refine", REFINE)
def test_intervals_are_shown_where_they_are_honest(runs, refine):
    estimate = runs[refine]
    interval = estimate.intervals(np.array([[0, 3]]), "BII")
    assert (interval is None) == (refine == "ridge")
    assert any("no interval" in note for note in estimate.notes) == (refine == "ridge")
    assert not (refine == "ridge" and estimate.settled())


def test_the_better_refiner_speaks_louder(runs):
    weights = runs["auto"].weights
    assert sum(weights.get(name, 0) for name in ("parities", "conjunctions", "lasso")) > 0.8


def test_together_they_are_no_worse_than_the_best_of_them():
    found = {refine: r2(explained(refine, noisy, 256).spectrum) for refine in ("auto", "lasso", "process")}
    assert found["auto"] > max(found.values()) - 0.03


@pytest.mark.parametrize("refine", REFINE)
def test_a_run_is_decided_by_its_seed_and_batches_of_7_or_50_rank_alike(refine):
    one, again, small = (explained(refine, noisy, 150, most, seed=5) for most in (50, 50, 7))
    for other in (again, small):
        np.testing.assert_array_equal(one.spectrum.members, other.spectrum.members)
        assert one.spectrum.coefficients.tobytes() == other.spectrum.coefficients.tobytes()
        assert one.weights == other.weights
        assert one.history == other.history
    rankings = [Ranked.of(estimate.spectrum, "FBII").sets() for estimate in (one, small)]
    assert rankings[0] == rankings[1]


def test_an_unknown_refiner_is_refused():
    with pytest.raises(KeyError):
        ProxySPEX(4, refine="best")
