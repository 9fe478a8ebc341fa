"""Algorithms that decide what to ablate next and read the interactions off the values."""

from spex_widget.algorithms.algorithm import FIRST, R2, Algorithm, Batch, Estimate, Mark, Output
from spex_widget.algorithms.proxyspex import ProxySPEX
from spex_widget.algorithms.refiners import REFINE

__all__ = ["FIRST", "R2", "REFINE", "Algorithm", "Batch", "Estimate", "Mark", "Output", "ProxySPEX"]
