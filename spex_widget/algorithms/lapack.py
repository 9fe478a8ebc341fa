"""LAPACK on symmetric matrices, in their own place, while other threads go on: no model and no page waits for a fit.

SciPy's own functions keep the interpreter's lock, and NumPy's, which let go of it, take single precision to double. So
the routines that SciPy offers to Cython are called by their addresses: ctypes lets go of the lock.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import numpy as np
from scipy.linalg import cython_lapack

from spex_widget.spectrum.arguments import Float32Array, FloatArray

Real = TypeVar("Real", Float32Array, FloatArray)

_UPPER = b"L"  # in rows: LAPACK reads an array by columns


def cholesky(a: Real) -> Real:
    """Factorise a matrix (m, m), of which the upper triangle is read.

    Raises
    ------
    numpy.linalg.LinAlgError
        If it is not positive definite.
    """
    _call("potrf", a, _UPPER, len(a), a, len(a))
    return a


def solve(factor: Real, y: Real) -> Real:
    """The inverse of a matrix times y, (m,) or (m, columns), from what `cholesky` made of it."""
    found = np.array(y.T, dtype=factor.dtype, order="C")
    _call("potrs", factor, _UPPER, len(y), found.size // len(y), factor, len(y), found, len(y))
    return cast("Real", found.T)


def inverse(factor: Real) -> Real:
    """The inverse of a matrix from what `cholesky` made of it: its upper triangle, below it nothing of worth."""
    _call("potri", factor, _UPPER, len(factor), factor, len(factor))
    return factor


def eigh(a: Real) -> tuple[Real, Real]:
    """The eigenvalues (m,) of a matrix (m, m), ascending, and its eigenvectors, by columns."""
    m = len(a)
    values, work, whole = np.empty(m, a.dtype), np.empty(1 + 6 * m + 2 * m**2, a.dtype), np.empty(3 + 5 * m, np.int64)
    _call("syevd", a, b"V", _UPPER, m, a, m, values, work, work.size, whole, whole.size)
    return cast("Real", values), a.T


def _call(name: str, a: Real, *arguments: Any) -> None:
    """Call the routine for a's precision; Fortran takes numbers, too, by their addresses."""
    assert a.flags.c_contiguous
    # Whole numbers have 64 bits, of which SciPy reads 32 or all: the lower ones come first.
    held = [np.asarray(argument) for argument in (*arguments, 0)]
    _routine({"f": "s", "d": "d"}[a.dtype.char] + name, len(held))(*(array.ctypes.data for array in held))
    if held[-1]:
        raise np.linalg.LinAlgError(f"{name} of LAPACK: {held[-1]}")


@cache
def _routine(name: str, arguments: int) -> Callable[..., None]:
    capsule, python = cython_lapack.__pyx_capi__[name], ctypes.pythonapi
    signature = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", python))(capsule)
    pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", python))
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * arguments)(pointer(capsule, signature))
