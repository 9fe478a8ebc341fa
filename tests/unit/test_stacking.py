"""Stacking: the weights against a general solver, the sum of spectra point by point."""

import numpy as np
import pytest
from scipy.optimize import minimize

import brute
from spex_widget.algorithms.refiners import REFINE
from spex_widget.algorithms.stacking import expected_weights, stack, stacking_weights
from spex_widget.spectrum import SparseSpectrum

NAMES = ("linear", "parities", "lasso", "process")


def foretellings(k, seed=0):
    return dict(zip(NAMES, np.random.default_rng(seed).normal(size=(4, k)), strict=True))


def mixture(foretold, weights):
    return sum(weight * foretold[name] for name, weight in zip(NAMES, weights, strict=True))


@pytest.mark.parametrize("name", [*NAMES, "ridge"])
@pytest.mark.parametrize("k", [0, 1, 50])
def test_one_alone_is_taken_as_it_is(name, k):
    foretold = {name: np.zeros(k)}
    assert expected_weights((name,)).tolist() == [1.0]
    assert stacking_weights((name,), foretold, np.arange(float(k)), 0.0).tolist() == [1.0]


@pytest.mark.parametrize("refine", REFINE)
def test_what_is_expected_is_known_of_all_that_are_stacked(refine):
    names = REFINE[refine]
    weights = expected_weights(names)
    assert weights.shape == (len(names),)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0 if len(names) == 1 else 0.9)
    nothing = {name: np.zeros(0) for name in names}
    np.testing.assert_array_equal(stacking_weights(names, nothing, np.zeros(0), 0.0), weights)


@pytest.mark.parametrize("planted", [(0, 0.3, 0, 0.6), (0.25, 0.25, 0.25, 0.25), (1, 0, 0, 0), (0, 0, 0, 1)])
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_planted_mixture_is_found(planted, noise):
    foretold = foretellings(20_000)
    values = 3 + mixture(foretold, planted) + noise * np.random.default_rng(1).normal(size=20_000)
    foretold = {name: 3 + column for name, column in foretold.items()}
    np.testing.assert_allclose(stacking_weights(NAMES, foretold, values, 3.0), planted, atol=0.02)


def test_who_foretells_the_opposite_is_not_listened_to():
    foretold = foretellings(300)
    weights = stacking_weights(NAMES, foretold, mixture(foretold, (-1, 0.5, -0.2, 0.6)), 0.0)
    assert (weights >= 0).all()
    assert (weights[0], weights[2]) == (0, 0)


@pytest.mark.parametrize("k", [2, 10, 40, 300])
def test_they_are_least_squares_with_24_rows_for_what_is_expected(k):
    foretold = foretellings(k, seed=k)
    values = 1 + mixture(foretold, (0, 0.5, -0.3, 0.4)) + 0.3 * np.random.default_rng(2).normal(size=k)
    foretold = {name: column + 1 for name, column in foretold.items()}
    expected = expected_weights(NAMES)
    best = min(np.mean((values - foretold[name]) ** 2) for name in NAMES)
    trust = 24 * max(1, 64 / k)  # the fewer speak, the more

    def loss(weights):
        predicted = 0.8 + sum(weight * (foretold[name] - 0.8) for name, weight in zip(NAMES, weights, strict=True))
        return np.sum((values - predicted) ** 2) + trust * best * np.sum((weights - expected) ** 2)

    found = stacking_weights(NAMES, foretold, values, 0.8)
    reference = minimize(loss, expected, bounds=[(0, None)] * 4, options={"ftol": 1e-15, "gtol": 1e-10})
    np.testing.assert_allclose(found, reference.x, atol=1e-4)
    assert loss(found) <= reference.fun * (1 + 1e-9)


@pytest.mark.parametrize("k", [40, 300, 20_000])
def test_they_sum_to_one_at_most(k):
    rng = np.random.default_rng(k)
    values = rng.normal(size=k)
    shares = dict(zip(NAMES, (0.1, 0.2, 0.4, 0.5), strict=True))
    foretold = {name: share * values + 0.1 * rng.normal(size=k) for name, share in shares.items()}
    expected = expected_weights(NAMES)
    best = min(np.mean((values - foretold[name]) ** 2) for name in NAMES)

    def loss(weights):
        squares = np.sum((values - mixture(foretold, weights)) ** 2)
        return squares + 24 * max(1, 64 / k) * best * np.sum((weights - expected) ** 2)

    most = {"type": "ineq", "fun": lambda weights: 1 - weights.sum()}
    reference = minimize(loss, expected, bounds=[(0, None)] * 4, constraints=most, options={"ftol": 1e-12})
    found = stacking_weights(NAMES, foretold, values, 0.0)
    assert found.sum() == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(found, reference.x, atol=1e-3)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 1e4), (-3.0, 5.0), (1e200, 0.0), (1e-200, 0.0)])
def test_the_units_do_not_matter(scale, shift):
    foretold = foretellings(60)
    values = mixture(foretold, (0, 0.5, 0.1, 0.4)) + np.random.default_rng(3).normal(size=60)
    plain = stacking_weights(NAMES, foretold, values, 0.2)
    moved = {name: scale * column + shift for name, column in foretold.items()}
    other = stacking_weights(NAMES, moved, scale * values + shift, scale * 0.2 + shift)
    np.testing.assert_allclose(other, plain, atol=1e-8)


@pytest.mark.parametrize(
    ("foretold", "values"),
    [
        ([0.0, 0.0], np.zeros(5)),
        ([2.0, 2.0], np.full(5, 2.0)),
        ([0.0, 0.0], np.arange(5.0)),
        ([np.arange(5.0), np.arange(5.0)], np.arange(5.0)),
        ([1e9, 0.0], np.arange(5.0)),
    ],
    ids=["nothing", "no difference", "nothing foretold", "all foretold", "far off"],
)
def test_what_says_nothing_or_all_does_no_harm(foretold, values):
    columns = dict(zip(("lasso", "process"), (np.broadcast_to(column, 5) for column in foretold), strict=True))
    weights = stacking_weights(("lasso", "process"), columns, values, values.mean())
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    assert weights.sum() < 1.1


@pytest.mark.parametrize("miss", [0.0, 0.01])
def test_where_the_newest_rows_hold_none_of_a_rare_event_who_says_so_is_believed(miss):
    """All that is foretold is that nothing will happen, which is right: so nothing is to be left to the mean."""
    rng = np.random.default_rng(0)
    foretold = {name: miss * rng.normal(size=100) for name in NAMES}
    weights = stacking_weights(NAMES, foretold, np.zeros(100), mean=0.15)
    assert weights.sum() == pytest.approx(1, abs=0.01)
    sure = stacking_weights(NAMES, {**foretold, "lasso": np.zeros(100)}, np.zeros(100), mean=0.15)
    assert sure.sum() == pytest.approx(1, abs=0.01)


# The sum


def spectra(n, seed=0):
    rng = np.random.default_rng(seed)
    sets = brute.subsets(range(n), 3)
    return {
        name: SparseSpectrum.from_sets(n, {sets[i]: float(rng.normal()) for i in rng.choice(len(sets), 9)})
        for name in NAMES
    }


@pytest.mark.parametrize("weights", [(0.1, 0.2, 0.3, 0.4), (0.0, 0.5, 0.0, 0.2), (0.0, 0.9, 0.3, 0.0), (0, 0, 0, 0)])
def test_the_stack_is_the_weighted_sum_everywhere_and_the_rest_the_mean(weights):
    found, x = spectra(7), brute.coalitions(7)
    total = stack(found, dict(zip(NAMES, weights, strict=True)), 5.0)
    expected = (1 - sum(weights)) * 5.0 + sum(w * found[name](x) for name, w in zip(NAMES, weights, strict=True))
    np.testing.assert_allclose(total(x), expected, atol=1e-12)


def test_who_is_not_named_is_left_out():
    found = spectra(5)
    brute.assert_same(stack(found, {"process": 1.0}, 3.0), brute.as_dict(found["process"]))
