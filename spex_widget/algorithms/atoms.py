"""Atoms: what a surrogate may be a sum of, each the product of one literal of every player in a set.

The literal of a *parity* is 1 − 2 x_i, so that the atom is a character χ_S. That of a conjunction of *present* players
is x_i: the atom is 1 where all of S are there (the unanimity game of S, the basis of the Möbius transform). That of a
conjunction of *absent* ones is 1 − x_i: 1 where none of S is there. A function of few atoms of one kind may need
hundreds of another: a conjunction of four players has 16 Fourier coefficients.

Products of −1, 0 and 1 are exact in single precision, and so are their sums: half the memory and time of double.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from spex_widget.spectrum import SparseSpectrum, all_subsets, set_orders
from spex_widget.spectrum.arguments import BoolArray, Float32Array, FloatArray
from spex_widget.spectrum.sets import IntArray

_LITERALS: Mapping[str, Callable[[Float32Array], Float32Array]] = MappingProxyType(
    {"parity": lambda x: 1 - 2 * x, "present": lambda x: x, "absent": lambda x: 1 - x}
)
OFFSETS: Mapping[str, int] = MappingProxyType({"parity": 0, "present": -1, "absent": 1})
"""Up to a factor the literal of each kind is z + offset, where z = 1 − 2x."""


def literals(coalitions: BoolArray, kind: str) -> Float32Array:
    """The literals of a kind of every player, (m, n) float32: their `products` over sets are the atoms."""
    return _LITERALS[kind](coalitions.astype(np.float32))


def in_fourier(n: int, kind: str, sets: IntArray, amounts: FloatArray) -> SparseSpectrum:
    """The spectrum of a sum of atoms: a conjunction of k players is spread over 2^k sets.

    Examples
    --------
    >>> both = in_fourier(2, "present", np.array([[0, 1]]), np.array([4.0]))
    >>> [both[()], both[0], both[0, 1]]
    [1.0, -1.0, 1.0]
    """
    if kind == "parity":
        return SparseSpectrum.from_terms(n, sets, amounts)
    subsets, source = all_subsets(sets, n)
    sign = (-1.0) ** set_orders(subsets, n) if kind == "present" else 1.0
    return SparseSpectrum.from_terms(n, subsets, sign * (amounts / 2.0 ** set_orders(sets, n))[source])
