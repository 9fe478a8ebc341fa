"""The linear algebra of the Gaussian process: all that costs the square or the cube of the rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, TypeVar, cast

import numpy as np

from spex_widget.algorithms import lapack
from spex_widget.algorithms.atoms import literals
from spex_widget.spectrum.arguments import BoolArray, Float32Array, FloatArray

Signs = TypeVar("Signs", Float32Array, FloatArray)

_JITTER = 1e-6  # of the scale: what single precision needs to factorise


class Likelihood(ABC):
    """How likely values are under the process, and its posterior mean, on one device.

    Parameters
    ----------
    coalitions : ndarray of shape (m, n), bool
    y : ndarray of shape (m,) or (m, outputs), float64
        Their values, of mean 0 and variance 1. Several outputs share each factorisation.
    """

    LEARNT_FROM: ClassVar[int]
    """Rows for the hyperparameters, whose every step costs their cube."""
    MOST_ROWS: ClassVar[int]
    """Rows for the posterior mean, which costs their cube once."""

    @abstractmethod
    def __init__(self, coalitions: BoolArray, y: FloatArray) -> None: ...

    @abstractmethod
    def gradient(self, logs: FloatArray) -> FloatArray | None:
        """Of the logarithm of the likelihood of the first LEARNT_FROM rows in the logarithms, (n + 2,) float64.

        The mean over the outputs, in single precision; None where the kernel cannot be factorised so.
        """

    @abstractmethod
    def dual(self, logs: FloatArray) -> FloatArray:
        """(K + noise)⁻¹ y, of y's shape, float64, in double precision: the noise may be too small for single."""


class OnCPU(Likelihood):
    """With NumPy and LAPACK."""

    LEARNT_FROM = 1000
    MOST_ROWS = 4000

    def __init__(self, coalitions: BoolArray, y: FloatArray) -> None:
        self._z, self._y = literals(coalitions, "parity"), y
        m = min(len(y), self.LEARNT_FROM)
        self._squares = np.empty((3, m, m), np.float32)  # written over by every step: fresh memory costs a tenth of it
        self._upper = np.tri(m, dtype=np.float32).T.copy()

    def gradient(self, logs: FloatArray) -> FloatArray | None:
        """From one factorisation of the kernel."""
        z, y = self._z[: self.LEARNT_FROM], self._y[: self.LEARNT_FROM].astype(np.float32)
        prior, noisy, pull = self._squares
        noisy[:] = kernel(z, z, logs, out=prior)
        try:
            factor = lapack.cholesky(_noisy(noisy, logs))
        except np.linalg.LinAlgError:
            return None
        dual = lapack.solve(factor, y.reshape(len(y), -1))
        # 2 ∂L/∂θ = Σ (dual dualᵀ / outputs − K⁻¹) ∘ ∂K/∂θ
        np.matmul(dual / dual.shape[1], dual.T, out=pull)
        pull -= lapack.inverse(factor)
        by_noise = np.exp(logs[-1]) * np.trace(pull)
        pull *= prior
        pull *= self._upper  # of a symmetric matrix half says all
        half = pull.sum(dtype=np.float64)
        by_scale = 2 * half - np.trace(pull)
        by_rates = 2 * np.exp(logs[:-2]) * (((pull @ z) * z).sum(axis=0) - half)
        return np.append(by_rates / 2, [by_scale / 2, by_noise / 2])

    def dual(self, logs: FloatArray) -> FloatArray:
        """By Cholesky's factor."""
        z = self._z.astype(np.float64)
        return lapack.solve(lapack.cholesky(_noisy(kernel(z, z, logs), logs)), self._y)


def kernel(left: Signs, right: Signs, logs: FloatArray, out: Signs | None = None) -> Signs:
    """The kernel between rows of signs (k, n) and (m, n), without the noise: (k, m), in the precision of the signs."""
    roots = np.exp(logs[:-2] / 2).astype(left.dtype)
    scaled = left * roots
    # Of a matrix times its own transpose NumPy computes half.
    found = np.matmul(scaled, (scaled if right is left else right * roots).T, out=out)
    found += (logs[-2] - np.exp(logs[:-2]).sum()).astype(left.dtype)
    np.exp(found, out=found)
    return cast("Signs", found)


def _noisy(prior: Signs, logs: FloatArray) -> Signs:
    """The kernel among rows (m, m) with the noise, in its own place."""
    np.einsum("ii->i", prior)[:] += prior.dtype.type(on_diagonal(logs))
    return prior


def on_diagonal(logs: FloatArray) -> float:
    """The variance of the noise, and a little more: what the kernel's diagonal is raised by."""
    return float(np.exp(logs[-1]) + _JITTER * np.exp(logs[-2]))
