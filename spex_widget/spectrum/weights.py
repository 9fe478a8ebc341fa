r"""The interaction indices as tables of weights, exact.

Every index is linear in the set function, and its weights depend on sizes alone:

.. math:: I(S) = \sum_{T \supseteq S} w(|S|, |T|) \, M(T) = \sum_{T \supseteq S} f(|S|, |T|) \, F(T)

with M the Möbius and F the Fourier coefficients. An index is written down here as its w, as the literature has it;
since M(U) = (−2)^|U| Σ_{T⊇U} F(T), its f is Σ_u C(t−s, u−s) (−2)^u w(s, u), summed in fractions because the signs
alternate.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np

from spex_widget.spectrum.arguments import FloatArray, check_count

INDICES = ("Fourier", "Moebius", "BV", "SV", "BII", "SII", "k-SII", "STII", "FBII", "FSII")
"""The names of the indices. BV and SV speak of single players only."""

OF_PLAYERS = {"BV": "FBII", "SV": "FSII"}
"""The values of single players, and the interaction index whose order 1 they are."""


def check_index(index: str) -> str:
    """The index's name as `INDICES` spells it, whatever its case, hyphens and umlauts.

    Raises
    ------
    ValueError
        If there is no such index.

    Examples
    --------
    >>> check_index("fbii"), check_index("kSII"), check_index("Möbius")
    ('FBII', 'k-SII', 'Moebius')
    """
    spelled = {_plain(name): name for name in INDICES} | {"mobius": "Moebius"}
    if not isinstance(index, str) or _plain(index) not in spelled:
        raise ValueError(f"index must be one of {', '.join(INDICES)}, got {index!r}")
    return spelled[_plain(index)]


def index_order(index: str, max_order: int | None, largest: int) -> tuple[str, int]:
    """The index whose table to take, and the order up to which it goes.

    Parameters
    ----------
    index : str
        One of `INDICES`.
    max_order : int or None
        None for the largest order held. More than that changes no index.
    largest : int
        The largest order held.

    Raises
    ------
    TypeError, ValueError
        If there is no such index, or max_order is no whole number of at least 1.
    """
    name = check_index(index)
    limit = largest if max_order is None else min(check_count(max_order, "max_order", 1), largest)
    return (OF_PLAYERS[name], min(limit, 1)) if name in OF_PLAYERS else (name, limit)


def fourier_weights(name: str, limit: int, largest: int) -> FloatArray:
    """What F(T) counts for I(S): the table f(s, t), (limit + 1, largest + 1) float64, 0 where t < s.

    Parameters
    ----------
    name : str
        An index of any order, as `index_order` gives it.
    limit : int
        The largest order of S, and the order ℓ that defines k-SII, STII, FBII and FSII.
    largest : int
        The largest order of T.

    Examples
    --------
    >>> fourier_weights("SII", 1, 3)
    array([[ 1.  ,  0.  ,  0.33333333,  0.  ],
           [ 0.  , -2.  ,  0.  , -0.66666667]])
    """
    return np.array(_fourier_weights(name, limit, largest))


@lru_cache(maxsize=256)
def _fourier_weights(name: str, limit: int, largest: int) -> tuple[tuple[float, ...], ...]:
    moebius = [
        [_MOEBIUS[name](s, u, limit) if u >= s else Fraction(0) for u in range(largest + 1)] for s in range(limit + 1)
    ]

    def weight(s: int, t: int) -> Fraction:
        return sum((comb(t - s, u - s) * (-2) ** u * moebius[s][u] for u in range(s, t + 1)), Fraction(0))

    return tuple(tuple(float(weight(s, t)) for t in range(largest + 1)) for s in range(limit + 1))


def _plain(name: str) -> str:
    return name.lower().replace("ö", "oe").translate(dict.fromkeys(map(ord, "-_ ")))


# The tables w(s, t), s ≤ t, for an index of order limit ≥ s --------------------------------------------------------


def _fourier(s: int, t: int, limit: int) -> Fraction:
    # x_T = ∏ (1 − χ_i) / 2 over the players of T.
    return Fraction((-1) ** s, 2**t)


def _same(s: int, t: int, limit: int) -> Fraction:
    return Fraction(s == t)


def _bii(s: int, t: int, limit: int) -> Fraction:
    return Fraction(1, 2 ** (t - s))


def _sii(s: int, t: int, limit: int) -> Fraction:
    return Fraction(1, t - s + 1)


def _k_sii(s: int, t: int, limit: int) -> Fraction:
    # Σ over U, S ⊆ U ⊆ T, of B_|U∖S| · SII(U), |U| ≤ ℓ.
    if s == 0:
        return _same(s, t, limit)
    shares = (comb(t - s, u - s) * _bernoulli(u - s) * _sii(u, t, limit) for u in range(s, min(t, limit) + 1))
    return sum(shares, Fraction(0))


def _stii(s: int, t: int, limit: int) -> Fraction:
    # Below the order ℓ nothing is averaged; at it a term T is shared equally by its subsets of order ℓ.
    return Fraction(1, comb(t, s)) if s == limit else _same(s, t, limit)


def _fbii(s: int, t: int, limit: int) -> Fraction:
    if t <= limit:
        return _same(s, t, limit)
    return Fraction((-1) ** (limit - s) * comb(t - s - 1, limit - s), 2 ** (t - s))


def _fsii(s: int, t: int, limit: int) -> Fraction:
    if t <= limit:
        return _same(s, t, limit)
    share = Fraction(s * comb(limit, s) * comb(t - 1, limit), (limit + s) * comb(t + limit - 1, limit + s))
    return -share if (limit - s) % 2 else share


_MOEBIUS: dict[str, Callable[[int, int, int], Fraction]] = {
    "Fourier": _fourier,
    "Moebius": _same,
    "BII": _bii,
    "SII": _sii,
    "k-SII": _k_sii,
    "STII": _stii,
    "FBII": _fbii,
    "FSII": _fsii,
}


@lru_cache(maxsize=256)
def _bernoulli(m: int) -> Fraction:
    """The Bernoulli number B_m, with B_1 = −1/2."""
    if m == 0:
        return Fraction(1)
    return -sum((comb(m + 1, k) * _bernoulli(k) for k in range(m)), Fraction(0)) / (m + 1)
