"""Numbers as they are written in tables and in the static output."""

from __future__ import annotations

import math
from collections.abc import Iterable

_SMALLEST, _LARGEST = -2, 5
"""Powers of ten outside of which the largest effect is written with its exponent."""


def effect_format(effects: Iterable[float], digits: int = 5) -> str:
    """How effects that stand together are written: the format that gives the largest so many digits.

    Below 1 a leading nought is one of the digits, and all have as many decimals; with an exponent it is a digit less.

    Examples
    --------
    >>> for effects in ([0.05, -3.0], [314.15926, 2.0], [3e6, 1.0], [0.0, 4.2e-6]):
    ...     print(*(f"{effect:{effect_format(effects)}}" for effect in effects))
    +0.0500 -3.0000
    +314.16 +2.00
    +3.000e+06 +1.000e+00
    +0.000e+00 +4.200e-06
    """
    largest = max(map(abs, effects), default=0.0)
    power = math.floor(math.log10(largest)) if largest else 0
    if not _SMALLEST <= power <= _LARGEST:
        return f"+.{digits - 2}e"
    return f"+.{max(0, digits - 1 - max(0, power))}f"
