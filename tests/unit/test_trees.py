"""Tree ensembles as spectra: what LightGBM predicts, the spectrum evaluates to."""

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import brute
from spex_widget.algorithms.proxy import fit_trees
from spex_widget.spectrum import lightgbm_leaves, sets

BASE = {"objective": "regression", "verbosity": -1, "num_threads": 1, "deterministic": True, "min_data_in_leaf": 2}
SHAPES = {
    "depth 5": {"max_depth": 5, "num_leaves": 24},
    "any depth": {"max_depth": -1, "num_leaves": 31},
    "deep": {"max_depth": 12, "num_leaves": 200, "min_data_in_leaf": 1},
    "stumps": {"num_leaves": 2},
    "players drawn at random": {"feature_fraction_bynode": 0.4, "bagging_fraction": 0.6, "bagging_freq": 1},
    "dropped trees": {"boosting": "dart"},
    "absolute error": {"objective": "l1"},
}


def train(x, y, trees=30, **parameters):
    return lightgbm.train({**BASE, **parameters}, lightgbm.Dataset(x.astype(np.float32), y), num_boost_round=trees)


def spectrum_of(booster, n):
    return lightgbm_leaves(booster.model_to_string(), n).spectrum(n)


def assert_same_everywhere(booster, n, x):
    np.testing.assert_allclose(
        spectrum_of(booster, n)(x), booster.predict(x.astype(np.float32), raw_score=True), rtol=0, atol=1e-10
    )


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [2, 6, 10])
def test_the_spectrum_is_the_ensemble_on_all_coalitions(n, shape, average):
    rng = np.random.default_rng(n)
    x = rng.random((300, n)) < 0.5
    y = 5 + x @ rng.normal(size=n) + 3 * (x[:, 0] & x[:, 1]) * x[:, -1] + rng.normal(size=300)
    booster = train(x, y, boost_from_average=average, **SHAPES[shape])
    assert_same_everywhere(booster, n, brute.coalitions(n))


@pytest.mark.parametrize("average", [True, False])
def test_a_single_tree_and_none_that_splits(average):
    x = np.random.default_rng(0).random((100, 4)) < 0.5
    assert_same_everywhere(train(x, x[:, 0] + 2.0 * x[:, 1] * x[:, 2], trees=1, boost_from_average=average), 4, x)

    constant = train(x, np.full(100, 0.7), boost_from_average=average)
    assert_same_everywhere(constant, 4, x)
    assert set(brute.as_dict(spectrum_of(constant, 4))) <= {()}


def test_training_that_was_continued():
    x = np.random.default_rng(0).random((200, 5)) < 0.5
    y = x @ np.arange(5.0)
    first = train(x, y, trees=5)
    booster = lightgbm.train(BASE, lightgbm.Dataset(x.astype(np.float32), y), num_boost_round=5, init_model=first)
    assert_same_everywhere(booster, 5, x)


@pytest.mark.parametrize("n", [1021, 4096])
def test_thousands_of_players(n, monkeypatch):
    rng = np.random.default_rng(n)
    x = rng.random((300, n)) < 0.5
    y = x[:, :8] @ rng.normal(size=8) + 2.0 * x[:, :7].all(axis=1)
    booster = train(x, y, trees=10, max_depth=7, num_leaves=60)
    assert_same_everywhere(booster, n, rng.random((200, n)) < 0.5)

    spectrum = spectrum_of(booster, n)
    assert spectrum.max_order == 7
    assert sets.set_keys(spectrum.members, n) is None
    shallow = train(x, y, trees=10, max_depth=4)
    keyed = spectrum_of(shallow, n)
    monkeypatch.setattr(sets, "set_keys", lambda members, n: None)
    np.testing.assert_array_equal(spectrum_of(shallow, n).members, keyed.members)
    np.testing.assert_array_equal(spectrum_of(shallow, n).coefficients, keyed.coefficients)


REFUSED = {
    "linear leaves": ({"linear_tree": True}, "linear leaves"),
    "a random forest": ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "random forest"),
    "several classes": ({"objective": "multiclass", "num_class": 3}, "several classes"),
    "categories": ({"categorical_feature": [0], "max_cat_to_onehot": 1, "min_data_per_group": 1}, "categorical"),
}


@pytest.mark.filterwarnings("ignore:categorical_feature:UserWarning")
@pytest.mark.parametrize("kind", REFUSED)
def test_trees_without_such_a_spectrum_are_refused(kind):
    parameters, match = REFUSED[kind]
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, size=(300, 3)) if kind == "categories" else rng.random((300, 3)) < 0.5
    y = x[:, 0] % 3 if kind != "linear leaves" else x[:, 0] + rng.normal(size=300)
    with pytest.raises(ValueError, match=match):
        spectrum_of(train(x, y, **parameters), 3)


# Trees that LightGBM would hardly grow: a player again and again on one path, on either side.

N = 4
TREES = st.recursive(st.floats(-4, 4), lambda tree: st.tuples(st.integers(0, N - 1), tree, tree), max_leaves=12)


def walk(tree, coalition):
    while isinstance(tree, tuple):
        player, absent, present = tree
        tree = present if coalition[player] else absent
    return tree


def as_text(trees):
    """An ensemble as LightGBM writes it, its inner nodes and leaves numbered from the root down."""
    blocks = ["tree\nversion=v4\nnum_tree_per_iteration=1\nmax_feature_idx=3\n"]
    for k, tree in enumerate(trees):
        features, children, leaves = [], [], []

        def number(node, features=features, children=children, leaves=leaves):
            if not isinstance(node, tuple):
                leaves.append(node)
                return -len(leaves)
            mine = len(features)
            features.append(node[0])
            children.append(None)
            children[mine] = (number(node[1]), number(node[2]))
            return mine

        number(tree)
        fields = {
            "num_leaves": [len(leaves)],
            "num_cat": [0],
            "split_feature": features,
            "left_child": [left for left, _ in children],
            "right_child": [right for _, right in children],
            "leaf_value": leaves,
            "is_linear": [0],
        }
        blocks.append(
            f"Tree={k}\n" + "".join(f"{name}={' '.join(map(repr, of))}\n" for name, of in fields.items()) + "\n"
        )
    return "\n".join(blocks) + "\nend of trees\n\nfeature_importances:\nColumn_0=3\n"


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(TREES, max_size=4))
def test_any_trees_at_all(trees):
    x = brute.coalitions(N)
    spectrum = lightgbm_leaves(as_text(trees), N).spectrum(N)
    np.testing.assert_allclose(spectrum(x), [sum(walk(tree, row) for tree in trees) for row in x], rtol=0, atol=1e-10)


def test_a_path_that_asks_for_both_sides_of_a_player_reaches_nothing():
    text = as_text([(0, (0, 1.0, 99.0), (0, 99.0, (0, 99.0, 3.0)))])
    assert lightgbm_leaves(text, N).values.tolist() == [1.0, 3.0]
    assert brute.as_dict(lightgbm_leaves(text, N).spectrum(N)) == {(): 2.0, (0,): -1.0}


def test_the_proxy_is_the_same_whenever_it_is_fitted():
    rng = np.random.default_rng(0)
    x = rng.random((100, 20)) < 0.5
    y = x @ rng.normal(size=20)
    first, again, other = (fit_trees(x, y, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.members, again.members)
    np.testing.assert_array_equal(first.coefficients, again.coefficients)
    assert len(first) != len(other) or (first.coefficients != other.coefficients).any()
