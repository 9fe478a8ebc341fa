"""The process's linear algebra on a GPU, in torch."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spex_widget.algorithms.likelihood import Likelihood, OnCPU, on_diagonal
from spex_widget.spectrum.arguments import BoolArray, FloatArray

if TYPE_CHECKING:
    import torch

_logger = logging.getLogger(__name__)

_MATRICES = 4  # as large as the kernel, in double precision: no more are held at once
_SHARE = 0.5  # of the free memory that they may take: the model works beside them


def gpu_takes(rows: int, n: int) -> bool:
    """Whether to fit so many rows of n players on the GPU.

    Not where the CPU takes them whole: that is a fraction of a second, and the result is then every machine's. Nor
    where torch is not loaded yet: without a torch model nothing waits for its import.

    Raises
    ------
    RuntimeError
        CUDA's, where it is out of order.
    """
    if rows <= OnCPU.LEARNT_FROM or "torch" not in sys.modules:
        return False
    import torch  # at once, or when the thread that is loading it has done so

    if not torch.cuda.is_available():
        return False
    used = min(rows, OnGPU.MOST_ROWS)
    needed = 8 * _MATRICES * used * (used + n)
    free, _ = torch.cuda.mem_get_info()
    free += torch.cuda.memory_reserved() - torch.cuda.memory_allocated()  # what torch keeps for its next tensors
    if needed <= _SHARE * free:
        return True
    _logger.info("the process leaves the GPU alone: of %.1f GB free it needs %.1f", free / 1e9, needed / 1e9)
    return False


class OnGPU(Likelihood):
    """With torch, on the current CUDA device.

    Single precision is for the factorisation alone. Products are in double: torch may be set to make single ones with
    the ten bits of TF32, and the gradient cancels to less than they hold.

    Raises
    ------
    RuntimeError
        From any method: torch's, of memory as a rule.
    """

    LEARNT_FROM = 4000
    MOST_ROWS = 16_000
    _DEVICE: ClassVar[str] = "cuda"

    def __init__(self, coalitions: BoolArray, y: FloatArray) -> None:
        import torch

        self._z = 1 - 2 * torch.tensor(coalitions, device=self._DEVICE).double()
        self._y = torch.tensor(y, device=self._DEVICE)

    def gradient(self, logs: FloatArray) -> FloatArray | None:
        """From one factorisation of the kernel."""
        import torch

        z, y = self._z[: self.LEARNT_FROM], self._y[: self.LEARNT_FROM].float()
        prior = _kernel(z, logs).float()
        noisy = prior.clone()
        noisy.diagonal().add_(on_diagonal(logs))
        factor, failed = torch.linalg.cholesky_ex(noisy)
        if failed:
            return None
        dual = torch.cholesky_solve(y.reshape(len(y), -1), factor)
        # 2 ∂L/∂θ = Σ (dual dualᵀ / outputs − K⁻¹) ∘ ∂K/∂θ
        pull = dual @ dual.T / dual.shape[1] - torch.cholesky_inverse(factor)
        by_noise = pull.trace()
        pull = (pull * prior).double()
        by_scale = pull.sum()
        by_rates = ((pull @ z) * z).sum(dim=0) - by_scale
        found = torch.cat([by_rates, torch.stack([by_scale, by_noise])]).cpu().numpy()
        return np.asarray(found / 2 * np.exp(np.append(logs[:-2], [0.0, logs[-1]])))

    def dual(self, logs: FloatArray) -> FloatArray:
        """By Cholesky's factor."""
        import torch

        factor = torch.linalg.cholesky(self._noisy(logs))
        found = torch.cholesky_solve(self._y.reshape(len(self._y), -1), factor)
        return np.asarray(found.reshape(self._y.shape).cpu().numpy())

    def _noisy(self, logs: FloatArray) -> torch.Tensor:
        noisy = _kernel(self._z, logs)
        noisy.diagonal().add_(on_diagonal(logs))
        return noisy


def _kernel(z: torch.Tensor, logs: FloatArray) -> torch.Tensor:
    """The kernel between rows of signs (m, n), without the noise: (m, m) in double precision."""
    import torch

    rates = np.exp(logs[:-2])
    found = (z * torch.tensor(rates, device=z.device)) @ z.T
    return found.add_(float(logs[-2] - rates.sum())).exp_()
