"""The stream of coalitions: uniform, without repeats, decided by the seed."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spex_widget.algorithms.sampling import UniformSampler


def drawn(n, k, seed=0):
    return UniformSampler(n, seed).draw(k)


def distinct(rows):
    return len(np.unique(rows, axis=0))


@pytest.mark.parametrize("n", range(1, 13))
def test_a_small_game_is_drawn_to_its_end_each_coalition_once(n):
    stream = UniformSampler(n, seed=n)
    rows = np.concatenate([stream.draw(k) for k in (1, 3, 1 << n, 1 << n)])
    assert rows.shape == (1 << n, n)
    assert distinct(rows) == 1 << n
    assert stream.draw(5).shape == (0, n)
    assert stream.drawn == 1 << n


@pytest.mark.parametrize("n", [20, 21, 22])
def test_near_the_edge_of_enumeration_nothing_repeats(n):
    # Drawn blindly, a thousand of these would be repeats.
    assert distinct(drawn(n, 70_000)) == 70_000


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from([3, 9, 21, 64, 65, 130]), st.integers(0, 3), st.lists(st.integers(0, 40), max_size=8))
def test_the_stream_does_not_depend_on_how_it_is_cut(n, seed, cuts):
    stream = UniformSampler(n, seed)
    pieces = [stream.draw(k) for k in cuts]
    np.testing.assert_array_equal(np.concatenate([np.zeros((0, n), bool), *pieces]), drawn(n, sum(cuts), seed))


def test_cuts_do_not_matter_where_repeats_are_left_out():
    stream = UniformSampler(21, seed=5)
    pieces = np.concatenate([stream.draw(k) for k in (1, 20_000, 7, 29_992)])
    np.testing.assert_array_equal(pieces, drawn(21, 50_000, seed=5))


@pytest.mark.parametrize("n", [12, 40, 1021, 4096])
def test_players_are_present_half_the_time_and_independently(n):
    m = 2000
    signs = 1 - 2.0 * drawn(n, m, seed=1)
    assert signs.shape == (m, n)
    # Means and pair products of fair signs have standard deviation 1/√m: six of them bound thousands.
    assert np.abs(signs.mean(axis=0)).max() < 6 / np.sqrt(m)
    pairs = signs[:, :40].T @ signs[:, -40:] / m
    pairs = pairs[np.abs(pairs - 1) > 1e-9]
    assert np.abs(pairs).max() < 6 / np.sqrt(m)


@pytest.mark.parametrize("n", [10, 40])
def test_seeds_give_streams_of_their_own(n):
    assert (drawn(n, 50, seed=1) == drawn(n, 50, seed=1)).all()
    assert (drawn(n, 50, seed=1) != drawn(n, 50, seed=2)).any()


@pytest.mark.parametrize(("n", "digest"), [(10, "364f824656b16ae4"), (100, "e60810293ae5a7d1")])
def test_the_stream_is_that_of_older_logs(n, digest):
    # A log that is continued replays its coalitions: a change here must raise the log's schema.
    assert hashlib.sha256(np.packbits(drawn(n, 64)).tobytes()).hexdigest()[:16] == digest
