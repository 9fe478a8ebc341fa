"""The process's linear algebra in NumPy and in torch, here on the CPU: as scikit-learn has it; and which is taken."""

import logging
import subprocess
import sys

import numpy as np
import pytest
import torch

from process_reference import exact_kernel, logarithms, rows, scikit_learn
from spex_widget.algorithms import likelihood as module
from spex_widget.algorithms import process
from spex_widget.algorithms.atoms import literals
from spex_widget.algorithms.likelihood import OnCPU, kernel, on_diagonal
from spex_widget.algorithms.likelihood_gpu import OnGPU, gpu_takes
from spex_widget.algorithms.process import fit_process


class InTorch(OnGPU):
    """What runs on a GPU, on the CPU."""

    _DEVICE = "cpu"


both = pytest.mark.parametrize("device", [OnCPU, InTorch])


def gaussian(m, seed=1):
    return np.random.default_rng(seed).normal(size=m)


# Both are right


@pytest.mark.parametrize("n", [2, 5, 30])
def test_the_kernel_is_what_it_says(n):
    left, right, logs = rows(7, n, 1), rows(9, n, 2), logarithms(n)
    np.testing.assert_allclose(
        kernel(literals(left, "parity"), literals(right, "parity"), logs), exact_kernel(left, right, logs), rtol=1e-5
    )


@both
@pytest.mark.parametrize(("m", "n"), [(20, 2), (60, 8), (40, 60)])
@pytest.mark.parametrize("noise", [0.02, 0.5])
def test_the_gradient_is_that_of_the_likelihood(device, m, n, noise):
    x, y, logs = rows(m, n), gaussian(m), logarithms(n, noise=noise)
    fitted = scikit_learn(logs).fit(1.0 - 2.0 * x, y)

    def likelihood(at):
        theta = np.concatenate([[at[-2]], -at[:-2] / 2, [at[-1]]])
        return fitted.log_marginal_likelihood(theta, clone_kernel=False)

    step = 1e-4
    moves = step * np.eye(n + 2)
    differences = [(likelihood(logs + move) - likelihood(logs - move)) / (2 * step) for move in moves]
    gradient = device(x, y).gradient(logs)
    np.testing.assert_allclose(gradient, differences, rtol=2e-3, atol=2e-3 * np.abs(differences).max())


@both
@pytest.mark.parametrize(("m", "n", "noise"), [(1, 2, 0.2), (30, 4, 0.2), (60, 80, 1e-6)])
def test_the_dual_solves_the_noisy_kernel(device, m, n, noise):
    x, y, logs = rows(m, n), gaussian(m), logarithms(n, noise=noise)
    noisy = exact_kernel(x, x, logs) + on_diagonal(logs) * np.eye(m)
    dual = device(x, y).dual(logs)
    assert dual.dtype == np.float64
    np.testing.assert_allclose(dual, np.linalg.solve(noisy, y), rtol=1e-9, atol=1e-9)


@both
def test_several_outputs_have_the_mean_of_their_gradients_and_a_dual_each(device):
    x, logs = rows(60, 8), logarithms(8, noise=0.1)
    y = np.random.default_rng(3).normal(size=(60, 3)) * [1.0, 0.1, 2.0]
    each = [device(x, column) for column in y.T]
    together = device(x, y)
    expected = np.mean([one.gradient(logs) for one in each], axis=0)
    np.testing.assert_allclose(together.gradient(logs), expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(together.dual(logs).T, [one.dual(logs) for one in each], rtol=1e-9, atol=1e-9)


@both
def test_the_gradient_is_of_the_first_rows_and_the_dual_of_all(device, monkeypatch):
    monkeypatch.setattr(device, "LEARNT_FROM", 20)
    x, y, logs = rows(50, 5), gaussian(50), logarithms(5)
    some, all_of_them = device(x[:20], y[:20]), device(x, y)
    np.testing.assert_array_equal(all_of_them.gradient(logs), some.gradient(logs))
    assert len(all_of_them.dual(logs)) == 50


@both
def test_what_cannot_be_factorised_is_answered_with_more_noise(device, monkeypatch):
    monkeypatch.setattr(module, "_JITTER", -1e-3)
    x = np.repeat(rows(3, 4), 30, axis=0)
    logs = np.append(np.full(4, -1.0), [0.0, -40.0])
    likelihood = device(x, np.ones(90))
    assert likelihood.gradient(logs) is None
    np.testing.assert_allclose(process._climb(likelihood, logs, 3) - logs, [0, 0, 0, 0, 0, 3])


# Torch's is NumPy's but for rounding


@pytest.mark.parametrize(("m", "n", "noise"), [(2, 2, 0.2), (300, 20, 0.2), (200, 500, 0.01), (1000, 30, 1e-3)])
def test_torch_finds_what_numpy_finds(m, n, noise):
    x, y, logs = rows(m, n), gaussian(m), logarithms(n, noise=noise)
    here, there = OnCPU(x, y), InTorch(x, y)
    expected = here.gradient(logs)
    np.testing.assert_allclose(there.gradient(logs), expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(there.dual(logs), here.dual(logs), rtol=0, atol=1e-9 * np.abs(y).max() / noise)


@pytest.mark.parametrize("m", [40, 300, 700])
def test_a_whole_fit_in_torch_is_that_in_numpy(m, monkeypatch):
    # As if they were more rows than NumPy's take: only torch's limits count.
    monkeypatch.setattr(OnCPU, "LEARNT_FROM", 20)
    monkeypatch.setattr(OnCPU, "MOST_ROWS", 20)
    x, fresh = rows(m, 12), rows(300, 12, 9)
    values = 2.0 * x[:, 0] + (x[:, 1] & x[:, 2]) - (x[:, 3] ^ x[:, 4]) + 0.3 * gaussian(m)
    found = on_the_gpu(monkeypatch, InTorch, x, values)
    monkeypatch.undo()
    expected = fit_process(x, values)
    assert len(found.coalitions) == found.learnt_from == m
    np.testing.assert_allclose(found.logs, expected.logs, atol=0.02)
    np.testing.assert_allclose(found(fresh), expected(fresh), atol=0.01 * values.std())


# Which is taken


def on_the_gpu(monkeypatch, device, x, values, before=None):
    monkeypatch.setattr(process, "gpu_takes", lambda rows, n: True)
    monkeypatch.setattr(process, "OnGPU", device)
    return fit_process(x, values, before)


def test_without_a_gpu_it_is_numpy_whatever_the_number_of_rows(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not gpu_takes(100_000, 10)


def with_a_gpu(monkeypatch, free, kept=0):
    """As if there were a GPU with so much memory free, and torch kept some more of it."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free, 80 << 30))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: kept + 1000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 1000)


def test_a_gpu_takes_what_the_cpu_does_not_take_whole(monkeypatch):
    with_a_gpu(monkeypatch, 80 << 30)
    assert [gpu_takes(rows, 10) for rows in (32, 1000, 1001, 10**6)] == [False, False, True, True]


def test_a_gpu_whose_memory_is_short_is_left_to_the_model(monkeypatch, caplog):
    # 3,000 rows and 5,000 players: four times 3,000 × 8,000 numbers of 8 bytes, .77 GB, of 1.54 that must be free.
    with_a_gpu(monkeypatch, 1_535_000_000)
    with caplog.at_level(logging.INFO):
        assert not gpu_takes(3000, 5000)
    assert "of 1.5 GB free it needs 0.8" in caplog.text
    with_a_gpu(monkeypatch, 1_000_000_000, kept=537_000_000)
    assert gpu_takes(3000, 5000)
    # However many the rows are, no more are used than 16,000.
    with_a_gpu(monkeypatch, 17 << 30)
    assert gpu_takes(10**6, 100)


def test_what_the_gpu_refuses_the_cpu_does(monkeypatch, caplog):
    class Short(InTorch):
        def dual(self, logs):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    x = rows(1200, 6)
    values = x @ np.arange(6.0) + gaussian(1200)
    with caplog.at_level(logging.INFO):
        found = on_the_gpu(monkeypatch, Short, x, values)
    monkeypatch.undo()
    expected = fit_process(x, values)
    assert found.learnt_from == 1000
    assert found.logs.tobytes() == expected.logs.tobytes()
    assert found.dual.tobytes() == expected.dual.tobytes()
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "without the GPU: CUDA out of memory" in caplog.text


def test_a_gpu_out_of_order_is_done_without(monkeypatch, caplog):
    def broken():
        raise RuntimeError("CUDA error: unspecified launch failure")

    with_a_gpu(monkeypatch, 80 << 30)
    monkeypatch.setattr(torch.cuda, "mem_get_info", broken)
    x = rows(1200, 6)
    with caplog.at_level(logging.INFO):
        assert fit_process(x, x @ np.arange(6.0)).learnt_from == 1000
    assert "unspecified launch failure" in caplog.text


def test_a_fit_without_a_torch_model_does_not_import_torch():
    code = (
        "import numpy as np, sys\n"
        "from spex_widget.algorithms.process import fit_process\n"
        "x = np.random.default_rng(0).random((1010, 3)) < 0.5\n"
        "print(fit_process(x, 1.0 * x[:, 0]).learnt_from, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1000", "False"]
