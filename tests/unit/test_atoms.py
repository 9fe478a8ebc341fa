"""Atoms by their definitions, and their spectra against the transform of all coalitions."""

from itertools import product

import numpy as np
import pytest

import brute
from spex_widget.algorithms.atoms import in_fourier, literals
from spex_widget.spectrum import pad_sets, products

N = 5
EVERY = np.array(list(product([False, True], repeat=N)))
SETS = [(0,), (1, 3), (0, 2, 4), (0, 1, 2, 3, 4), ()]
DEFINITIONS = {
    "parity": lambda x, s: (-1.0) ** x[:, s].sum(axis=1),
    "present": lambda x, s: x[:, s].all(axis=1).astype(float),
    "absent": lambda x, s: (~x[:, s].any(axis=1)).astype(float),
}


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_an_atom_is_what_its_name_says(kind):
    columns = products(literals(EVERY, kind), pad_sets(SETS, N))
    assert columns.dtype == np.float32
    for column, s in zip(columns.T, SETS, strict=True):
        np.testing.assert_array_equal(column, DEFINITIONS[kind](EVERY, list(s)))


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_its_spectrum_is_the_same_function(kind):
    amounts = np.array([2.0, -1.0, 0.5, 3.0, 4.0])
    spectrum = in_fourier(N, kind, pad_sets(SETS, N), amounts)
    expected = sum(a * DEFINITIONS[kind](EVERY, list(s)) for a, s in zip(amounts, SETS, strict=True))
    np.testing.assert_allclose(spectrum(EVERY), expected, atol=1e-12)


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_of_no_atoms_the_spectrum_is_empty(kind):
    brute.assert_same(in_fourier(N, kind, np.zeros((0, 2), dtype=np.int32), np.zeros(0)), {})
