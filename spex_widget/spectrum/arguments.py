"""Arguments that every room takes, checked where they come in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]


_FROM_INDICES = "player indices are turned into a coalition with np.isin(np.arange(n), indices)"


def check_count(value: Any, name: str, least: int) -> int:
    """A whole number of at least `least`.

    Raises
    ------
    TypeError, ValueError
        If it is no whole number, or too small.

    Examples
    --------
    >>> check_count(np.int64(3), "top", 1)
    3
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def check_coalitions(coalitions: npt.ArrayLike, n: int) -> BoolArray:
    """Coalitions as a C-contiguous (m, n) array of bool.

    Parameters
    ----------
    coalitions : array_like of shape (m, n) or (n,), bool
        True where a player is present. Zeros and ones are taken as well.

    Raises
    ------
    ValueError
        If the shape is wrong, or an entry is neither 0 nor 1.
    """
    try:
        rows = np.asarray(coalitions)
    except ValueError as error:
        raise ValueError(f"coalitions must be rows of {n} entries each, a column a player: {error}") from error
    given = rows.shape
    if rows.ndim == 1:
        rows = rows[None, :]
    if rows.ndim != 2 or rows.shape[1] != n:
        raise ValueError(f"coalitions must have shape (m, {n}), a column a player, got {given}; {_FROM_INDICES}")
    if rows.dtype != np.bool_:
        if rows.dtype.kind not in "iuf" or not np.isin(rows, (0, 1)).all():
            raise ValueError(
                f"coalitions must be bool, True where a player is present, got dtype {rows.dtype}; {_FROM_INDICES}"
            )
        rows = rows.astype(np.bool_)
    return np.ascontiguousarray(rows)
