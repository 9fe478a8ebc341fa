"""What a person has asked of the model beside the run."""

from __future__ import annotations

from dataclasses import dataclass

from spex_widget.spectrum.arguments import BoolArray

KEPT = 64
"""So many of the newest probes are shown: enough for the tables of a few interactions."""


@dataclass(frozen=True, eq=False)
class Probe:
    """The model's own value at one coalition.

    Parameters
    ----------
    coalition : ndarray of shape (n,), bool
    value : float
        Of the output that is explained.
    """

    coalition: BoolArray
    value: float


@dataclass(frozen=True)
class Flip:
    """The smallest ablation found that takes the output across a threshold.

    Parameters
    ----------
    threshold : float
        What the output has to cross.
    searching : bool
        Whether the search is under way.
    ablated : tuple of int
        The players that are ablated, ascending; empty where none was found, or not yet. A search that ends before it
        has found any leaves no flip, so that nobody takes it for one that found none.
    value : float or None
        The model's own value with them ablated.
    minimal : bool
        Whether the model was asked about each of them put back, and none was needless.
    tried : int
        How many ablations the model was asked about.
    """

    threshold: float
    searching: bool = True
    ablated: tuple[int, ...] = ()
    value: float | None = None
    minimal: bool = False
    tried: int = 0


@dataclass(frozen=True)
class Asked:
    """What was asked and answered.

    Parameters
    ----------
    probes : tuple of Probe
        The newest `KEPT`, each coalition once, oldest first.
    pending : int
        How many coalitions the model has yet to answer.
    ablations : int
        How many ablations that has taken, a search for a flip's among them; what the log knew has taken none. The
        surrogate does not learn from them.
    flip : Flip or None
        The newest search; None where there was none of this output.
    error : str
        Why the last question had no answer, in words; empty where it had.
    """

    probes: tuple[Probe, ...] = ()
    pending: int = 0
    ablations: int = 0
    flip: Flip | None = None
    error: str = ""
