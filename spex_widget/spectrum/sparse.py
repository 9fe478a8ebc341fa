"""A sparse Fourier spectrum: a set function as few coefficients, held in arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt

from spex_widget.spectrum.arguments import BoolArray, Float32Array, FloatArray, check_coalitions
from spex_widget.spectrum.sets import IntArray, group, pad_sets, set_orders, stack_sets, subset_positions

Factors = TypeVar("Factors", FloatArray, Float32Array)

_CHUNK = 1 << 22  # entries of a (rows, coefficients) block: 32 MB of float64


@dataclass(frozen=True, eq=False)
class SparseSpectrum:
    r"""The set function v(x) = Σ_S F(S) χ_S(x), χ_S(x) = ∏_{i∈S} (1 − 2 x_i), with few F(S) ≠ 0.

    Spectra are values: they add, scale, and never change.

    Parameters
    ----------
    n : int
        The number of players.
    members : ndarray of shape (K, d), int32
        A set a row: its players ascending, then n as padding.
    coefficients : ndarray of shape (K,), float64
        F(S) of each row. Every set stands once; rows are sorted by order, then by players.

    Examples
    --------
    >>> f = SparseSpectrum.from_sets(3, {(): 0.5, (0, 2): -0.25})
    >>> f([[False, False, False], [True, True, False]])
    array([0.25, 0.75])
    >>> (2 * f + f)[0, 2]
    -0.75
    """

    n: int
    members: IntArray
    coefficients: FloatArray

    @classmethod
    def from_terms(
        cls, n: int, members: IntArray, coefficients: npt.ArrayLike, constant: float = 0.0
    ) -> SparseSpectrum:
        """Sum terms, in which a set may stand many times, into a spectrum; zeros are left out.

        Parameters
        ----------
        n : int
            The number of players.
        members : ndarray of shape (T, d), int
            A set a row, its players ascending, padded with n.
        coefficients : array_like of shape (T,), float
            What each term adds to its set.
        constant : float
            What is added to the empty set.
        """
        sets, amounts = np.asarray(members, dtype=np.int32), np.asarray(coefficients, dtype=np.float64)
        if constant:
            sets = np.concatenate([np.full((1, sets.shape[1]), n, dtype=np.int32), sets])
            amounts = np.append(constant, amounts)
        unique, which = group(sets, n)
        sums = np.bincount(which, weights=amounts, minlength=len(unique))
        kept = sums != 0
        unique = unique[kept]
        width = int(set_orders(unique, n).max(initial=0))
        return cls(n, np.ascontiguousarray(unique[:, :width]), sums[kept])

    @classmethod
    def from_sets(cls, n: int, terms: Mapping[tuple[int, ...], float]) -> SparseSpectrum:
        """Make a spectrum from a mapping of sets of players to coefficients."""
        return cls.from_terms(n, pad_sets(terms, n), list(terms.values()))

    @classmethod
    def from_values(cls, values: npt.ArrayLike) -> SparseSpectrum:
        """The exact spectrum of a function known on all its coalitions.

        Parameters
        ----------
        values : array_like of shape (2**n,), float
            The value of coalition x at position Σ_i x_i 2**i.

        Notes
        -----
        By the fast Walsh–Hadamard transform, O(n 2**n). Coefficients that are rounding error of the largest value
        are left out.
        """
        table = np.array(values, dtype=np.float64)
        n = max(len(table).bit_length() - 1, 0)
        if len(table) != 1 << n:
            raise ValueError(f"values of all coalitions are 2**n many, got {len(table)}")
        scale = np.abs(table).max(initial=0.0)
        for i in range(n):
            pairs = table.reshape(-1, 2, 1 << i)
            table = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).ravel() / 2
        return cls.from_table(np.where(np.abs(table) > 4 * np.finfo(float).eps * scale * max(n, 1), table, 0.0))

    @classmethod
    def from_table(cls, coefficients: npt.ArrayLike) -> SparseSpectrum:
        """Make a spectrum from the coefficients of all 2**n sets, that of S at position Σ_{i∈S} 2**i."""
        table = np.asarray(coefficients, dtype=np.float64)
        n = max(len(table).bit_length() - 1, 0)
        kept = np.flatnonzero(table)
        players = np.arange(n, dtype=np.int32)
        members = np.sort(np.where((kept[:, None] >> players) & 1, players, np.int32(n)), axis=1)
        return cls.from_terms(n, members, table[kept])

    def __len__(self) -> int:
        return len(self.coefficients)

    def __call__(self, coalitions: npt.ArrayLike) -> FloatArray:
        """Evaluate: coalitions (m, n) of bool to values (m,) of float64."""
        rows = check_coalitions(coalitions, self.n)
        out = np.empty(len(rows))
        step = max(1, _CHUNK // max(len(self), 1))
        for start in range(0, len(rows), step):
            # Row by row in memory, so that a coalition's value does not depend on those beside it.
            block = np.ascontiguousarray(characters(rows[start : start + step], self.members))
            out[start : start + step] = block @ self.coefficients
        return out

    def __add__(self, other: SparseSpectrum) -> SparseSpectrum:
        if self.n != other.n:
            raise ValueError(f"spectra of {self.n} and {other.n} players do not add")
        members = stack_sets(self.n, self.members, other.members)
        return self.from_terms(self.n, members, np.concatenate([self.coefficients, other.coefficients]))

    def __mul__(self, factor: float) -> SparseSpectrum:
        return SparseSpectrum(self.n, self.members, self.coefficients * float(factor))

    __rmul__ = __mul__

    def __getitem__(self, players: int | Iterable[int]) -> float:
        """F of one set of players, 0 where the spectrum does not hold it."""
        members = (players,) if isinstance(players, (int, np.integer)) else tuple(players)
        return float(self.at(pad_sets([members], self.n))[0])

    @cached_property
    def orders(self) -> IntArray:
        """How many players each set has, (K,) int64."""
        return set_orders(self.members, self.n)

    @property
    def max_order(self) -> int:
        """The largest order that the spectrum holds."""
        return int(self.members.shape[1])

    def at(self, members: IntArray) -> FloatArray:
        """F of each of the sets (rows of players, padded with n); (rows,) float64."""
        found = subset_positions(members, self.members, self.n)
        return np.where(found >= 0, np.append(self.coefficients, 0.0)[found], 0.0)

    def energy_by_order(self) -> FloatArray:
        """Σ_{|S|=k} F(S)² for k = 0 … max_order, (max_order + 1,) float64."""
        energies = np.bincount(self.orders, weights=self.coefficients**2, minlength=self.max_order + 1)
        return energies.astype(np.float64)

    def truncate(self, max_order: int) -> SparseSpectrum:
        """The part of order at most `max_order`: the best such approximation under uniform coalitions."""
        kept = self.orders <= max_order
        width = int(self.orders[kept].max(initial=0))
        return SparseSpectrum(self.n, np.ascontiguousarray(self.members[kept][:, :width]), self.coefficients[kept])


def characters(coalitions: BoolArray, members: IntArray) -> FloatArray:
    """χ_S(x) for coalitions (m, n) and sets (K, d): (m, K) of ±1, float64."""
    return products(1 - 2 * coalitions.astype(np.float64), members)


def products(factors: Factors, members: IntArray) -> Factors:
    """The product of each row's factors (m, n) over each of the sets (K, d): (m, K), in their precision.

    Examples
    --------
    >>> products(np.array([[2.0, 3.0, 5.0], [7.0, 1.0, 1.0]]), np.array([[0, 1], [0, 3]]))
    array([[6., 2.],
           [7., 7.]])
    """
    m, n = factors.shape
    # Transposed, so that a player's factors lie side by side.
    padded = np.ones((n + 1, m), dtype=factors.dtype)
    padded[:n] = factors.T
    out = np.ones((len(members), m), dtype=factors.dtype)
    for column in members.T:
        out *= padded[column]
    return cast("Factors", out.T)
