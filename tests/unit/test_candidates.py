"""Candidates: every set by its definition, and the screens against all products of players."""

from itertools import combinations

import numpy as np
import pytest

import brute
from spex_widget.algorithms.atoms import literals
from spex_widget.algorithms.candidates import (
    every_set,
    grow,
    propose,
    screen,
    singles,
    strongest_singles,
    union,
)
from spex_widget.spectrum import SparseSpectrum, pad_sets
from spex_widget.spectrum.sets import stack_sets


def rows(m, n, seed=0):
    return np.random.default_rng(seed).random((m, n)) < 0.5


def sets_of(members, n):
    found = [tuple(int(i) for i in row if i < n) for row in members]
    assert len(found) == len(set(found))
    assert all(list(s) == sorted(set(s)) for s in found), "a set holds each of its players once, ascending"
    return found


def product(kind, x, players):
    """An atom, by definition."""
    inside = x[:, list(players)]
    if kind == "parity":
        return 1.0 - 2.0 * (inside.sum(axis=1) % 2)
    return (inside.all(axis=1) if kind == "present" else ~inside.any(axis=1)).astype(float)


def products(kind, x, residuals, sets):
    """How much each atom goes with the residuals, by definition; without those that are one and the same everywhere."""
    columns = {s: product(kind, x, s) for s in sets}
    return {s: abs(float((residuals - residuals.mean()) @ c)) for s, c in columns.items() if np.ptp(c)}


def largest(sizes, top):
    return set(sorted(sizes, key=lambda s: -sizes[s])[:top])


# Sets


@pytest.mark.parametrize("n", range(8))
@pytest.mark.parametrize("order", range(5))
def test_every_set_of_an_order(n, order):
    found = every_set(n, order)
    assert found.shape[1] == order
    assert [tuple(row) for row in found.tolist()] == list(combinations(range(n), order))


def test_every_single_player():
    assert singles(3).tolist() == [[0], [1], [2]]


@pytest.mark.parametrize("top", [1, 3, 99])
def test_the_players_whose_own_effects_are_largest(top):
    x, effects = rows(5000, 6), np.array([0.1, -3.0, 0.5, 2.0, -1.0, 0.0])
    expected = sorted(np.argsort(-np.abs(effects))[:top].tolist())
    # An offset says nothing of a player, however uneven the rows.
    assert strongest_singles(x, 1e3 + x @ effects, top).tolist() == [[i] for i in expected]


def test_sets_of_several_widths_are_stacked():
    stacked = stack_sets(5, np.array([[0], [4]]), np.zeros((0, 3), dtype=int), np.array([[1, 5]]))
    assert stacked.tolist() == [[0, 5, 5], [4, 5, 5], [1, 5, 5]]


def test_the_union_holds_every_set_once_and_the_empty_one_never():
    found = union(5, pad_sets([(1, 3), (0, 1, 2), ()], 5), pad_sets([(3,), (1, 3)], 5), pad_sets([(3,)], 5))
    assert sets_of(found, 5) == [(3,), (1, 3), (0, 1, 2)]
    assert len(union(5, pad_sets([()], 5), np.zeros((0, 2), dtype=int))) == 0


# What the trees propose


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("top", [0, 1, 5, 1000])
def test_proposed_are_the_largest_and_all_their_parts(seed, top):
    n, rng = 9, np.random.default_rng(seed)
    sets = brute.subsets(range(n), 4)
    terms = {sets[i]: float(rng.normal()) for i in rng.choice(len(sets), 30, replace=False)}
    parts = {part for s in sorted(terms, key=lambda s: -abs(terms[s]))[:top] for part in brute.subsets(s)}
    assert set(sets_of(propose(SparseSpectrum.from_sets(n, terms), top), n)) == parts - {()}


def test_nothing_is_proposed_where_nothing_was_found():
    for spectrum in ({}, {(): 3.0}):
        assert len(propose(SparseSpectrum.from_sets(4, spectrum), 10)) == 0


# The screen


KINDS = ("parity", "present", "absent")


@pytest.mark.parametrize("kinds", [KINDS, *((kind,) for kind in KINDS)])
@pytest.mark.parametrize("n", range(2, 9))
@pytest.mark.parametrize("top", [1, 4, 1000])
def test_screened_are_the_pairs_and_triples_of_largest_correlation(kinds, n, top):
    x, residuals = rows(40, n, seed=n), 3 + np.random.default_rng(top).normal(size=40)
    found = screen(x, residuals, kinds, top)
    assert tuple(found) == kinds
    for kind in kinds:
        pairs = largest(products(kind, x, residuals, combinations(range(n), 2)), top)
        triples = largest(products(kind, x, residuals, combinations(range(n), 3)), top)
        # Rounding may let in an atom that is the same on all rows; the pursuit passes it over.
        assert {s for s in sets_of(found[kind], n) if np.ptp(product(kind, x, s))} == pairs | triples


def screened(x, residuals, top):
    return screen(x, residuals, ("parity",), top)["parity"]


def test_a_planted_parity_is_screened_among_many():
    x = rows(300, 100)
    signs = 1.0 - 2.0 * x
    noise = np.random.default_rng(0).normal(size=300)
    residuals = signs[:, 5] * signs[:, 50] + signs[:, [0, 98, 99]].prod(axis=1) + noise
    assert {(5, 50), (0, 98, 99)} <= set(sets_of(screened(x, residuals, 20), 100))


@pytest.mark.parametrize(("n", "orders"), [(2, {2}), (3, {2, 3}), (256, {2, 3}), (257, {2})])
def test_triples_are_screened_where_they_are_neither_none_nor_too_many(n, orders):
    found = sets_of(screened(rows(20, n), np.random.default_rng(1).normal(size=20), 5), n)
    assert {len(s) for s in found} == orders


def test_where_pairs_are_too_many_the_first_rows_speak(monkeypatch):
    monkeypatch.setattr("spex_widget.algorithms.candidates._SCREENED", 30 * 9**2)
    x, residuals = rows(60, 9), np.random.default_rng(0).normal(size=60)
    assert np.array_equal(screened(x, residuals, 5), screened(x[:30], residuals[:30], 5))


# Growing


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("top", [1, 10])
def test_grown_are_the_sets_of_one_player_more_whose_atoms_explain_most(kind, seed, top):
    n, rng = 9, np.random.default_rng(seed)
    known = [(0,), (2, 5), (3, 5, 7), (6,)]
    x, residuals = rows(50, n, seed), rng.normal(size=50)
    ways = [tuple(sorted({*s, i})) for s in known for i in range(n) if i not in s]
    sizes = {}
    for s in ways:
        atom = product(kind, x, s)
        told_apart = len(atom) * atom.var() >= 1  # of one row, or of all but one, nothing is learnt
        sizes[s] = np.corrcoef(atom, residuals)[0, 1] ** 2 if told_apart else -1.0
    ranked = sorted(ways, key=lambda s: (-sizes[s], s))  # a set that grows from two stands there twice
    found = sets_of(grow(literals(x, kind), pad_sets(known, n), residuals, top), n)
    assert set(found) == set(ranked[:top])


@pytest.mark.parametrize("known", [[(0, 1, 2)], [(0, 1), (2,)], [(0, 1, 2, 3)]])
def test_where_few_are_known_all_that_can_grow_do_and_no_player_stands_twice(known):
    n = 4
    ways = {tuple(sorted({*s, i})) for s in known for i in range(n) if i not in s}
    found = sets_of(grow(literals(rows(30, n), "parity"), pad_sets(known, n), np.arange(30.0), 150), n)
    assert set(found) == ways


def test_nothing_grows_from_nothing_and_from_sets_that_are_large_enough():
    lit = literals(rows(30, 12), "parity")
    assert len(grow(lit, np.zeros((0, 1), dtype=np.int32), np.arange(30.0), 10)) == 0
    assert len(grow(lit, pad_sets([range(8)], 12), np.arange(30.0), 10)) == 0
    assert len(grow(lit, pad_sets([range(7)], 12), np.arange(30.0), 10)) == 5
