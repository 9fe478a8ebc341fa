"""First order alone: what scikit-learn's ridge regression finds, and its penalty."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV

import brute
from spex_widget.algorithms.linear import fit_linear

PENALTIES = np.geomspace(1e-2, 1e4, 20)


def rows(m, n, seed=0, present=0.5):
    return np.random.default_rng(seed).random((m, n)) < present


def assert_same_as_scikit_learn(x, values):
    """That of a penalty which leaves one out as well as the best does, to what single precision tells apart."""
    found = fit_linear(x, values)
    reference = RidgeCV(PENALTIES, store_cv_results=True).fit(1.0 - 2.0 * x, values)
    scale = np.ptp(values)
    coefficients = found.at(np.arange(x.shape[1])[:, None])
    alone = [Ridge(penalty).fit(1.0 - 2.0 * x, values) for penalty in PENALTIES]
    chosen = int(np.argmin([np.abs(ridge.coef_ - coefficients).max() for ridge in alone]))
    np.testing.assert_allclose(coefficients, alone[chosen].coef_, atol=1e-8 * scale)
    missed = reference.cv_results_.mean(axis=0)
    assert missed[chosen] <= 1.001 * missed.min()
    fresh = rows(50, x.shape[1], seed=99)
    np.testing.assert_allclose(found(fresh), alone[chosen].predict(1.0 - 2.0 * fresh), atol=1e-8 * scale)
    assert found.max_order <= 1


@pytest.mark.parametrize(("m", "n"), [(3, 2), (5, 20), (19, 20), (20, 20), (21, 20), (60, 20), (32, 100), (500, 7)])
@pytest.mark.parametrize("noise", [0.1, 1.0, 30.0])
def test_it_is_that_of_scikit_learn(m, n, noise):
    rng = np.random.default_rng(m + n)
    x = rows(m, n, seed=m)
    assert_same_as_scikit_learn(x, 5 + x @ rng.normal(size=n) + (x[:, 0] & x[:, 1]) + noise * rng.normal(size=m))


@pytest.mark.parametrize("m", [12, 40])
def test_players_always_or_never_there_and_players_that_go_together(m):
    x = rows(m, 20)
    x[:, 3], x[:, 4] = True, False
    x[:, 6] = x[:, 5]
    x[:, 8] = ~x[:, 7]
    values = x @ np.arange(20.0) + np.random.default_rng(1).normal(size=m)
    assert_same_as_scikit_learn(x, values)
    found = fit_linear(x, values)
    assert (found[3], found[4]) == pytest.approx((0, 0), abs=1e-9)
    assert found[5] == pytest.approx(found[6])
    assert found[7] == pytest.approx(-found[8])


def test_coalitions_met_again_and_again():
    x = np.repeat(rows(10, 6), 5, axis=0)
    assert_same_as_scikit_learn(x, x @ np.arange(6.0) + np.random.default_rng(2).normal(size=50))


@pytest.mark.parametrize("m", [2, 5, 30])
def test_one_coalition_alone_gives_the_mean(m):
    values = np.random.default_rng(3).normal(size=m)
    brute.assert_same(fit_linear(np.ones((m, 6), dtype=bool), values), {(): values.mean()})


@pytest.mark.parametrize("m", [20, 60])
def test_it_changes_with_the_units_as_the_values_do(m):
    x = rows(m, 30)
    values = x @ np.linspace(-1, 2, 30) + np.random.default_rng(4).normal(size=m)
    plain, other = fit_linear(x, values), fit_linear(x, 7 - 1e6 * values)
    brute.assert_same(other, {s: 7 * (s == ()) - 1e6 * c for s, c in brute.as_dict(plain).items()}, atol=1e-4)


@pytest.mark.parametrize("scale", [1e150, 1e-150])
@pytest.mark.parametrize(("m", "n"), [(5, 8), (40, 12)])
def test_values_of_extreme_size(scale, m, n):
    x = rows(m, n)
    values = x @ np.arange(1.0, n + 1)
    plain, other = fit_linear(x, values), fit_linear(x, scale * values)
    np.testing.assert_allclose(other(x) / scale, plain(x), rtol=1e-9)
