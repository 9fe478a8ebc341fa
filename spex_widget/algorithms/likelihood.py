"""The linear algebra of the Gaussian process: all that costs the square or the cube of the rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, TypeVar, cast

import numpy as np
from scipy import linalg

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

    def gradient(self, logs: FloatArray) -> FloatArray | None:
        """From one factorisation of the kernel, in place: of symmetric matrices the lower triangle alone is held."""
        z, y = self._z[: self.LEARNT_FROM], self._y[: self.LEARNT_FROM].astype(np.float32)
        prior = _lower_kernel(z, logs)
        noisy = prior.copy(order="F")
        np.einsum("ii->i", noisy)[:] += np.float32(on_diagonal(logs))
        factor, failed = linalg.lapack.spotrf(noisy, lower=1, overwrite_a=1, clean=0)
        if failed:
            return None
        dual = linalg.lapack.spotrs(factor, y.reshape(len(y), -1), lower=1)[0]
        inverse, _ = linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
        # 2 ∂L/∂θ = Σ (dual dualᵀ / outputs − K⁻¹) ∘ ∂K/∂θ
        pull = linalg.blas.ssyrk(1 / dual.shape[1], dual, beta=-1.0, c=inverse, lower=1, overwrite_c=1)
        by_noise = np.exp(logs[-1]) * np.trace(pull)
        pull *= prior
        by_scale = linalg.blas.ssymv(1.0, pull, np.ones(len(y), np.float32), lower=1).sum(dtype=np.float64)
        pulled = linalg.blas.ssymm(1.0, pull, z, lower=1)
        by_rates = np.exp(logs[:-2]) * ((pulled * z).sum(axis=0) - by_scale)
        return np.append(by_rates / 2, [by_scale / 2, by_noise / 2])

    def dual(self, logs: FloatArray) -> FloatArray:
        """By Cholesky's factor."""
        noisy = _lower_kernel(self._z.astype(np.float64), logs)
        np.einsum("ii->i", noisy)[:] += on_diagonal(logs)
        factor = linalg.cho_factor(noisy, lower=True, overwrite_a=True, check_finite=False)
        return np.asarray(linalg.cho_solve(factor, self._y))


def kernel(left: Signs, right: Signs, logs: FloatArray) -> Signs:
    """The kernel between rows of signs (k, n) and (m, n), without the noise: (k, m), in the precision of the signs."""
    rates = np.exp(logs[:-2]).astype(left.dtype)
    found = (left * rates) @ right.T
    found += (logs[-2] - rates.sum(dtype=np.float64)).astype(left.dtype)
    np.exp(found, out=found)
    return cast("Signs", found)


def _lower_kernel(z: Signs, logs: FloatArray) -> Signs:
    """The lower triangle of the kernel among rows of signs (m, n), above it nothing of worth: half the products."""
    (product,) = linalg.get_blas_funcs(("syrk",), (z,))
    rates = np.exp(logs[:-2])
    found = product(1.0, (z * np.sqrt(rates).astype(z.dtype)).T, trans=1, lower=1)
    found += (logs[-2] - rates.sum()).astype(z.dtype)
    np.exp(found, out=found)
    return cast("Signs", found)


def on_diagonal(logs: FloatArray) -> float:
    """The variance of the noise, and a little more: what the kernel's diagonal is raised by."""
    return float(np.exp(logs[-1]) + _JITTER * np.exp(logs[-2]))
