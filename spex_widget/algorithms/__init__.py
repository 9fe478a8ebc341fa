"""Algorithms that decide what to ablate next and read the interactions off the values."""

from spex_widget.algorithms.algorithm import R2, Algorithm, Batch, Estimate, Mark
from spex_widget.algorithms.proxyspex import ProxySPEX

__all__ = ["R2", "Algorithm", "Batch", "Estimate", "Mark", "ProxySPEX"]
