"""Synthetic games whose truth is known: what a surrogate is measured on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spex_widget.spectrum import SparseSpectrum

Values = Callable[[np.ndarray], np.ndarray]


def attention_like(n: int, seed: int) -> Values:
    """A softmax over present players, then a squashed read-out: dense, with interactions of every order."""
    rng = np.random.default_rng(seed)
    queries, values, weights = rng.normal(size=(n, 8)), rng.normal(size=n), rng.normal(size=8)
    scores = np.exp(queries @ weights)

    def f(x: np.ndarray) -> np.ndarray:
        attention = np.where(x, scores, 1e-3)
        attention /= attention.sum(axis=1, keepdims=True)
        return np.tanh(3 * attention @ (values[:, None] * queries)).sum(axis=1)

    return f


def and_or(n: int, seed: int, terms: int = 20) -> Values:
    """A sum of conjunctions and disjunctions of 2 to 4 players."""
    rng = np.random.default_rng(seed)
    sets = [rng.choice(n, rng.integers(2, 5), replace=False) for _ in range(terms)]
    weights, disjunction = rng.normal(size=terms), rng.random(terms) < 0.5

    def f(x: np.ndarray) -> np.ndarray:
        parts = [
            x[:, s].any(axis=1) if either else x[:, s].all(axis=1) for s, either in zip(sets, disjunction, strict=True)
        ]
        return np.column_stack(parts) @ weights

    return f


def hierarchical_parities(n: int, seed: int, tops: int = 15) -> Values:
    """A sparse spectrum in which every subset of a set is there as well."""
    rng = np.random.default_rng(seed)
    terms: dict[tuple[int, ...], float] = {}
    for _ in range(tops):
        top = rng.choice(n, rng.integers(2, 5), replace=False)
        for bits in range(1, 1 << len(top)):
            subset = tuple(sorted(int(i) for j, i in enumerate(top) if bits >> j & 1))
            terms[subset] = terms.get(subset, 0.0) + rng.normal()
    return SparseSpectrum.from_sets(n, terms)


GAMES = {"attention-like": attention_like, "and/or": and_or, "hierarchical parities": hierarchical_parities}
