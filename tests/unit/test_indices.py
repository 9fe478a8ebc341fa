"""Interaction indices against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import brute
from spex_widget.spectrum import INDICES, SparseSpectrum, check_index, indices, interactions

DEFINED = {
    "Fourier": brute.fourier,
    "Moebius": brute.moebius,
    "BII": brute.bii,
    "SII": brute.sii,
    "BV": brute.banzhaf,
    "SV": brute.shapley,
}


def random_function(n, seed=0):
    return np.random.default_rng((n, seed)).normal(size=1 << n)


@pytest.fixture(params=["dense", "sparse"])
def path(request, monkeypatch):
    """Both ways of summing over supersets."""
    if request.param == "sparse":
        monkeypatch.setattr(indices, "_DENSE", 0)


def without_the_empty_set(table):
    return {s: c for s, c in table.items() if s}


def of_players(table):
    return {s: c for s, c in table.items() if len(s) == 1}


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("n", [1, 2, 3, 6])
@pytest.mark.parametrize("index", DEFINED)
def test_an_index_is_that_of_the_definition(index, n):
    values = random_function(n)
    table = interactions(SparseSpectrum.from_values(values), index)
    if index in ("BV", "SV"):
        assert table.max_order == 1
        table = SparseSpectrum.from_sets(n, of_players(brute.as_dict(table)))
    brute.assert_same(table, DEFINED[index](values))


@pytest.mark.usefixtures("path")
def test_ten_players_agree_with_all_coalitions():
    values = random_function(10)
    spectrum = SparseSpectrum.from_values(values)
    assert len(spectrum) == 1024
    brute.assert_same(interactions(spectrum, "Moebius"), brute.moebius(values), atol=1e-9)
    brute.assert_same(interactions(spectrum, "FBII", 2), brute.fbii(values, 2))
    brute.assert_same(interactions(spectrum, "FSII", 2), brute.fsii(values, 2))
    players = of_players(brute.as_dict(interactions(spectrum, "BV")))
    brute.assert_same(SparseSpectrum.from_sets(10, players), brute.banzhaf(values))


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(("n", "max_order"), [(n, k) for n in range(2, 7) for k in range(1, n + 1)])
@pytest.mark.parametrize("index", ["FBII", "FSII"])
def test_the_faithful_indices_are_the_best_approximations_of_their_order(index, n, max_order):
    values = random_function(n, seed=max_order)
    least_squares = {"FBII": brute.fbii, "FSII": brute.fsii}[index](values, max_order)
    brute.assert_same(interactions(SparseSpectrum.from_values(values), index, max_order), least_squares)


@pytest.mark.parametrize("index", ["FBII", "FSII"])
def test_max_order_defines_the_faithful_indices_and_only_cuts_the_others(index):
    spectrum = SparseSpectrum.from_values(random_function(5))
    whole, cut = interactions(spectrum, index), interactions(spectrum, index, 2)
    assert abs(whole[0, 1] - cut[0, 1]) > 0.01
    for other in ("Fourier", "Moebius", "BII", "SII"):
        whole, cut = interactions(spectrum, other), interactions(spectrum, other, 2)
        brute.assert_same(cut, {s: c for s, c in brute.as_dict(whole).items() if len(s) <= 2}, atol=1e-14)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(INDICES), st.sampled_from([None, 1, 2, 3]))
def test_players_that_do_nothing_change_nothing(seed, index, max_order):
    rng = np.random.default_rng(seed)
    small = SparseSpectrum.from_values(rng.normal(size=16) * (rng.random(16) < 0.7))
    places = np.sort(rng.choice(4096, size=4, replace=False))
    large = SparseSpectrum.from_terms(4096, np.append(places, 4096)[small.members], small.coefficients)
    expected = {
        tuple(places[list(s)].tolist()): c for s, c in brute.as_dict(interactions(small, index, max_order)).items()
    }
    brute.assert_same(interactions(large, index, max_order), expected, atol=1e-12)


def test_effects_of_a_wide_sparse_spectrum_need_no_table(monkeypatch):
    # Seven players out of 1,021 are too many for keys of 63 bits.
    monkeypatch.setattr(indices, "_CHUNK", 1 << 9)
    terms = {tuple(range(k, k + 7)): 1.0 + k for k in range(0, 1000, 90)}
    table = interactions(SparseSpectrum.from_sets(1021, terms), "Moebius")
    expected = {(): sum(terms.values())}
    for members, c in terms.items():
        for s in brute.subsets(members)[1:]:
            expected[s] = expected.get(s, 0.0) + (-2.0) ** len(s) * c
    brute.assert_same(table, expected)


def test_a_dense_spectrum_is_not_expanded_subset_by_subset(monkeypatch):
    # 3^14 subsets would be five million rows.
    monkeypatch.setattr(indices, "all_subsets", None)
    values = random_function(14)
    table = interactions(SparseSpectrum.from_values(values), "Moebius")
    for i in range(14):
        halves = values.reshape(-1, 2, 1 << i)
        halves[:, 1] -= halves[:, 0]
    found = np.zeros(1 << 14)
    found[np.append(1 << np.arange(14), 0)[table.members].sum(axis=1)] = table.coefficients
    np.testing.assert_allclose(found, values, rtol=0, atol=1e-9)


@pytest.mark.parametrize("max_order", [1, 2, 3, 5])
def test_fsii_shares_out_what_the_players_are_worth(max_order):
    values = random_function(5)
    table = brute.as_dict(interactions(SparseSpectrum.from_values(values), "FSII", max_order))
    assert table[()] == pytest.approx(values[0])
    assert sum(table.values()) == pytest.approx(values[-1])


def test_first_order_gives_the_values_of_banzhaf_and_shapley():
    values = random_function(5)
    spectrum = SparseSpectrum.from_values(values)
    for faithful, value in (("FBII", brute.banzhaf), ("FSII", brute.shapley)):
        first = without_the_empty_set(brute.as_dict(interactions(spectrum, faithful, 1)))
        assert first == pytest.approx(value(values))


def test_at_full_order_the_faithful_indices_are_moebius():
    spectrum = SparseSpectrum.from_values(random_function(5))
    for index in ("FBII", "FSII"):
        for max_order in (None, 5, 9):
            brute.assert_same(
                interactions(spectrum, index, max_order), brute.as_dict(interactions(spectrum, "Moebius"))
            )


@pytest.mark.parametrize("index", INDICES)
def test_nothing_has_no_interactions(index):
    for nothing in (SparseSpectrum.from_sets(4, {}), SparseSpectrum.from_sets(4, {(): 2.0})):
        assert set(brute.as_dict(interactions(nothing, index))) <= {()}


@pytest.mark.parametrize(("said", "meant"), [("fbii", "FBII"), ("FSII", "FSII"), ("möbius", "Moebius"), ("sv", "SV")])
def test_an_index_is_known_by_its_name(said, meant):
    assert check_index(said) == meant


@pytest.mark.parametrize("wrong", ["", "FBI", None, 2])
def test_an_unknown_index_is_refused_with_the_known_ones(wrong):
    with pytest.raises(ValueError, match=r"one of Fourier, .*FSII, got"):
        interactions(SparseSpectrum.from_sets(2, {}), wrong)


@pytest.mark.parametrize("max_order", [0, -1])
def test_an_order_below_one_is_refused(max_order):
    with pytest.raises(ValueError, match="max_order must be at least 1"):
        interactions(SparseSpectrum.from_sets(2, {}), "FBII", max_order)
