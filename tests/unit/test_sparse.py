"""Sparse spectra: what they hold, how they evaluate, add and are looked up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import brute
from spex_widget.spectrum import SparseSpectrum, all_subsets, characters, group, pad_sets, set_orders, sets

QUIET = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def spectra(draw, most_players=7):
    n = draw(st.integers(1, most_players))
    players = st.frozensets(st.integers(0, n - 1)).map(lambda s: tuple(sorted(s)))
    return SparseSpectrum.from_sets(n, draw(st.dictionaries(players, st.floats(-9, 9), max_size=12)))


def random_sets(rng, n, rows, width):
    members = np.sort(rng.integers(0, n, size=(rows, width)), axis=1)
    members[:, 1:][members[:, 1:] == members[:, :-1]] = n
    return np.sort(members, axis=1).astype(np.int32)


@pytest.mark.parametrize("n", range(11))
def test_all_values_make_the_spectrum_of_the_definition(n):
    values = np.random.default_rng(n).normal(size=1 << n)
    spectrum = SparseSpectrum.from_values(values)
    brute.assert_same(spectrum, brute.fourier(values))
    np.testing.assert_allclose(spectrum(brute.coalitions(n)), values, rtol=0, atol=1e-10)


def test_rounding_errors_are_no_coefficients():
    x = brute.coalitions(8)
    spectrum = SparseSpectrum.from_values(1e3 + 0.1 * x[:, 0] + 0.7 * (x[:, 3] & x[:, 5]))
    assert brute.as_dict(spectrum).keys() == {(), (0,), (3,), (5,), (3, 5)}


@QUIET
@given(spectra(), st.data())
def test_adding_and_scaling_are_those_of_functions(f, data):
    g = data.draw(spectra().filter(lambda other: other.n == f.n))
    x = brute.coalitions(f.n)
    np.testing.assert_allclose((2.5 * f + g)(x), 2.5 * f(x) + g(x), atol=1e-10)


@QUIET
@given(spectra())
def test_rows_are_sorted_distinct_and_as_wide_as_the_largest_set(f):
    rows = [tuple(row) for row in f.members.tolist()]
    keys = [(sum(i < f.n for i in row), row) for row in rows]
    assert keys == sorted(set(keys))
    assert f.max_order == f.orders.max(initial=0)
    assert f.members.dtype == np.int32
    assert 0 not in f.coefficients


@QUIET
@given(spectra(), st.integers(0, 7))
def test_a_cut_spectrum_is_the_part_of_low_order(f, order):
    cut = f.truncate(order)
    assert brute.as_dict(cut) == {s: c for s, c in brute.as_dict(f).items() if len(s) <= order}
    assert cut.max_order == cut.orders.max(initial=0)


def test_a_cut_spectrum_is_no_wider_than_its_sets():
    f = SparseSpectrum.from_sets(6, {(0,): 1.0, (1, 2, 3, 4): 2.0})
    assert f.truncate(3).max_order == 1
    assert len(f.truncate(3).energy_by_order()) == 2


@QUIET
@given(spectra())
def test_energies_add_up_to_the_mean_square(f):
    np.testing.assert_allclose(f.energy_by_order().sum(), np.mean(f(brute.coalitions(f.n)) ** 2), atol=1e-9)
    assert len(f.energy_by_order()) == f.max_order + 1


def test_terms_of_one_set_are_summed_and_zeros_left_out():
    f = SparseSpectrum.from_terms(4, pad_sets([(1, 2), (3,), (1, 2), (3,)], 4), [1.0, 2.0, 0.5, -2.0])
    assert brute.as_dict(f) == {(1, 2): 1.5}
    empty = f + -1 * f
    assert len(empty) == 0
    assert empty.max_order == 0
    np.testing.assert_array_equal(empty(np.ones((2, 4), dtype=bool)), [0, 0])


def test_a_set_is_looked_up_in_any_order_of_its_players():
    f = SparseSpectrum.from_sets(5, {(): 1.0, (4,): 2.0, (0, 3): 3.0})
    assert (f[()], f[4], f[np.int64(4)], f[[3, 0]], f[0, 3], f[0, 1, 2]) == (1.0, 2.0, 2.0, 3.0, 3.0, 0.0)
    with pytest.raises(ValueError, match="0 to 4"):
        f[5]


def test_what_cannot_be_is_refused():
    f = SparseSpectrum.from_sets(3, {(0,): 1.0})
    with pytest.raises(ValueError, match=r"shape \(m, 3\), .* got \(2, 4\)"):
        f(np.ones((2, 4), dtype=bool))
    with pytest.raises(ValueError, match="3 and 4 players"):
        f + SparseSpectrum.from_sets(4, {})
    with pytest.raises(ValueError, match="2\\*\\*n many, got 6"):
        SparseSpectrum.from_values(np.ones(6))
    for wrong in [(3,), (-1,), (1, 1)]:
        with pytest.raises(ValueError, match="each once"):
            pad_sets([wrong], 3)


@pytest.mark.parametrize("n", [1021, 4096])
def test_thousands_of_players_evaluate_as_few_do(n):
    rng = np.random.default_rng(n)
    members = random_sets(rng, n, 50, 8)
    f = SparseSpectrum.from_terms(n, members, rng.normal(size=50))
    x = rng.random((20, n)) < 0.5
    by_hand = [sum(c * np.prod(1 - 2.0 * row[list(s)]) for s, c in brute.as_dict(f).items()) for row in x]
    np.testing.assert_allclose(f(x), by_hand, atol=1e-10)


def test_large_blocks_are_evaluated_in_pieces(monkeypatch):
    rng = np.random.default_rng(0)
    f, x = SparseSpectrum.from_values(rng.normal(size=32)), rng.random((40, 5)) < 0.5
    whole = f(x)
    monkeypatch.setattr("spex_widget.spectrum.sparse._CHUNK", 100)
    np.testing.assert_allclose(f(x), whole, rtol=1e-14)


def test_characters_are_signs_of_parity():
    x = brute.coalitions(3)
    np.testing.assert_array_equal(characters(x, pad_sets([(), (1,), (0, 2)], 3)).T[1], 1 - 2.0 * x[:, 1])
    np.testing.assert_array_equal(characters(x, pad_sets([(0, 2)], 3))[:, 0], 1 - 2.0 * (x[:, 0] ^ x[:, 2]))
    assert characters(x, pad_sets([()], 3)).tolist() == [[1.0]] * 8


# Sets as rows


@pytest.mark.parametrize(("n", "width", "keyed"), [(5, 4, True), (1021, 6, True), (1021, 7, False), (4096, 6, False)])
def test_sets_are_grouped_alike_with_and_without_keys(n, width, keyed, monkeypatch):
    rng = np.random.default_rng(width)
    members = random_sets(rng, n, 300, width)[rng.integers(0, 300, 2000)]
    assert (sets.set_keys(members, n) is not None) == keyed
    unique, which = group(members, n)
    np.testing.assert_array_equal(unique[which], members)
    keys = [(order, tuple(row)) for order, row in zip(set_orders(unique, n), unique.tolist(), strict=True)]
    assert keys == sorted(set(keys))

    monkeypatch.setattr(sets, "set_keys", lambda members, n: None)
    for found, again in zip((unique, which), group(members, n), strict=True):
        np.testing.assert_array_equal(found, again)
        assert found.dtype == again.dtype


def test_few_rows_are_grouped_without_keys_too(monkeypatch):
    monkeypatch.setattr(sets, "set_keys", lambda members, n: None)
    for members in (pad_sets([], 3), pad_sets([()], 3), pad_sets([(0, 2)], 3), np.zeros((0, 2), dtype=np.int32)):
        unique, which = group(members, 3)
        np.testing.assert_array_equal(unique[which], members)


def test_keys_ascend_with_order_and_players():
    rows = pad_sets([(), (0,), (6,), (0, 1), (0, 6), (1, 2), (0, 1, 2), (4, 5, 6)], 7)
    assert np.all(np.diff(sets.set_keys(rows, 7)) > 0)


@QUIET
@given(spectra())
def test_every_subset_of_every_row_comes_once(f):
    found, row = all_subsets(f.members, f.n)
    for k, members in enumerate(brute.as_dict(f)):
        mine = [tuple(i for i in s if i < f.n) for s in found[row == k].tolist()]
        assert sorted(mine) == sorted(brute.subsets(members))


def test_sets_are_found_among_narrower_and_wider_rows():
    wide = pad_sets([(0, 1, 2), (3,), ()], 5)
    assert sets.subset_positions(pad_sets([(3,), (4,), ()], 5), wide, 5).tolist() == [1, -1, 2]
    assert sets.subset_positions(wide, pad_sets([(3,)], 5), 5).tolist() == [-1, 0, -1]
