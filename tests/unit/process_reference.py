"""The Gaussian process as scikit-learn has it, and its kernel by definition."""

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

JITTER = 1e-6


def rows(m, n, seed=0):
    return np.random.default_rng(seed).random((m, n)) < 0.5


def logarithms(n, seed=0, scale=1.3, noise=0.2):
    return np.append(np.random.default_rng(seed).normal(-1.5, 0.7, size=n), np.log([scale, noise]))


def exact_kernel(left, right, logs):
    """By definition, pair by pair and in double precision."""
    rates, scale = np.exp(logs[:-2]), np.exp(logs[-2])
    left, right = 1.0 - 2.0 * left, 1.0 - 2.0 * right
    return np.array([[scale * np.exp(np.sum(rates * (z * w - 1))) for w in right] for z in left])


def scikit_learn(logs, **more):
    """The same process there: Σ a (zz' − 1) = −Σ a (z − z')² / 2."""
    kernel = ConstantKernel(np.exp(logs[-2])) * RBF(np.exp(-logs[:-2] / 2)) + WhiteKernel(np.exp(logs[-1]))
    return GaussianProcessRegressor(kernel, alpha=JITTER * np.exp(logs[-2]), optimizer=None, **more)
