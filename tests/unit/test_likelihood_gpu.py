"""The Gaussian process on a GPU: what the CPU finds, from more rows."""

import numpy as np
import pytest
import torch

from process_reference import logarithms, rows
from spex_widget.algorithms import likelihood_gpu
from spex_widget.algorithms.likelihood import OnCPU
from spex_widget.algorithms.likelihood_gpu import OnGPU, gpu_takes
from spex_widget.algorithms.process import fit_process

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: the GPU's process goes untested here"),
]


@pytest.fixture(params=["highest", "high"], ids=["single precision", "TF32"])
def precision(request):
    """Of torch's products, whatever a person has set it to."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(request.param)
    yield
    torch.set_float32_matmul_precision(before)


def function(x):
    return 2.0 * x[:, 0] + (x[:, 1] & x[:, 2]) - (x[:, 3] ^ x[:, 4])


def noisy(x, seed=1):
    return function(x) + 0.3 * np.random.default_rng(seed).normal(size=len(x))


@pytest.mark.usefixtures("precision")
@pytest.mark.parametrize(("m", "n", "noise"), [(2, 2, 0.2), (300, 20, 0.2), (200, 500, 0.01), (1000, 30, 1e-3)])
def test_it_finds_what_numpy_finds(m, n, noise):
    x, y, logs = rows(m, n), np.random.default_rng(1).normal(size=m), logarithms(n, noise=noise)
    here, there = OnCPU(x, y), OnGPU(x, y)
    expected = here.gradient(logs)
    np.testing.assert_allclose(there.gradient(logs), expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(there.dual(logs), here.dual(logs), rtol=0, atol=1e-9 * np.abs(y).max() / noise)


@pytest.mark.usefixtures("precision")
def test_more_rows_are_learnt_from_and_miss_less_and_the_same_again(monkeypatch):
    x, fresh = rows(6000, 40), rows(2000, 40, 9)
    values = noisy(x)
    found, again = fit_process(x, values), fit_process(x, values)
    assert (found.learnt_from, len(found.coalitions)) == (4000, 6000)
    assert found.logs.tobytes() == again.logs.tobytes()
    assert found.dual.tobytes() == again.dual.tobytes()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    here = fit_process(x, values)
    assert (here.learnt_from, len(here.coalitions)) == (1000, 4000)
    missed, missed_here = (np.mean((fit(fresh) - function(fresh)) ** 2) for fit in (found, here))
    assert missed < missed_here


def test_it_holds_no_more_memory_than_it_looks_for():
    x = rows(6000, 40)
    values = noisy(x)
    assert gpu_takes(*x.shape)
    fit_process(x, values)  # after which CUDA's libraries have their own
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    fit_process(x, values)
    looked_for = likelihood_gpu._MATRICES * 8 * 6000 * 6040
    assert 0 < torch.cuda.max_memory_allocated() - before < looked_for
    assert torch.cuda.memory_allocated() == before
