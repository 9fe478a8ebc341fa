"""Tree ensembles as sparse spectra, exactly.

A leaf is reached where each player on its path is on its side: its value times ∏ (1 ± z_i) / 2, z = 1 − 2x, the sign +
on the left (x_i = 0). Multiplied out, a leaf of depth d adds ± value / 2^d to each of the 2^d subsets of its players
(Butler et al., ProxySPEX, NeurIPS 2025; there by recursion over nodes, here over all leaves at once).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spex_widget.spectrum.arguments import FloatArray
from spex_widget.spectrum.sets import IntArray, all_subsets
from spex_widget.spectrum.sparse import SparseSpectrum


@dataclass(frozen=True, eq=False)
class Leaves:
    """The leaves of an ensemble whose prediction is the sum of one leaf a tree.

    Parameters
    ----------
    players : ndarray of shape (L, d), int32
        The players on each leaf's path, ascending, padded with n.
    sides : ndarray of shape (L, d), float64
        +1 where the path goes left (absent), −1 where it goes right (present), +1 as padding.
    values : ndarray of shape (L,), float64
    """

    players: IntArray
    sides: FloatArray
    values: FloatArray

    def spectrum(self, n: int) -> SparseSpectrum:
        """The ensemble's exact spectrum over n players."""
        depth = (self.players < n).sum(axis=1)
        subsets, leaf = all_subsets(self.players, n)
        # The sign of a subset is the product of its players' sides on that leaf's path.
        side_of = np.ones((len(self.values), n + 1), dtype=np.int8)
        np.put_along_axis(side_of, self.players.astype(np.int64), self.sides.astype(np.int8), axis=1)
        signs = np.ones(len(subsets))
        for column in subsets.T:
            signs *= side_of[leaf, column]
        return SparseSpectrum.from_terms(n, subsets, signs * (self.values / 2.0**depth)[leaf])


def lightgbm_leaves(model: str, n: int) -> Leaves:
    """The leaves of a LightGBM model over n players given as 0 and 1, read from `Booster.model_to_string()`.

    Raises
    ------
    ValueError
        If the model has linear leaves or categorical splits, which have no such expansion here, or its prediction is
        not one sum of trees (several classes, a random forest).
    """
    header, *trees = model.split("\nTree=")
    if "\nnum_tree_per_iteration=1\n" not in header or "\naverage_output" in header:
        raise ValueError("only a sum of trees is read as a spectrum here, neither several classes nor a random forest")
    return _walk([_Tree(block) for block in trees], n)


class _Tree:
    """One tree of the text: its splits and leaf values."""

    def __init__(self, block: str) -> None:
        if re.search(r"^(is_linear=1|num_cat=[1-9])", block, re.MULTILINE):
            raise ValueError("linear leaves and categorical splits have no exact spectrum here; fit plain trees")
        fields = dict(line.split("=", 1) for line in block.split("\n\n", 1)[0].splitlines() if "=" in line)

        def numbers(name: str, dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
            return np.array(fields.get(name, "").split(), dtype=dtype)

        self.feature = numbers("split_feature", np.int32)
        self.left = numbers("left_child", np.int32)
        self.right = numbers("right_child", np.int32)
        self.values = numbers("leaf_value", np.float64)


def _walk(trees: list[_Tree], n: int) -> Leaves:
    """Follow all paths of all trees at once, a level at a time."""
    first_node = np.cumsum([0] + [len(t.feature) for t in trees])
    first_leaf = np.cumsum([0] + [len(t.values) for t in trees])

    def joined(name: str) -> IntArray:
        # A child below 0 is the leaf ~child; leaves of the whole ensemble are numbered likewise.
        parts = [
            np.where(getattr(t, name) >= 0, getattr(t, name) + node, getattr(t, name) - leaf)
            for t, node, leaf in zip(trees, first_node, first_leaf, strict=False)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    children = np.stack([joined("left"), joined("right")])
    feature = np.concatenate([t.feature for t in trees]) if trees else np.zeros(0, dtype=np.int32)
    values = np.concatenate([t.values for t in trees]) if trees else np.zeros(0)

    grown = np.array([len(t.feature) > 0 for t in trees], dtype=bool)
    at = first_node[:-1][grown]
    players, sides = np.zeros((len(at), 0), dtype=np.int32), np.zeros((len(at), 0))
    # A tree without a split is a leaf with an empty path.
    stumps = first_leaf[:-1][~grown]
    done = [(stumps, np.zeros((len(stumps), 0), dtype=np.int32), np.zeros((len(stumps), 0)))]
    while len(at):
        players = np.tile(np.column_stack([players, feature[at]]), (2, 1))
        side = np.repeat([1.0, -1.0], len(at))
        sides = np.column_stack([np.tile(sides, (2, 1)), side])
        at = children[:, at].ravel()
        leaf = at < 0
        done.append((~at[leaf], players[leaf], sides[leaf]))
        at, players, sides = at[~leaf], players[~leaf], sides[~leaf]

    depth = max(p.shape[1] for _, p, _ in done)
    leaves = np.concatenate([index for index, _, _ in done])
    all_players = np.concatenate([np.pad(p, ((0, 0), (0, depth - p.shape[1])), constant_values=n) for _, p, _ in done])
    all_sides = np.concatenate([np.pad(s, ((0, 0), (0, depth - s.shape[1])), constant_values=1.0) for _, _, s in done])
    return _canonical(all_players, all_sides, values[leaves], n)


def _canonical(players: IntArray, sides: FloatArray, values: FloatArray, n: int) -> Leaves:
    """Players ascending and once each; a path that asks for both sides of one player reaches nothing."""
    order = np.argsort(players, axis=1, kind="stable")
    players, sides = np.take_along_axis(players, order, axis=1), np.take_along_axis(sides, order, axis=1)
    again = np.zeros(players.shape, dtype=bool)
    again[:, 1:] = (players[:, 1:] == players[:, :-1]) & (players[:, 1:] < n)
    both = np.zeros(players.shape, dtype=bool)
    both[:, 1:] = again[:, 1:] & (sides[:, 1:] != sides[:, :-1])
    possible = ~both.any(axis=1)
    players = np.where(again, n, players)
    sides = np.where(again, 1.0, sides)
    order = np.argsort(players, axis=1, kind="stable")
    players, sides = np.take_along_axis(players, order, axis=1), np.take_along_axis(sides, order, axis=1)
    return Leaves(players[possible].astype(np.int32), sides[possible], values[possible])
