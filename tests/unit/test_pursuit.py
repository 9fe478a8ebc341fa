"""The pursuit against exhaustive search, scikit-learn's path and planted sums."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, orthogonal_mp
from sklearn.model_selection import LeaveOneOut, cross_val_predict

import brute
from spex_widget.algorithms import pursuit
from spex_widget.algorithms.atoms import in_fourier, literals
from spex_widget.algorithms.candidates import every_set, singles, union
from spex_widget.algorithms.pursuit import fit_pursuit
from spex_widget.spectrum import SparseSpectrum, pad_sets, products

PARITIES, CONJUNCTIONS = ("parity",), ("present", "absent")


def rows(m, n, seed=0):
    return np.random.default_rng(seed).random((m, n)) < 0.5


def conjunctions(n):
    """Terms of two to five players, all present or all absent."""
    present = in_fourier(n, "present", pad_sets([(1, 4), (0, 5, 9), (2, 3, 6, 7)], n), np.array([1.0, -2.0, 3.0]))
    absent = in_fourier(n, "absent", pad_sets([(4, 8), (0, 10, 11)], n), np.array([1.5, -1.0]))
    return present + absent + SparseSpectrum.from_sets(n, {(): 0.5, (3,): 1.0})


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", [0.1, 0.5, 2.0])
def test_among_few_atoms_it_is_the_best_subset_by_the_criterion(seed, noise, monkeypatch):
    # Every subset of six atoms, by brute force; near-orthogonal atoms, so that greedy steps find it.
    monkeypatch.setattr(pursuit, "_FINAL_PASSES", 0)
    n, m, rng = 3, 60, np.random.default_rng(seed)
    x = rows(m, n, seed)
    sets = union(n, singles(n), every_set(n, 2))
    columns = products(literals(x, "parity"), sets).astype(float)
    y = columns @ (rng.normal(size=6) * (rng.random(6) < 0.5)) + noise * rng.normal(size=m)
    choices = np.where((sets < n).sum(axis=1) == 1, np.log(3), np.log(3))
    price = np.log(m) + 2 * pursuit._GAMMA * choices

    def criterion(picked):
        picked = list(picked)
        if not picked:
            return m * np.log(((y - y.mean()) ** 2).sum())
        alone = cross_val_predict(LinearRegression(), columns[:, picked], y, cv=LeaveOneOut())
        return m * np.log(((y - alone) ** 2).sum()) + price[picked].sum()

    best = min((c for k in range(7) for c in combinations(range(6), k)), key=criterion)
    found = fit_pursuit(PARITIES, x, y, sets, final=True)
    expected = {tuple(int(i) for i in sets[j] if i < n) for j in best}
    assert {s for s in brute.as_dict(found) if s} == expected


def test_the_picks_are_those_of_scikit_learn(monkeypatch):
    monkeypatch.setattr(pursuit, "_FINAL_PASSES", 0)
    monkeypatch.setattr(pursuit, "_GAMMA", 0.0)
    n, m = 12, 400
    x = rows(m, n)
    sets = union(n, singles(n), every_set(n, 2))
    planted = SparseSpectrum.from_sets(n, {(0,): 2.0, (1, 2): -1.5, (3, 4): 1.0, (5,): 0.7})
    y = planted(x) + 0.3 * np.random.default_rng(1).normal(size=m)
    columns = products(literals(x, "parity"), sets).astype(float)
    columns -= columns.mean(axis=0)
    found = fit_pursuit(PARITIES, x, y, sets, final=True)
    picked = {s: c for s, c in brute.as_dict(found).items() if s}
    theirs = orthogonal_mp(columns / np.linalg.norm(columns, axis=0), y - y.mean(), n_nonzero_coefs=len(picked))
    theirs = theirs / np.linalg.norm(columns, axis=0)
    expected = {tuple(int(i) for i in sets[j] if i < n): theirs[j] for j in np.flatnonzero(theirs)}
    assert picked.keys() == expected.keys()
    np.testing.assert_allclose([picked[s] for s in expected], list(expected.values()), rtol=1e-6)


def test_it_finds_parities_of_which_nothing_was_proposed():
    parity = SparseSpectrum.from_sets(40, {(): 2.0, (3, 20, 31): 1.0, (5, 6): 1.0, (0,): 0.5})
    x = rows(300, 40)
    brute.assert_same(fit_pursuit(PARITIES, x, parity(x), singles(40)), brute.as_dict(parity), atol=1e-9)


def test_it_grows_sets_to_orders_that_no_screen_reaches():
    ladder = {tuple(range(3, 3 + k)): 1.0 for k in range(1, 7)}
    planted = SparseSpectrum.from_sets(40, {(): 1.0, **ladder})
    x = rows(300, 40)
    found = fit_pursuit(PARITIES, x, planted(x), singles(40), final=True)
    brute.assert_same(found, brute.as_dict(planted), atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_conjunctions_are_found_from_few_rows(seed):
    # Six terms are 40 Fourier coefficients: parities need more rows than these.
    n = 40
    x, fresh = rows(200, n, seed), rows(2000, n, 99)
    truth = conjunctions(n)
    found = fit_pursuit(CONJUNCTIONS, x, truth(x), singles(n), final=True)
    np.testing.assert_allclose(found(fresh), truth(fresh), atol=1e-6)


@pytest.mark.parametrize("kinds", [PARITIES, CONJUNCTIONS])
def test_of_noise_it_says_nothing(kinds):
    x = rows(300, 30)
    found = fit_pursuit(kinds, x, np.random.default_rng(3).normal(size=300), singles(30), final=True)
    assert len(found) <= 1


def test_rare_terms_that_nearly_cancel_are_not_believed(monkeypatch):
    def rare(x):
        return 1.0 * (x[:, :6].all(axis=1) | x[:, 6:12].all(axis=1) | ~x[:, 12:18].any(axis=1))

    x, fresh = rows(300, 24, 22), rows(4000, 24, 0)
    mean, truth = rare(x).mean(), rare(fresh)
    missed = []
    for overshoot in (np.inf, pursuit._OVERSHOOT):
        monkeypatch.setattr(pursuit, "_OVERSHOOT", overshoot)
        found = fit_pursuit(CONJUNCTIONS, x, rare(x) - mean, singles(24), final=True)
        missed.append(np.mean((truth - mean - found(fresh)) ** 2) / truth.var())
    assert missed[0] > 3
    assert missed[1] < 1.5


@pytest.mark.parametrize("kinds", [PARITIES, CONJUNCTIONS])
@pytest.mark.parametrize("m", [2, 3, 5, 12])
def test_few_rows_are_answered_by_something_finite(kinds, m):
    x = rows(m, 6)
    found = fit_pursuit(kinds, x, np.arange(float(m)), singles(6))
    assert np.isfinite(found(rows(40, 6))).all()


@pytest.mark.parametrize("kinds", [PARITIES, CONJUNCTIONS])
@pytest.mark.parametrize("n", [10, 40])
@pytest.mark.parametrize("m", [100, 200])
def test_from_a_row_that_is_unlike_all_others_nothing_is_concluded(kinds, n, m):
    # Enough atoms together tell any row apart: what they then foretell of others is made up.
    x, y = rows(m, n), np.zeros(m)
    y[7] = 1.0
    assert np.ptp(fit_pursuit(kinds, x, y, singles(n), final=True)(rows(500, n, 9))) == 0
