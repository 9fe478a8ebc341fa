"""Interaction indices against their definitions."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import brute
from spex_widget.spectrum import INDICES, SparseSpectrum, check_index, index_weights, indices, interactions, pad_sets

DEFINED = {
    "Fourier": brute.fourier,
    "Moebius": brute.moebius,
    "BII": brute.bii,
    "SII": brute.sii,
    "BV": brute.banzhaf,
    "SV": brute.shapley,
}

OF_AN_ORDER = {"k-SII": brute.k_sii, "STII": brute.stii, "FBII": brute.fbii, "FSII": brute.fsii}


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
@pytest.mark.parametrize("index", INDICES)
def test_ten_players_agree_with_all_coalitions(index):
    values = random_function(10)
    spectrum = SparseSpectrum.from_values(values)
    assert len(spectrum) == 1024
    if index in OF_AN_ORDER:
        for max_order in (2, 3):
            truth = OF_AN_ORDER[index](values, max_order)
            brute.assert_same(interactions(spectrum, index, max_order), truth, atol=1e-9)
    elif index == "BV":
        players = of_players(brute.as_dict(interactions(spectrum, "BV")))
        brute.assert_same(SparseSpectrum.from_sets(10, players), brute.banzhaf(values))
    else:
        truth = brute.k_sii(values, 1) if index == "SV" else DEFINED[index](values)
        brute.assert_same(interactions(spectrum, index), truth, atol=1e-9)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(("n", "max_order"), [(n, k) for n in range(2, 7) for k in range(1, n + 1)])
@pytest.mark.parametrize("index", OF_AN_ORDER)
def test_an_index_of_an_order_is_that_of_the_definition(index, n, max_order):
    values = random_function(n, seed=max_order)
    found = interactions(SparseSpectrum.from_values(values), index, max_order)
    brute.assert_same(found, OF_AN_ORDER[index](values, max_order))


SHAPIQ = json.loads(Path(__file__).with_name("shapiq_reference.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("game", SHAPIQ["games"])
@pytest.mark.parametrize("index", sorted({found["index"] for found in SHAPIQ["found"]}))
def test_shapiq_finds_the_same(index, game):
    # Of the empty set shapiq 1.4.1 does not agree with itself: its converter has 0 for SV and SII, and for BV what we
    # have, where its sums have the mean, and take SII of order 1 for SV. Everywhere else both agree with the
    # definitions.
    spectrum = SparseSpectrum.from_values(SHAPIQ["games"][game])
    theirs = [found for found in SHAPIQ["found"] if (found["game"], found["index"]) == (game, index)]
    assert len(theirs) >= (1 if index == "BII" else 2)
    for found in theirs:
        ours = brute.as_dict(interactions(spectrum, index, found["order"]))
        truth = {tuple(map(int, members.split())): value for members, value in found["sets"].items()}
        if index in ("SV", "BV", "SII"):
            ours.pop((), None), truth.pop((), None)
        # Its sums for FSII weigh the two ends of the lattice heavily in place of an exact constraint.
        brute.assert_same(SparseSpectrum.from_sets(spectrum.n, ours), truth, atol=1e-6 if index == "FSII" else 1e-8)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_stii_is_a_mean_over_all_orders_of_coming(k):
    values = random_function(5)
    found = brute.as_dict(interactions(SparseSpectrum.from_values(values), "STII", k))
    truth = brute.stii_by_permutations(values, k)
    assert {s: found[s] for s in truth} == pytest.approx(truth)


@pytest.mark.parametrize("index", OF_AN_ORDER)
def test_max_order_defines_some_indices_and_only_cuts_the_others(index):
    spectrum = SparseSpectrum.from_values(random_function(5))
    whole, cut = interactions(spectrum, index), interactions(spectrum, index, 2)
    assert abs(whole[0, 1] - cut[0, 1]) > 0.01
    assert brute.as_dict(interactions(spectrum, index, 9)) == brute.as_dict(whole)
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


@pytest.mark.usefixtures("path")
def test_what_cancels_is_no_interaction():
    values = 0.1 + 0.3 * brute.coalitions(6)[:, :3].prod(axis=1) - 0.7 * brute.coalitions(6)[:, 2:].prod(axis=1)
    spectrum = SparseSpectrum.from_values(values)
    assert set(brute.as_dict(interactions(spectrum, "Moebius"))) == {(), (0, 1, 2), (2, 3, 4, 5)}
    # What is small in itself is one.
    small = SparseSpectrum.from_sets(3, {(): 1e6, (0, 1, 2): 1.0, (2,): 1e-11})
    assert (2,) in brute.as_dict(interactions(small, "BII"))


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
@pytest.mark.parametrize("index", ["SV", "k-SII", "STII", "FSII"])
def test_the_efficient_indices_share_out_what_the_players_are_worth(index, max_order):
    values = random_function(5)
    table = brute.as_dict(interactions(SparseSpectrum.from_values(values), index, max_order))
    assert table[()] == pytest.approx(values[0])
    assert sum(table.values()) == pytest.approx(values[-1])


def test_first_order_gives_the_values_of_banzhaf_and_shapley():
    values = random_function(5)
    spectrum = SparseSpectrum.from_values(values)
    for index in OF_AN_ORDER:
        value = brute.banzhaf if index == "FBII" else brute.shapley
        first = without_the_empty_set(brute.as_dict(interactions(spectrum, index, 1)))
        assert first == pytest.approx(value(values))


def test_at_full_order_the_indices_of_an_order_are_moebius():
    spectrum = SparseSpectrum.from_values(random_function(5))
    for index in OF_AN_ORDER:
        for max_order in (None, 5, 9):
            brute.assert_same(
                interactions(spectrum, index, max_order), brute.as_dict(interactions(spectrum, "Moebius"))
            )


@pytest.mark.parametrize("index", INDICES)
def test_nothing_has_no_interactions(index):
    for nothing in (SparseSpectrum.from_sets(4, {}), SparseSpectrum.from_sets(4, {(): 2.0})):
        assert set(brute.as_dict(interactions(nothing, index))) <= {()}


SPELLINGS = {
    "FBII": ["fbii"],
    "FSII": ["FSII"],
    "SV": ["sv"],
    "Moebius": ["Möbius", "MÖBIUS", "Mobius", "moebius"],
    "k-SII": ["kSII", "k-SII", "K-sii", "k_SII", "ksii"],
}


@pytest.mark.parametrize(("said", "meant"), [(said, meant) for meant, spelled in SPELLINGS.items() for said in spelled])
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


@pytest.mark.parametrize("max_order", [2.0, True, "2"])
def test_an_order_that_is_no_whole_number_is_refused(max_order):
    with pytest.raises(TypeError, match="max_order must be a whole number"):
        interactions(SparseSpectrum.from_sets(2, {}), "FBII", max_order)


def random_spectrum(n, sets, seed):
    rng = np.random.default_rng((n, sets, seed))
    supports = {tuple(sorted(rng.choice(n, size=rng.integers(0, min(n, 5) + 1), replace=False))) for _ in range(sets)}
    return SparseSpectrum.from_sets(n, dict.fromkeys(supports, 0.0) | {s: rng.normal() for s in supports})


@pytest.mark.parametrize("n", [3, 8, 4096])
@pytest.mark.parametrize("max_order", [None, 1, 2, 3, 4, 9])
@pytest.mark.parametrize("index", INDICES)
def test_the_linear_map_gives_the_index(index, max_order, n):
    spectrum = random_spectrum(n, 40, seed=1)
    table = interactions(spectrum, index, max_order)
    # The sets that have one; those of the spectrum itself; some that are nowhere.
    sets = pad_sets([*brute.as_dict(table), *brute.as_dict(spectrum), (0, 1, 2), (0,), ()], n)
    weights = index_weights(spectrum.members, n, sets, index, max_order)
    assert weights.shape == (len(sets), len(spectrum))
    np.testing.assert_allclose(weights @ spectrum.coefficients, table.at(sets), rtol=0, atol=1e-12)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(INDICES), st.sampled_from([None, 1, 2, 3]))
def test_the_linear_map_is_one_of_any_coefficients_in_any_order_of_the_supports(seed, index, max_order):
    rng = np.random.default_rng(seed)
    spectrum = random_spectrum(7, 20, seed)
    shuffled = rng.permutation(len(spectrum))
    members, several = spectrum.members[shuffled], rng.normal(size=(len(spectrum), 3))
    sets = pad_sets(brute.subsets(range(7), 3), 7)
    found = index_weights(members, 7, sets, index, max_order) @ several
    for column, coefficients in zip(found.T, several.T, strict=True):
        table = interactions(SparseSpectrum.from_terms(7, members, coefficients), index, max_order)
        np.testing.assert_allclose(column, table.at(sets), rtol=0, atol=1e-11)


@pytest.mark.parametrize("index", INDICES)
def test_the_linear_map_of_nothing(index):
    nothing, some = np.zeros((0, 0), dtype=np.int32), pad_sets([(), (1, 2)], 4)
    assert index_weights(nothing, 4, some, index).shape == (2, 0)
    assert index_weights(some, 4, nothing, index).shape == (0, 2)
    assert index_weights(nothing, 4, nothing, index).shape == (0, 0)


def test_the_linear_map_refuses_what_interactions_refuses():
    with pytest.raises(ValueError, match="one of Fourier, "):
        index_weights(np.zeros((0, 0), dtype=np.int32), 4, np.zeros((0, 0), dtype=np.int32), "FBI")
