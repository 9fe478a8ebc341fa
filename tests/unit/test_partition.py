"""Which rows share a pass: against all ways there are of cutting a few rows."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spex_widget.games.model.partition import partition


def cost(lengths, ends, pass_tokens):
    return sum((end - start) * lengths[start] + pass_tokens for start, end in pairwise([0, *ends]))


def every_cut(m):
    for cuts in product([False, True], repeat=m - 1):
        yield [*(i + 1 for i, cut in enumerate(cuts) if cut), m]


rows = st.lists(st.integers(1, 12), min_size=1, max_size=9).map(lambda lengths: np.array(sorted(lengths, reverse=True)))


@given(lengths=rows, pass_tokens=st.floats(0.1, 40))
def test_no_way_of_cutting_costs_less_where_no_batch_is_full(lengths, pass_tokens):
    ends = partition(lengths, 64, 2048, pass_tokens)
    least = min(cost(lengths, cut, pass_tokens) for cut in every_cut(len(lengths)))
    assert cost(lengths, ends, pass_tokens) == pytest.approx(least)


@given(lengths=rows, most_rows=st.integers(1, 9), most_tokens=st.integers(1, 60), pass_tokens=st.floats(0.1, 40))
def test_batches_hold_all_rows_and_no_more_than_they_may(lengths, most_rows, most_tokens, pass_tokens):
    ends = partition(lengths, most_rows, most_tokens, pass_tokens)
    assert ends == sorted(set(ends))
    assert ends[-1] == len(lengths)
    for start, end in pairwise([0, *ends]):
        assert end - start == 1 or (end - start) * lengths[start] <= most_tokens
        assert end - start <= most_rows


@given(lengths=rows, most_rows=st.integers(2, 9), most_tokens=st.integers(12, 60), pass_tokens=st.floats(0.1, 40))
def test_where_batches_are_full_it_costs_little_more(lengths, most_rows, most_tokens, pass_tokens):
    def allowed(cut):
        sizes = [(end - start, lengths[start]) for start, end in pairwise([0, *cut])]
        return all(count <= most_rows and count * size <= most_tokens for count, size in sizes)

    least = min(cost(lengths, cut, pass_tokens) for cut in every_cut(len(lengths)) if allowed(cut))
    assert cost(lengths, partition(lengths, most_rows, most_tokens, pass_tokens), pass_tokens) <= 1.5 * least


def test_rows_of_one_length_are_shared_out_evenly():
    assert partition(np.full(130, 7), 64, 10_000, 50.0) == [43, 86, 130]
    assert partition(np.full(10, 300), 64, 1_000, 50.0) == [2, 5, 7, 10]


@pytest.mark.parametrize(("pass_tokens", "ends"), [(1.0, [1, 2, 3, 4]), (50.0, [2, 4]), (1e6, [4])])
def test_the_dearer_a_pass_the_fewer_there_are(pass_tokens, ends):
    assert partition(np.array([99, 90, 12, 10]), 64, 2048, pass_tokens) == ends
