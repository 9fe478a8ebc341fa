"""Interactions in the order of their size, and what they do to their parts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import brute
from spex_widget.snapshot import KINDS, Ranked, kind_of, ranked
from spex_widget.snapshot.ranked import player_effects
from spex_widget.spectrum import SparseSpectrum, interactions


def spectrum_of(function, n):
    return SparseSpectrum.from_values(1.0 * function(brute.coalitions(n)))


def random_spectrum(seed, n=5):
    return SparseSpectrum.from_values(np.random.default_rng(seed).normal(size=1 << n))


def by_set(ranking):
    return dict(zip(ranking.sets(), ranking.effects.tolist(), strict=True))


# Order


@pytest.mark.parametrize("index", ["FBII", "FSII", "Moebius", "SII", "Fourier", "BV"])
def test_the_largest_effect_of_either_sign_comes_first(index):
    spectrum = random_spectrum(0)
    ranking = Ranked.of(spectrum, index, 3)
    assert (np.diff(np.abs(ranking.effects)) <= 0).all()
    table = brute.as_dict(interactions(spectrum, index, 3))
    assert by_set(ranking) == {s: c for s, c in table.items() if s}
    assert (ranking.index, ranking.max_order) == (index, 3)


def test_ties_stand_in_the_order_of_the_sets():
    spectrum = SparseSpectrum.from_sets(5, {(3, 4): 1.0, (0,): -1.0, (0, 1): 1.0, (2,): 1.0})
    assert Ranked.of(spectrum, "Fourier").sets() == [(0,), (2,), (0, 1), (3, 4)]


def test_max_order_defines_and_order_filters():
    spectrum = random_spectrum(1)
    pairs_of_all, pairs_of_two = (Ranked.of(spectrum, "FBII", k, order=2) for k in (None, 2))
    assert set(pairs_of_all.sets()) == set(pairs_of_two.sets())
    assert len(pairs_of_all.sets()) == 10
    assert by_set(pairs_of_all)[0, 1] == interactions(spectrum, "FBII")[0, 1]
    assert by_set(pairs_of_two)[0, 1] == interactions(spectrum, "FBII", 2)[0, 1]
    assert by_set(pairs_of_two)[0, 1] != pytest.approx(by_set(pairs_of_all)[0, 1])
    assert Ranked.of(spectrum, "FBII", 2, order=3).sets() == []


def test_rounding_errors_are_not_ranked():
    spectrum = SparseSpectrum.from_sets(4, {(): 1.0, (0, 1): 1.0, (2,): 1e-11, (3,): 1e-13})
    assert Ranked.of(spectrum, "Fourier").sets() == [(0, 1), (2,)]


@pytest.mark.parametrize("index", ["BII", "Fourier", "FSII"])
def test_nor_are_those_of_a_large_level(index):
    x = brute.coalitions(6)
    spectrum = SparseSpectrum.from_values(5.0 + 1e-6 * (x @ np.arange(1.0, 7.0)))
    noisy = spectrum + SparseSpectrum.from_sets(6, {(0, 1): 3e-17, (2, 3, 4): -1e-16})
    assert set(Ranked.of(noisy, index).sets()) == {(i,) for i in range(6)}


@pytest.mark.parametrize("terms", [{}, {(): 3.0}])
@pytest.mark.parametrize("index", ["FBII", "FSII", "SV"])
def test_without_players_the_ranking_is_empty(terms, index):
    ranking = Ranked.of(SparseSpectrum.from_sets(4, terms), index)
    assert (ranking.sets(), len(ranking.effects), len(ranking.kinds(SparseSpectrum.from_sets(4, terms)))) == ([], 0, 0)


def test_the_head_is_the_first_of_the_chosen():
    ranking = Ranked.of(random_spectrum(2), "FBII")
    pairs = ranking.head(ranking.orders == 2, 3)
    assert pairs.sets() == [s for s in ranking.sets() if len(s) == 2][:3]
    assert pairs.members.shape == (3, 2)
    assert len(ranking.head(ranking.orders > 0, None).sets()) == 31


def test_a_players_effect_is_its_banzhaf_value():
    values = np.random.default_rng(3).normal(size=64)
    truth = brute.banzhaf(values)
    np.testing.assert_allclose(player_effects(SparseSpectrum.from_values(values)), [truth[i,] for i in range(6)])
    assert player_effects(SparseSpectrum.from_sets(3, {})).tolist() == [0, 0, 0]


# Kinds

EXAMPLES = {
    "and": (lambda x: x[:, 0] & x[:, 1], "reinforcing"),
    "or": (lambda x: x[:, 0] | x[:, 1], "redundant"),
    "xor": (lambda x: x[:, 0] ^ x[:, 1], "reversal"),
    "not good: 'not' turns 'good' round": (lambda x: x[:, 1] * (1.0 - 2 * x[:, 0]), "reversal"),
    "not good, weaker": (lambda x: x[:, 1] * (1.0 - 1.3 * x[:, 0]), "reversal"),
    "very good: 'very' alone does nothing": (lambda x: x[:, 1] * (1.0 + 0.5 * x[:, 0]), "reinforcing"),
    "a doubt that never turns": (lambda x: x[:, 1] * (1.0 - 0.7 * x[:, 0]) - 0.1 * x[:, 0], "mixed"),
    "two brakes together": (lambda x: -1.0 * (x[:, 0] & x[:, 1]), "reinforcing"),
    "either brake": (lambda x: -1.0 * (x[:, 0] | x[:, 1]), "redundant"),
    "three together": (lambda x: x[:, :3].all(axis=1), "reinforcing"),
    "any of three": (lambda x: x[:, :3].any(axis=1), "redundant"),
    "parity of three": (lambda x: x[:, :3].sum(axis=1) % 2, "mixed"),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_kinds_of_familiar_functions(example):
    function, kind = EXAMPLES[example]
    spectrum = spectrum_of(function, 4)
    top = Ranked.of(spectrum, "FBII")
    top = top.head(top.orders == top.orders.max(), 1)
    assert kind_of(spectrum, top.sets()[0]) == kind
    assert KINDS[top.kinds(spectrum)[0]] == kind


def test_a_player_alone_is_single():
    assert kind_of(random_spectrum(0), (2,)) == "single"


def by_definition(spectrum, players):
    """The kind, with every mean taken over all coalitions."""
    n = spectrum.n
    x = brute.coalitions(n)
    values = spectrum(x)

    def g(present):
        inside = np.isin(np.arange(n), present)
        return values[(x[:, list(players)] == inside[list(players)]).all(axis=1)].mean()

    grows = []
    for i in players:
        alone = g([i]) - g([])
        together = g(list(players)) - g([j for j in players if j != i])
        if alone * together < 0 and min(abs(alone), abs(together)) >= 0.1 * max(abs(alone), abs(together)):
            return "reversal"
        equal = abs(abs(together) - abs(alone)) <= 1e-9 * max(abs(alone), abs(together))
        grows.append(None if equal else abs(together) > abs(alone))
    return "reinforcing" if set(grows) == {True} else "redundant" if set(grows) == {False} else "mixed"


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(["FBII", "SII", "Moebius"]))
def test_kinds_are_those_of_the_definition(seed, index):
    rng = np.random.default_rng(seed)
    few = {s: rng.normal() for s in brute.subsets(range(5)) if len(s) == 1 or rng.random() < 0.3}
    spectrum = interactions(SparseSpectrum.from_sets(5, few), "Fourier")
    ranking = Ranked.of(spectrum, index)
    kinds = [KINDS[kind] for kind in ranking.kinds(spectrum)]
    for players, kind in zip(ranking.sets(), kinds, strict=True):
        expected = by_definition(spectrum, players) if len(players) > 1 else "single"
        assert kind == expected == kind_of(spectrum, players)


@pytest.mark.parametrize("function", [lambda x: x[:, :2].all(axis=1), lambda x: x[:, :3].all(axis=1)])
def test_a_kind_does_not_hang_on_the_sign_that_fourier_gives_to_odd_orders(function):
    spectrum = spectrum_of(function, 4)
    for index in ("FBII", "Fourier"):
        ranking = Ranked.of(spectrum, index)
        kinds = dict(zip(ranking.sets(), ranking.kinds(spectrum), strict=True))
        assert KINDS[kinds[max(kinds, key=len)]] == "reinforcing"


def test_many_kinds_are_told_in_pieces(monkeypatch):
    spectrum = random_spectrum(4)
    ranking = Ranked.of(spectrum, "FBII")
    whole = ranking.kinds(spectrum)
    assert len(set(whole)) > 2
    monkeypatch.setattr(ranked, "_CHUNK", 64)
    np.testing.assert_array_equal(ranking.kinds(spectrum), whole)
