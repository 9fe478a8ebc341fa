"""The hold-out LASSO: exact where it can be, quiet and harmless where it cannot."""

import numpy as np
import pytest

import brute
from spex_widget.algorithms.candidates import singles
from spex_widget.algorithms.lasso import fit_lasso
from spex_widget.spectrum import SparseSpectrum, pad_sets

N = 10
PAIRS = pad_sets(brute.subsets(range(N), 2)[1:], N)
TRIPLES = pad_sets(brute.subsets(range(N), 3)[1:], N)


def rows(m, seed=0, n=N, present=0.5):
    return np.random.default_rng(seed).random((m, n)) < present


def r2(spectrum, function, n=N):
    x = brute.coalitions(n)
    return 1 - np.mean((function(x) - spectrum(x)) ** 2) / np.var(function(x))


@pytest.mark.parametrize("seed", range(5))
def test_a_sparse_function_without_noise_is_found_exactly(seed):
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(TRIPLES), 8, replace=False))
    planted = SparseSpectrum.from_terms(N, TRIPLES[chosen], rng.choice([-1.0, 1.0], 8) * rng.uniform(0.5, 2, 8))
    planted = planted + SparseSpectrum.from_sets(N, {(): 3.0})
    x = rows(120, seed)
    found = fit_lasso(x, planted(x), TRIPLES, seed=0)
    brute.assert_same(found, brute.as_dict(planted), atol=1e-9)


def test_noise_is_mostly_left_out():
    planted = SparseSpectrum.from_sets(N, {(0,): 1.0, (1, 2): -1.0, (3, 4): 0.7})
    x = rows(300)
    found = fit_lasso(x, planted(x) + np.random.default_rng(1).normal(size=300) * 0.5, PAIRS, seed=0)
    assert r2(found, planted) > 0.97
    assert {(0,), (1, 2), (3, 4)} <= brute.as_dict(found).keys()
    assert len(found) < len(PAIRS) / 2


def test_pure_noise_does_not_look_like_structure():
    values = np.random.default_rng(0).normal(size=200)
    found = fit_lasso(rows(200), values, TRIPLES, seed=0)
    assert found.energy_by_order()[1:].sum() < 0.3 * values.var()


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9])
def test_values_that_never_change_are_their_mean(value):
    found = fit_lasso(rows(50), np.full(50, value), PAIRS, seed=0)
    np.testing.assert_allclose(found(rows(5, 1)), value, rtol=1e-12)
    assert set(brute.as_dict(found)) <= {()}


@pytest.mark.parametrize("m", [1, 2, 4])
def test_few_values_are_their_mean(m):
    found = fit_lasso(rows(m), np.arange(m) + 1.0, PAIRS, seed=0)
    assert brute.as_dict(found) == {(): (m + 1) / 2}


def test_without_candidates_there_is_the_mean():
    assert brute.as_dict(fit_lasso(rows(20), np.arange(20.0), pad_sets([], N), seed=0)) == {(): 9.5}


@pytest.mark.parametrize("factor", [1e-200, 1e-9, 1e9, 1e200])
def test_the_unit_of_the_values_does_not_matter(factor):
    x = rows(80)
    values = x @ np.arange(10.0) + np.random.default_rng(0).normal(size=80)
    found, scaled = (fit_lasso(x, v, PAIRS, seed=0) for v in (values, factor * (values - 5)))
    np.testing.assert_array_equal(found.members, scaled.members)
    np.testing.assert_allclose(found.coefficients[1:], scaled.coefficients[1:] / factor, rtol=1e-6)


def far_apart(x):
    return 1e12 * (x[:, 0] & x[:, 1]) + 1e-3 * x[:, 2]


NASTY = {
    "a tiny signal on a large offset": lambda x, rng: 1e9 + 1e-7 * rng.normal(size=len(x)),
    "scales far apart": lambda x, rng: far_apart(x),
    "heavy tails": lambda x, rng: np.exp(5 * rng.normal(size=len(x))),
    "one value that differs": lambda x, rng: 1.0 * (np.arange(len(x)) == len(x) // 2),
    "an outlier over a whisper": lambda x, rng: 1e-9 * x[:, 0] + 1e6 * (np.arange(len(x)) == 3),
    "two values": lambda x, rng: 1.0 * (x.sum(axis=1) > 5),
    "pure noise": lambda x, rng: rng.normal(size=len(x)),
    "rounding errors": lambda x, rng: 0.1 + np.finfo(float).eps * rng.integers(0, 2, len(x)) / 8,
}


@pytest.mark.parametrize("kind", NASTY)
@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("m", [5, 12, 33, 90])
def test_nasty_values_raise_no_warning(m, repeats, kind):
    # All 1,023 sets on few rows, which may stand there again and again: characters coincide by the hundred.
    everything = pad_sets(brute.subsets(range(N))[1:], N)
    for seed in range(3):
        rng = np.random.default_rng((m, seed))
        x = rows(m, seed)[rng.integers(0, max(2, m // 4), m) if repeats else slice(None)]
        values = NASTY[kind](x, rng)
        found = fit_lasso(x, values, everything, seed=seed)
        assert np.isfinite(found.coefficients).all()
        assert np.abs(found(x) - values.mean()).max() <= 3 * np.ptp(values)


def test_a_player_always_present_has_no_say():
    x = rows(60)
    x[:, 4] = True
    found = fit_lasso(x, x[:, 0] + 2.0 * x[:, 1], singles(N), seed=0)
    brute.assert_same(found, {(): 1.5, (0,): -0.5, (1,): -1.0}, atol=1e-9)


def test_what_the_held_out_rows_alone_show_does_not_derail_the_penalty():
    # All the penalties of the training rows are then far below anything that the whole of the rows bears.
    m, seed = 100, 0
    held_out = np.random.default_rng(seed).permutation(m)[0]
    values = np.zeros(m)
    values[held_out] = 1e6
    found = fit_lasso(rows(m), values, PAIRS, seed=seed)
    assert brute.as_dict(found) == {(): pytest.approx(1e4)}


def test_the_random_numbers_of_others_are_left_alone():
    rng = np.random.default_rng(0)
    x = rng.random((100, 8)) < 0.5
    before = np.random.get_state()[2]  # noqa: NPY002
    fit_lasso(x, x @ rng.normal(size=8), singles(8), seed=0)
    assert np.random.get_state()[2] == before  # noqa: NPY002
