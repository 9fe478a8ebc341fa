"""LAPACK by its addresses: what NumPy finds, and other threads go on meanwhile."""

import sys
import threading
import time

import numpy as np
import pytest

from spex_widget.algorithms import lapack

both = pytest.mark.parametrize(("precision", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-12)])
sizes = pytest.mark.parametrize("m", [1, 2, 7, 150])


def a_matrix(m, precision=np.float64):
    """Symmetric, of eigenvalues from 1 to 10."""
    turned, _ = np.linalg.qr(np.random.default_rng(m).normal(size=(m, m)))
    return (turned * np.linspace(1, 10, m) @ turned.T).astype(precision)


def upper_alone(a):
    """With what is not a number below the diagonal."""
    return np.where(np.tri(len(a), k=-1, dtype=bool), np.nan, a).astype(a.dtype)


@both
@sizes
@pytest.mark.parametrize("columns", [(), (1,), (3,)])
def test_it_solves_and_inverts_from_the_upper_triangle_alone(precision, tolerance, m, columns):
    a = a_matrix(m, precision)
    y = np.random.default_rng(1).normal(size=(m, *columns)).astype(precision)
    factor = lapack.cholesky(upper_alone(a))
    before = y.copy()
    found = lapack.solve(factor, y)
    assert (found.dtype, found.shape) == (precision, y.shape)
    np.testing.assert_allclose(found, np.linalg.solve(a.astype(float), y), atol=tolerance)
    np.testing.assert_array_equal(y, before)
    expected = np.triu(np.linalg.inv(a.astype(float)))
    np.testing.assert_allclose(np.triu(lapack.inverse(factor)), expected, atol=tolerance)


@both
@sizes
def test_eigenvalues_ascend_and_eigenvectors_are_columns(precision, tolerance, m):
    a = a_matrix(m, precision)
    values, vectors = lapack.eigh(upper_alone(a))
    assert values.dtype == vectors.dtype == precision
    np.testing.assert_allclose(values, np.linalg.eigvalsh(a.astype(float)), atol=10 * tolerance)
    np.testing.assert_allclose(a @ vectors, vectors * values, atol=10 * tolerance)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(m), atol=tolerance)


@both
def test_what_is_not_positive_definite_is_refused(precision, tolerance):
    with pytest.raises(np.linalg.LinAlgError, match="potrf"):
        lapack.cholesky(np.diag([1, 2, -1]).astype(precision))


@pytest.mark.parametrize(("called", "m"), [(lapack.cholesky, 2000), (lapack.inverse, 1000), (lapack.eigh, 500)])
def test_other_threads_go_on_meanwhile(called, m):
    a, ticks, over = 1.0 + np.eye(m), [], threading.Event()

    def tick():
        while not over.is_set():
            ticks.append(None)
            time.sleep(1e-4)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)  # no thread is made to give way: the call itself must
    ticking = threading.Thread(target=tick)
    try:
        ticking.start()
        time.sleep(0.01)
        before = len(ticks)
        called(a)
        after = len(ticks)
    finally:
        sys.setswitchinterval(interval)
        over.set()
        ticking.join()
    assert after > before
