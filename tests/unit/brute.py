"""Truths by definition, over all coalitions: slow, plain, and independent of the code that they judge.

A set function is its values at all 2^n coalitions, that of coalition x at position Σ_i x_i 2^i. What is returned is a
dictionary of sets (tuples of players, ascending) to numbers.
"""

from itertools import chain, combinations, permutations
from math import comb, factorial

import numpy as np

from spex_widget.spectrum import SparseSpectrum


def coalitions(n):
    return (np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1


def subsets(players, largest=None):
    players = tuple(players)
    largest = len(players) if largest is None else largest
    return list(chain.from_iterable(combinations(players, k) for k in range(largest + 1)))


def position(players):
    return sum(1 << i for i in players)


def players_of(values):
    return len(values).bit_length() - 1


def fourier(values):
    n = players_of(values)
    signs = 1 - 2 * coalitions(n)
    return {s: float(np.mean(values * signs[:, list(s)].prod(axis=1))) for s in subsets(range(n))}


def moebius(values):
    n = players_of(values)
    return {s: sum((-1) ** (len(s) - len(t)) * values[position(t)] for t in subsets(s)) for s in subsets(range(n))}


def derivatives(values, s):
    """How much the players of s do together, beyond what fewer of them do, at every coalition of the others.

    With the sizes of those coalitions.
    """
    n = players_of(values)
    at, size = values.reshape((2,) * n), coalitions(n).sum(axis=1).reshape((2,) * n)
    for axis in (n - 1 - i for i in s):  # the first axis is the last player's
        at, size = np.diff(at, axis=axis), size.take([0], axis=axis)
    return at.ravel(), size.ravel()


def mean_derivatives(values, weight):
    """Σ over the sets t that miss s of weight(|s|, |t|) · derivative, for every s."""
    out = {}
    for s in subsets(range(players_of(values))):
        at, sizes = derivatives(values, s)
        weights = np.array([weight(len(s), t) for t in range(sizes.max() + 1)])
        out[s] = float(at @ weights[sizes])
    return out


def bii(values):
    n = players_of(values)
    return mean_derivatives(values, lambda s, t: 0.5 ** (n - s))


def sii(values):
    n = players_of(values)
    return mean_derivatives(values, lambda s, t: factorial(n - s - t) * factorial(t) / factorial(n - s + 1))


def banzhaf(values):
    n = players_of(values)
    x = coalitions(n)
    return {(i,): float(values[x[:, i]].mean() - values[~x[:, i]].mean()) for i in range(n)}


def shapley(values):
    """What each player adds when it comes, over all orders of coming."""
    n = players_of(values)
    out = dict.fromkeys([(i,) for i in range(n)], 0.0)
    for order in permutations(range(n)):
        for k, i in enumerate(order):
            before = position(order[:k])
            out[i,] += (values[before + (1 << i)] - values[before]) / factorial(n)
    return out


BERNOULLI = (1, -1 / 2, 1 / 6, 0, -1 / 30, 0, 1 / 42, 0, -1 / 30, 0, 5 / 66)


def k_sii(values, k):
    """The n-Shapley values of Bordt and von Luxburg, order by order as they are defined; at ∅ the function's value."""
    n = players_of(values)
    means = sii(values)
    found = {}
    for order in range(1, k + 1):
        for s in subsets(range(n), order)[1:]:
            rest = combinations(sorted(set(range(n)) - set(s)), order - len(s))
            larger = sum(means[tuple(sorted(s + more))] for more in rest)
            found[s] = found.get(s, 0.0) + BERNOULLI[order - len(s)] * larger
    return {(): float(values[0]), **found}


def stii(values, k):
    """Shapley-Taylor, in closed form: below order k what a set does where all else is absent, at k a weighted mean."""
    n = players_of(values)
    found = {s: float(derivatives(values, s)[0][0]) for s in subsets(range(n), k)}
    for s in combinations(range(n), k):
        at, sizes = derivatives(values, s)
        found[s] = float(at @ np.array([k / n / comb(n - 1, t) for t in range(n - k + 1)])[sizes])
    return found


def stii_by_permutations(values, k):
    """Shapley-Taylor at order k as defined: over all orders of coming, what a set does where they are who came first.

    That is, where those players are present who came before the first of the set.
    """
    n = players_of(values)
    found = dict.fromkeys(combinations(range(n), k), 0.0)
    for order in permutations(range(n)):
        for s in found:
            before = position(order[: min(order.index(i) for i in s)])
            signs_and_parts = [((-1) ** (k - len(part)), part) for part in subsets(s)]
            found[s] += sum(sign * values[before + position(part)] for sign, part in signs_and_parts) / factorial(n)
    return found


def fbii(values, max_order):
    """The best approximation of an order under uniform coalitions."""
    sets, design = _inclusion(players_of(values), max_order)
    return dict(zip(sets, np.linalg.lstsq(design, values, rcond=None)[0], strict=True))


def fsii(values, max_order):
    """The best under the Shapley kernel, exact at the empty and at the full coalition."""
    n = players_of(values)
    sets, design = _inclusion(n, max_order)
    sizes = coalitions(n).sum(axis=1)
    fixed = (sizes == 0) | (sizes == n)
    kernel = np.array([(n - 1) / (comb(n, k) * k * (n - k)) if 0 < k < n else 0.0 for k in sizes])
    # Least squares with two equations to be met, by Lagrange's multipliers.
    normal = design.T @ (kernel[:, None] * design)
    ends = design[fixed]
    system = np.block([[normal, ends.T], [ends, np.zeros((len(ends), len(ends)))]])
    answer = np.concatenate([design.T @ (kernel * values), values[fixed]])
    return dict(zip(sets, np.linalg.solve(system, answer), strict=False))


def _inclusion(n, max_order):
    sets = subsets(range(n), max_order)
    x = coalitions(n)
    return sets, np.stack([x[:, list(s)].all(axis=1) for s in sets], axis=1).astype(float)


def as_dict(spectrum: SparseSpectrum):
    return {
        tuple(int(i) for i in row if i < spectrum.n): float(c)
        for row, c in zip(spectrum.members, spectrum.coefficients, strict=True)
    }


def assert_same(spectrum, truth, atol=1e-10):
    """The spectrum holds what `truth` says, and nothing besides."""
    held = as_dict(spectrum)
    sets = sorted(held.keys() | truth.keys())
    np.testing.assert_allclose([held.get(s, 0.0) for s in sets], [truth.get(s, 0.0) for s in sets], rtol=0, atol=atol)
