"""Games whose truth is known: what a surrogate is measured on.

Every game is deterministic in its seed. A `Case` names one (game, n, seed, noise) and `make` plays it: its `truth` is
the function without noise, which held-out R² is measured on; calling it gives what an algorithm may see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.special import ndtri

from spex_widget.spectrum import SparseSpectrum, all_subsets

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


def mlp(n: int, seed: int, relevant: int = 10, gain: float = 1.0) -> SparseSpectrum:
    """A random tanh network, 10 → 16 → 8 → 1, on 10 of the players: sparse in them, dense among them.

    It is played by its exact spectrum, of 2^10 coefficients. So many players and this gain because shapiq's ProxySPEX
    then has R² near .9 at n = 128 with 1,000 ablations, as was first seen of it on small networks.
    """
    rng = np.random.default_rng(seed)
    inputs = rng.choice(n, min(relevant, n), replace=False)
    sizes = (len(inputs), 16, 8, 1)
    weights = [rng.normal(size=(a, b)) * gain / np.sqrt(a) for a, b in pairwise(sizes)]
    biases = [rng.normal(size=b) / 2 for b in sizes[1:]]
    hidden = 1.0 - 2 * ((np.arange(1 << len(inputs))[:, None] >> np.arange(len(inputs))) & 1)
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        hidden = np.tanh(hidden @ w + b)
    inner = SparseSpectrum.from_values((hidden @ weights[-1])[:, 0])
    members = np.sort(np.append(inputs, n)[inner.members], axis=1)
    return SparseSpectrum.from_terms(n, members, inner.coefficients)


def and_or(n: int, seed: int, terms: int = 20, most: int = 4) -> SparseSpectrum:
    """A sum of conjunctions and disjunctions of 2 to 4 players."""
    rng = np.random.default_rng(seed)
    sets = [rng.choice(n, rng.integers(2, most + 1), replace=False) for _ in range(terms)]
    weights, disjunction = rng.normal(size=terms), rng.random(terms) < 0.5
    spectrum: dict[tuple[int, ...], float] = {}
    for members, weight, either in zip(sets, weights, disjunction, strict=True):
        # All present: Π(1 − χ_i)/2. Any present: 1 − Π(1 + χ_i)/2.
        subsets, _ = all_subsets(np.sort(members)[None].astype(np.int32), n)
        for subset in ([int(i) for i in row if i < n] for row in subsets):
            share = weight / 2 ** len(members)
            sign = -share if either else (-1) ** len(subset) * share
            spectrum[tuple(subset)] = spectrum.get(tuple(subset), 0.0) + sign
        spectrum[()] += weight if either else 0.0
    return SparseSpectrum.from_sets(n, spectrum)


def few_terms(n: int, seed: int) -> SparseSpectrum:
    """Ten conjunctions and disjunctions of 2 or 3 players, however many there are: for the scaling with n."""
    return and_or(n, seed, terms=10, most=3)


def hierarchical_parities(n: int, seed: int, tops: int = 15) -> SparseSpectrum:
    """A sparse spectrum in which every subset of a set is there as well."""
    rng = np.random.default_rng(seed)
    terms: dict[tuple[int, ...], float] = {}
    for _ in range(tops):
        top = rng.choice(n, rng.integers(2, 5), replace=False)
        for bits in range(1, 1 << len(top)):
            subset = tuple(sorted(int(i) for j, i in enumerate(top) if bits >> j & 1))
            terms[subset] = terms.get(subset, 0.0) + rng.normal()
    return SparseSpectrum.from_sets(n, terms)


def flat_parities(n: int, seed: int, terms: int = 20) -> SparseSpectrum:
    """Twenty random sets of 1 to 3 players, without any hierarchy."""
    rng = np.random.default_rng(seed)
    sets: set[tuple[int, ...]] = set()
    while len(sets) < terms:
        sets.add(tuple(sorted(int(i) for i in rng.choice(n, rng.integers(1, 4), replace=False))))
    return SparseSpectrum.from_sets(n, {s: float(rng.normal()) for s in sorted(sets)})


def _demo(n: int, seed: int) -> Values:
    from model_games import demo

    return demo(n, seed)


def _transformer(n: int, seed: int) -> Values:
    from model_games import transformer

    return transformer(n, seed)


GAMES: dict[str, Callable[[int, int], Values]] = {
    "attention-like": attention_like,
    "and/or": and_or,
    "hierarchical parities": hierarchical_parities,
    "flat parities": flat_parities,
    "mlp": mlp,
    "demo": _demo,
    "transformer": _transformer,
    "few terms": few_terms,
}
FEW = 16  # players up to which all coalitions are played where the exact spectrum is wanted
NOISE = 0.3  # standard deviation of the noise, as a share of the values'


@dataclass(frozen=True, order=True)
class Case:
    """One game of one size and seed, with gaussian noise or without."""

    game: str
    n: int
    seed: int
    noise: float = 0.0

    def __str__(self) -> str:
        return f"{self.game}{' + noise' if self.noise else ''}, n = {self.n}, seed {self.seed}"

    @property
    def noiseless(self) -> Case:
        return replace(self, noise=0.0)


class Playing:
    """A case being played.

    Attributes
    ----------
    n : int
        The number of players (of the demo passages, the words that there are: the case's n is a wish).
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self._f = GAMES[case.game](case.n, case.seed)
        self.n: int = getattr(self._f, "n", case.n)

    @cached_property
    def spectrum(self) -> SparseSpectrum | None:
        """The exact spectrum of the truth, where it is sparse or the players are few."""
        if isinstance(self._f, SparseSpectrum):
            return self._f
        if self.n > FEW:
            return None
        every = (np.arange(1 << self.n)[:, None] >> np.arange(self.n)) & 1 == 1
        return SparseSpectrum.from_values(self.truth(every))

    def truth(self, coalitions: np.ndarray) -> np.ndarray:
        return np.asarray(self._f(coalitions), dtype=float)

    def __call__(self, coalitions: np.ndarray) -> np.ndarray:
        values = self.truth(coalitions)
        if self.case.noise:
            values = values + self.case.noise * self._spread * gaussian(coalitions, self.case.seed)
        return values

    def uniform(self, count: int, stream: int) -> np.ndarray:
        """Fresh uniform coalitions, which no algorithm's own stream repeats."""
        return np.random.default_rng([987_654, self.case.seed, stream]).random((count, self.n)) < 0.5

    @cached_property
    def _spread(self) -> float:
        return float(self.truth(self.uniform(2000, 1)).std())

    @cached_property
    def fingerprint(self) -> str:
        """Tells this game from a later one of the same name: a digest of a few values, to three digits."""
        values = self.truth(self.uniform(16, 2))
        rounded = [f"{v:.3g}" for v in values]
        return hashlib.sha256(" ".join([str(self.n), *rounded]).encode()).hexdigest()[:12]


def gaussian(coalitions: np.ndarray, seed: int) -> np.ndarray:
    """Standard normal numbers, one and the same for the same coalition: noise that repeating does not average out."""
    packed = np.packbits(coalitions, axis=1)
    packed = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8))).view("<u8")
    with np.errstate(over="ignore"):
        mixed = np.full(len(packed), np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15), dtype=np.uint64)
        for word in packed.T:
            mixed = _mix(mixed ^ word)
    return np.asarray(ndtri(((mixed >> np.uint64(11)).astype(float) + 0.5) / 2.0**53))


def _mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele, Lea and Flood, 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
