"""Sparse set functions and their exact algebra: arrays in, arrays out."""

from spex_widget.spectrum.indices import index_weights, interactions
from spex_widget.spectrum.sets import all_subsets, group, pad_sets, set_orders
from spex_widget.spectrum.sparse import SparseSpectrum, characters, products
from spex_widget.spectrum.trees import Leaves, lightgbm_leaves
from spex_widget.spectrum.weights import INDICES, check_index

__all__ = [
    "INDICES",
    "Leaves",
    "SparseSpectrum",
    "all_subsets",
    "characters",
    "check_index",
    "group",
    "index_weights",
    "interactions",
    "lightgbm_leaves",
    "pad_sets",
    "products",
    "set_orders",
]
