"""Held-out R² and its interval."""

import numpy as np
import pytest

from spex_widget.algorithms.prequential import held_out_r2


def gaussian(rng, k, noise):
    signal = rng.normal(size=k)
    return signal + noise * rng.normal(size=k), signal


def parities(rng, k):
    signs = rng.choice([-1.0, 1.0], size=(k, 3))
    return signs[:, 0] * signs[:, 1] + 0.5 * signs[:, 2], signs[:, 0] * signs[:, 1]


def triple_and(rng, k):
    x = rng.random((k, 3)) < 0.5
    return 1.0 * x.all(axis=1), x.sum(axis=1) / 4 - 0.2


CASES = {
    "faithful": lambda rng, k: gaussian(rng, k, 0.3),
    "half": lambda rng, k: gaussian(rng, k, 1.0),
    "worse than the mean": lambda rng, k: (rng.normal(size=k), rng.normal(size=k)),
    "parities": parities,
    "a triple by its singles": triple_and,
}


def test_it_is_the_share_of_the_variance_that_was_foretold():
    values, predicted = gaussian(np.random.default_rng(0), 50, 0.5)
    r2 = held_out_r2(values, predicted)
    assert r2.value == pytest.approx(1 - np.sum((values - predicted) ** 2) / np.sum((values - values.mean()) ** 2))
    assert r2.low < r2.value < r2.high < 1


@pytest.mark.parametrize("k", [32, 128])  # a round is 32 ablations
@pytest.mark.parametrize("case", CASES)
def test_the_interval_covers_the_truth_as_often_as_it_says(case, k):
    rng = np.random.default_rng(k)
    values, predicted = CASES[case](rng, 200_000)
    truth = 1 - np.mean((values - predicted) ** 2) / np.var(values)
    samples = [CASES[case](rng, k) for _ in range(600)]
    intervals = [held_out_r2(*sample) for sample in samples if np.ptp(sample[0]) > 0]
    covered = [r2.low <= truth <= r2.high for r2 in intervals]
    # The standard deviation of a share near .95 in 600 is .009.
    assert 0.9 <= np.mean(covered) <= 0.985


@pytest.mark.parametrize("noise", [0.001, 0.02, 0.5, 3.0])
def test_its_ends_are_thousandths_rounded_outwards(noise):
    values, predicted = gaussian(np.random.default_rng(1), 400, noise)
    r2 = held_out_r2(values, predicted)
    for end in (r2.low, r2.high):
        assert end * 1000 == pytest.approx(round(end * 1000), abs=1e-9)
    assert r2.low <= r2.value <= r2.high <= 1
    if noise == 0.001:  # of which 1 − R² is a millionth
        assert (r2.low, r2.high) == (0.999, 1.0)


def test_more_ablations_narrow_it():
    few, many = (held_out_r2(*CASES["half"](np.random.default_rng(0), k)) for k in (32, 512))
    assert many.high - many.low < (few.high - few.low) / 2


def test_a_perfect_surrogate_is_certain():
    values = np.arange(10.0)
    r2 = held_out_r2(values, values)
    assert (r2.value, r2.low, r2.high) == (1, 1, 1)


def test_two_ablations_say_next_to_nothing():
    r2 = held_out_r2(np.array([0.0, 1.0]), np.array([0.1, 0.5]))
    assert r2.low < -1e3
    assert r2.high > 0.99


@pytest.mark.parametrize("factor", [1e-200, 1e9, 1e200])
def test_the_unit_of_the_values_does_not_matter(factor):
    values, predicted = gaussian(np.random.default_rng(0), 40, 0.5)
    plain, scaled = held_out_r2(values, predicted), held_out_r2(factor * values, factor * predicted)
    assert (scaled.value, scaled.low, scaled.high) == pytest.approx((plain.value, plain.low, plain.high))
