"""What held-out residuals say: unbiased whatever the surrogate, in intervals that cover; and what is settled."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import brute
from spex_widget.algorithms import FIRST, ProxySPEX, proxy
from spex_widget.algorithms.algorithm import R2, Estimate, Mark
from spex_widget.algorithms.evidence import Foretold, interval, pool
from spex_widget.spectrum import INDICES, SparseSpectrum, pad_sets

N = 5
ALL = pad_sets(brute.subsets(range(N)), N)
SUPPORT = [*brute.subsets(range(N), 2), (0, 1, 2), (2, 3, 4), (0, 1, 2, 3)]
TRUTHS = {
    "Fourier": brute.fourier,
    "Moebius": brute.moebius,
    "BV": brute.banzhaf,
    "SV": brute.shapley,
    "BII": brute.bii,
    "SII": brute.sii,
    "k-SII": lambda values: brute.k_sii(values, 2),
    "STII": lambda values: brute.stii(values, 2),
    "FBII": lambda values: brute.fbii(values, 2),
    "FSII": lambda values: brute.fsii(values, 2),
}
LIMITED = {"k-SII": 2, "STII": 2, "FBII": 2, "FSII": 2}


def rows(m, rng, n=N):
    return rng.random((m, n)) < 0.5


def at(values, x):
    return values[x @ (1 << np.arange(x.shape[1]))]


def foretold(x, values, surrogate):
    return Foretold(x, values, surrogate, surrogate(x))


def function(seed=0, n=N):
    return np.random.default_rng(seed).normal(size=1 << n)


def surrogates(seed=0):
    """Two that are wrong, each in its own way."""
    rng = np.random.default_rng(seed)
    return [SparseSpectrum.from_sets(N, {s: float(rng.normal() * 0.4) for s in SUPPORT}) for _ in range(2)]


def over_the_support(values):
    """The function without the terms that the surrogate leaves out."""
    kept = SparseSpectrum.from_sets(N, {s: c for s, c in brute.fourier(values).items() if s in SUPPORT})
    return kept(brute.coalitions(N))


def asked_for(index):
    """Sets that the index has, none empty, of order 2 at most."""
    truth = TRUTHS[index](function())
    return [s for s in truth if 0 < len(s) <= 2]


def test_every_index_has_its_truth():
    assert {name.lower() for name in INDICES} == {name.lower() for name in TRUTHS}


@pytest.mark.parametrize("index", TRUTHS)
@pytest.mark.parametrize("seed", range(3))
def test_all_coalitions_as_one_round_give_the_true_index_whatever_the_surrogate(index, seed):
    values, x = function(seed), brute.coalitions(N)
    truth = TRUTHS[index](values)
    sets = list(truth)
    rounds = [foretold(x, values, surrogates(seed)[0])]
    pooled = pool(rounds, ALL, pad_sets(sets, N), index, LIMITED.get(index))
    np.testing.assert_allclose(pooled.means, [truth[s] for s in sets], atol=1e-10)
    assert (pooled.errors > 0).all()


@pytest.mark.parametrize("index", ["Fourier", "BII", "SV", "FBII"])
def test_what_the_surrogate_leaves_out_is_left_out(index):
    values, x = function(), brute.coalitions(N)
    truth = TRUTHS[index](over_the_support(values))
    sets = asked_for(index)
    pooled = pool([foretold(x, values, surrogates()[0])], pad_sets(SUPPORT, N), pad_sets(sets, N), index, 2)
    np.testing.assert_allclose(pooled.means, [truth[s] for s in sets], atol=1e-10)


@pytest.mark.parametrize(
    ("index", "sizes"),
    [("Fourier", (120,)), ("Fourier", (40, 80)), ("BII", (40, 80)), ("SV", (40, 80)), ("FBII", (40, 80))],
)
def test_the_mean_is_unbiased_and_its_error_is_true(index, sizes):
    draws, rng, values = 300, np.random.default_rng(1), function()
    sets = asked_for(index)
    truth = TRUTHS[index](over_the_support(values))
    truth = np.array([truth[s] for s in sets])
    means, errors, covered = [], [], []
    for _ in range(draws):
        rounds = []
        for size, surrogate in zip(sizes, surrogates(), strict=False):
            x = rows(size, rng)
            rounds.append(foretold(x, at(values, x) + 0.3 * rng.normal(size=size), surrogate))
        pooled = pool(rounds, pad_sets(SUPPORT, N), pad_sets(sets, N), index, 2)
        half = stats.t.ppf(0.975, sum(sizes) - len(sizes)) * pooled.errors
        means.append(pooled.means)
        errors.append(pooled.errors)
        covered.append(abs(pooled.means - truth) <= half)
    spread = np.std(means, axis=0)
    assert (np.abs(np.mean(means, axis=0) - truth) < 4 * spread / np.sqrt(draws)).all()
    np.testing.assert_allclose(np.mean(errors, axis=0), spread, rtol=0.2)
    # Of 300 at .95, all but one in a thousand lie within .909 and .983.
    rates = np.mean(covered, axis=0)
    assert rates.min() > 0.90
    assert 0.93 < rates.mean() < 0.97


def test_the_largest_of_nothing_owe_it_to_luck_and_their_intervals_allow_for_it():
    """All effects are 0, and each round's surrogate is what the rounds before it seem to say, as a fit's would be."""
    rng, n, sizes = np.random.default_rng(0), 40, (60, 100, 160)
    singles = pad_sets([(i,) for i in range(n)], n)
    luckless, honest, named = [], [], []
    for _ in range(100):
        x, y = rows(sum(sizes), rng, n), rng.normal(size=sum(sizes))
        signs = 1.0 - 2 * x
        rounds = []
        for start, size in zip(np.cumsum((0, *sizes)), sizes, strict=False):
            seen = signs[:start].T @ y[:start] / start if start else np.zeros(n)
            surrogate = SparseSpectrum.from_terms(n, singles, 0.5 * seen)
            rounds.append(foretold(x[start : start + size], y[start : start + size], surrogate))
        pooled = pool(rounds, singles, singles, "Fourier", None)
        largest = np.argsort(-abs(pooled.means))[:5]
        half = stats.t.ppf(0.975, sum(sizes) - 3) * pooled.errors
        luckless.append(abs(pooled.means[largest]) <= half[largest])
        low, high = interval(pooled)
        honest.append((low <= 0)[largest] & (high >= 0)[largest])
        named.append((low <= 0) & (high >= 0))
    assert np.mean(luckless) < 0.8
    assert np.mean(honest) > 0.93
    assert np.mean(named) > 0.97


def test_a_set_that_stood_high_before_the_rows_came_pays_less_than_one_that_did_not():
    rng, n = np.random.default_rng(0), 30
    x = rows(200, rng, n)
    sets = pad_sets([(0,), (1,), (2, 3)], n)
    surrogate = SparseSpectrum.from_sets(n, {(0,): 2.0, (1,): 1.0})
    pooled = pool([foretold(x, rng.normal(size=200), surrogate)], sets, sets, "Fourier", None)
    np.testing.assert_array_equal(pooled.parts[0].rivals, [1, 2, 30 * 29 / 2])
    low, high = interval(pooled)
    price = (high - low) / 2 / pooled.errors
    bonferroni = stats.t.isf(0.025 / pooled.parts[0].rivals, 199)
    assert 0.9 * stats.t.isf(0.025, 199) == pytest.approx(price[0])
    assert price[0] < price[1] < price[2] < bonferroni[2]


def test_an_interval_begins_where_it_is_narrowest():
    """A long-known set has all rows as evidence, a new one those since a surrogate held it."""
    rng, n = np.random.default_rng(0), 30
    old, new = {(0,): 1.0}, {(0,): 1.0, (1, 2): 1.0}
    sets = pad_sets([(0,), (1, 2)], n)
    rounds = []
    for size, terms in ((100, old), (100, old), (300, new)):
        x = rows(size, rng, n)
        rounds.append(foretold(x, rng.normal(size=size), SparseSpectrum.from_sets(n, terms)))
    pooled = pool(rounds, sets, sets, "Fourier", None)
    middles = np.mean(interval(pooled), axis=0)
    np.testing.assert_allclose(middles, [pooled.means[0], pooled.since(2).means[1]])


def test_a_few_rows_that_hold_no_miss_are_not_what_an_interval_rests_on():
    """Of a rare event the last two rows hold nothing, as is likely, and the surrogate does not know it."""
    rng, n = np.random.default_rng(0), 12
    x = rows(202, rng, n)
    x[200:, 0] = False
    rare = 8.0 * x[:, :4].all(axis=1)
    singles = pad_sets([(i,) for i in range(n)], n)
    surrogate = SparseSpectrum.from_sets(n, {(i,): 1e-9 for i in range(n)})
    rounds = [foretold(x[a:b], rare[a:b], surrogate) for a, b in ((0, 120), (120, 200), (200, 202))]
    pooled = pool(rounds, singles, singles, "Fourier", None)
    low, high = interval(pooled)
    np.testing.assert_array_less(0.5 * pooled.errors, high - low)
    assert (high[0] >= low[0]) & (low[0] <= -8 / 16 <= high[0])


def test_a_good_surrogate_makes_it_sharp_and_counts_the_more():
    rng, values = np.random.default_rng(0), function()
    exact = SparseSpectrum.from_values(values)
    good = exact + SparseSpectrum.from_sets(N, {(0,): 0.01})
    sets = pad_sets([(0,), (0, 1)], N)
    x, y = rows(50, rng), rows(50, rng)
    bad = foretold(x, at(values, x), SparseSpectrum.from_sets(N, {}))
    both = pool([bad, foretold(y, at(values, y), good)], ALL, sets, "BII", None)
    alone = pool([bad], ALL, sets, "BII", None)
    assert (both.errors < 0.05 * alone.errors).all()
    assert both.shares[1] > 0.99
    assert both.shares.sum() == pytest.approx(1)


def test_exact_rounds_leave_no_interval_to_speak_of():
    values, x = function(), rows(40, np.random.default_rng(0))
    rounds = [foretold(x, at(values, x), SparseSpectrum.from_values(values))] * 2
    pooled = pool(rounds, ALL, ALL[1:], "BII", None)
    low, high = interval(pooled)
    assert np.isfinite([low, high]).all()
    assert (high - low < 1e-6).all()
    truth = brute.bii(values)
    np.testing.assert_allclose(pooled.means, [truth[s] for s in brute.subsets(range(N))[1:]], atol=1e-8)


@pytest.mark.parametrize("scale", [1e200, 1e-200, -3.0])
def test_estimates_change_with_the_units_as_the_values_do(scale):
    rng, values = np.random.default_rng(0), function()
    x, y = rows(30, rng), rows(20, rng)

    def pooled(scale):
        one, two = surrogates()
        rounds = [foretold(x, scale * at(values, x), scale * one), foretold(y, scale * at(values, y), scale * two)]
        return pool(rounds, pad_sets(SUPPORT, N), ALL[1:9], "FBII", 2)

    plain, other = pooled(1.0), pooled(scale)
    np.testing.assert_allclose(other.means / scale, plain.means, rtol=1e-6)
    np.testing.assert_allclose(other.errors / abs(scale), plain.errors, rtol=1e-6)


def test_two_rows_of_the_same_residual_and_values_that_never_differ_are_survived():
    for values in (np.array([1.0, 1.0]), np.array([0.0, 2.0])):
        x = rows(2, np.random.default_rng(0))
        pooled = pool([foretold(x, values, SparseSpectrum.from_sets(N, {(): 0.5}))], ALL, ALL, "Fourier", None)
        assert np.isfinite([pooled.means, pooled.errors, *interval(pooled)]).all()


def test_draws_have_the_mean_and_the_error_of_the_pool():
    rng, values = np.random.default_rng(0), function()
    rounds = []
    for size, surrogate in zip((150, 100), surrogates(), strict=True):
        x = rows(size, rng)
        rounds.append(foretold(x, at(values, x), surrogate))
    pooled = pool(rounds, pad_sets(SUPPORT, N), ALL[1:], "BII", None)
    drawn = pooled.draw(rng, 4000)
    assert (np.abs(drawn.mean(axis=0) - pooled.means) <= 4.5 * pooled.errors / np.sqrt(4000)).all()
    np.testing.assert_allclose(drawn.std(axis=0), pooled.errors, rtol=0.08, atol=1e-8)  # of an exact 0 a rounding error


# Settled


@pytest.fixture(scope="module")
def runs():
    def run(n, f, budget):
        algorithm = ProxySPEX(n, seed=0)
        rng, done = np.random.default_rng(7), 0
        while done < budget and len(batch := algorithm.ask(64)):
            algorithm.tell(batch, f(batch.coalitions, rng)[:, None])
            done += len(batch)
        return algorithm.finish()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proxy, "_TREES", 40)
        yield SimpleNamespace(
            planted=run(15, planted, 400),
            noise=run(15, lambda x, rng: rng.normal(size=len(x)), 400),
            exact=run(5, lambda x, rng: planted(x[:, [0, 1, 2, 3, 4, 0, 0, 0]], rng), 32),
            early=run(15, planted, 32),
        )


STRONG = ((0, 1), (2, 3), (4,))


def planted(x, rng):
    clean = 3.0 * (x[:, 0] & x[:, 1]) - 3.0 * (x[:, 2] ^ x[:, 3]) + 2.0 * x[:, 4]
    return clean + 0.3 * rng.normal(size=len(x))


def test_strong_interactions_are_settled_and_weak_ones_are_not(runs):
    settled = runs.planted.settled(10, index="Fourier")
    assert set(settled) >= {(2, 3), (4,), (0,), (1,), (0, 1)}
    # Beyond those there is nothing, so nothing beyond may be sure of a place.
    assert len(settled) <= 7
    assert runs.planted.settled(5, index="Fourier") == tuple(
        sorted(runs.planted.settled(5, index="Fourier"), key=lambda s: -abs(runs.planted.spectrum[s]))
    )


def test_nothing_is_settled_of_noise(runs):
    for index in ("Fourier", "BII", "SV"):
        assert runs.noise.settled(10, index=index) == ()


def test_of_an_exact_result_all_is_settled(runs):
    assert runs.exact.exact
    truth = brute.bii(runs.exact.spectrum(brute.coalitions(5)))
    largest = sorted((s for s in truth if s), key=lambda s: -abs(truth[s]))
    assert runs.exact.settled(4, index="BII") == tuple(largest[:4])
    assert set(runs.exact.settled(99, index="BII")) == {s for s in largest if abs(truth[s]) > 1e-9}
    assert runs.exact.intervals(pad_sets([(0,)], 5)) is None


def test_before_anything_was_foretold_nothing_is_settled(runs):
    assert runs.early.settled(10) == ()
    assert runs.early.intervals(pad_sets([(0,)], 15)) is None


def test_the_intervals_of_a_run_hold_what_was_planted(runs):
    low, high = runs.planted.intervals(pad_sets(STRONG, 15), "BII")
    assert (low < high).all()
    truth = np.array([3.0, 6.0, 2.0])
    assert ((low <= truth) & (truth <= high)).all()
    assert (high - low < 1.5).all()


def estimate(surrogates, last, lower=0.8, scale=1.0):
    """Rounds of 200 ablations of x0 + 2 x1, one a surrogate."""
    rng, parts = np.random.default_rng(0), []
    for surrogate in surrogates:
        x = rows(200, rng)
        values = x @ np.array([1.0, 2.0, 0, 0, 0]) + 0.2 * rng.normal(size=200)
        parts.append(foretold(x, scale * values, scale * surrogate))
    history = (Mark(1, R2(0.9, lower, 0.95), 0.5),)
    return Estimate(FIRST, len(parts), 200 * len(parts), last, history=history, foretold=tuple(parts))


def line(first, second, third=0.0):
    return SparseSpectrum.from_sets(N, {(0,): -first / 2, (1,): -second / 2, (2,): -third / 2})


RIGHT = line(1.0, 2.0)


@pytest.mark.parametrize(
    ("surrogates", "last", "lower", "settled"),
    [
        ([RIGHT] * 3, RIGHT, 0.8, ((1,), (0,))),
        ([RIGHT] * 3, RIGHT, 0.49, ()),  # the surrogate is not good enough
        ([RIGHT], RIGHT, 0.8, ()),  # too few rounds
        ([RIGHT, RIGHT, line(-1.0, 2.0)], RIGHT, 0.8, ((1,),)),  # another sign the round before
        ([RIGHT, RIGHT, line(0.0, 2.0)], RIGHT, 0.8, ((1,),)),  # not seen the round before
        ([line(-1.0, 2.0), RIGHT, RIGHT], RIGHT, 0.8, ((1,), (0,))),  # long ago does not count
        ([RIGHT] * 3, line(-1.0, 2.0), 0.8, ((1,),)),  # another sign at the end
        ([line(-1.0, 2.0)] * 3, line(-1.0, 2.0), 0.8, ((1,),)),  # another sign than the evidence's
        ([line(1.0, 2.0, 0.5)] * 3, line(1.0, 2.0, 0.5), 0.8, ((1,), (0,))),  # the evidence says it is nothing
        ([line(1.0, 2.0, -0.5)] * 3, line(1.0, 2.0, -0.5), 0.8, ((1,), (0,))),
        ([RIGHT] * 3, SparseSpectrum.from_sets(N, {(): 1.0}), 0.8, ()),  # nothing to settle
    ],
)
def test_each_condition_counts(surrogates, last, lower, settled):
    assert estimate(surrogates, last, lower).settled(4, index="BV") == settled


@pytest.mark.parametrize("scale", [1e200, 1e-200, -1.0])
def test_what_is_settled_does_not_depend_on_the_units(scale):
    assert estimate([RIGHT] * 3, scale * RIGHT, scale=scale).settled(4, index="BV") == ((1,), (0,))


def test_a_place_among_the_top_must_be_sure():
    # x0 and x2 are as large as each other: which of them is among the top 2 is a toss.
    surrogate, tossed = line(1.0, 2.0, 1.0), []
    for seed in range(20):
        rng, parts = np.random.default_rng(seed), []
        for _ in range(3):
            x = rows(200, rng)
            parts.append(foretold(x, x @ np.array([1.0, 2.0, 1.0, 0, 0]) + 0.5 * rng.normal(size=200), surrogate))
        history = (Mark(600, R2(0.9, 0.8, 0.95), 0.5),)
        found = Estimate(FIRST, 3, 600, surrogate, history=history, foretold=tuple(parts))
        assert (1,) in found.settled(2, index="BV")
        assert set(found.settled(3, index="BV")) == {(0,), (1,), (2,)}
        tossed.append(found.settled(2, index="BV") != ((1,),))
    assert sum(tossed) <= 6  # two are expected: a place is sure from 1.65 standard errors on
