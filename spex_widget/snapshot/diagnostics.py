"""Whether a surrogate is what the method counts on: sparse, of low order, hierarchical, faithful. In plain sentences.

The energy of a set is F(S)², its share of the variance under uniform coalitions. Everything but R² is read off the
surrogate, which cannot speak of what it missed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spex_widget.algorithms.algorithm import Estimate
from spex_widget.snapshot.ranked import Ranked
from spex_widget.spectrum import SparseSpectrum, all_subsets, set_orders

MOST = 0.9
"""The share of the energy that a short list should hold."""

MANY = 200
"""More coefficients than this for that share are no short list: the papers find 200 to suffice."""

ABLATIONS_EACH = 4
"""With fewer ablations than this for each of those coefficients they are hardly told apart."""

LOW_ORDER = 3
"""Sets of more players than this are of high order."""

HIGH_SHARE = 0.1
"""The share of the energy from which sets of high order matter."""

HIERARCHICAL = 0.7
"""The share of the interactions, by energy, that should have all their subsets."""

PRESENT = 0.1
"""A subset is there when its coefficient is at least this share of the interaction's, in size."""

FAITHFUL = 0.8
"""A lower held-out R² is low."""

COMPLETE = 0.99
"""From this held-out R² on, hardly anything can be missing."""

GAIN = 0.01
"""The gain in held-out R² over a first-order surrogate from which interactions matter."""

_JUDGED = 1000  # interactions at most, the largest
_CHUNK = 1 << 20  # subsets looked up at a time, about


@dataclass(frozen=True)
class Diagnostics:
    """How a surrogate's energy is spread, and what follows from it.

    Parameters
    ----------
    coefficients : int
        How many sets of order ≥ 1 the surrogate holds; what is but rounding beside the largest is none.
    needed : int
        How many of them, the largest, hold 90 % of the energy.
    energy : tuple of float
        The share of the energy at order 1, 2, …; empty where the surrogate is constant.
    hierarchy : float or None
        The share of the interactions (order ≥ 2, the 1,000 largest, by energy) whose subsets are all there too, each
        with a coefficient at least a tenth as large. None where there are no interactions.
    sentences : tuple of str
        What this and the held-out R² mean, what can be done about what does not hold, and the estimate's own notes.
    remarks : tuple of str
        Those of them that the screen shows: what does not hold, where R² is high enough for the surrogate to speak for
        the game, and the notes.

    Examples
    --------
    >>> from spex_widget.algorithms import FIRST
    >>> spectrum = SparseSpectrum.from_sets(3, {(0,): 2.0, (1,): 1.0, (2,): 0.1, (0, 1): 1.0})
    >>> Diagnostics.of(Estimate(FIRST, 1, 8, spectrum, exact=True))
    Exact: every coalition was evaluated, so this is the game itself.
    Sparse: 3 of 4 coefficients hold 90 % of the energy.
    Of low order: 100 % of the energy is in sets of at most 3.
    Hierarchical: 100 % of the interactions, by energy, have all their subsets.
    """

    coefficients: int
    needed: int
    energy: tuple[float, ...]
    hierarchy: float | None
    sentences: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(cls, estimate: Estimate) -> Diagnostics:
        """Look at what an algorithm knows."""
        ranked = Ranked.of(estimate.spectrum, "Fourier")
        energies = _energies(ranked)
        held = np.cumsum(energies)
        found = cls(
            coefficients=len(energies),
            needed=int((held < MOST * held[-1]).sum() + 1) if len(held) else 0,
            energy=_by_order(ranked),
            hierarchy=_hierarchy(estimate.spectrum, ranked),
        )
        said = [Said("Constant: no ablation moves the surrogate.")]
        if found.needed:
            said = [_on_sparsity(found, estimate), _on_order(found), _on_hierarchy(found, estimate)]
        speaks = estimate.exact or _is_faithful(estimate)
        return replace(
            found,
            sentences=(_on_faith(estimate), *(one.sentence for one in said), *estimate.notes),
            remarks=(*(one.sentence for one in said if speaks and one.acts), *estimate.notes),
        )

    def __repr__(self) -> str:
        return "\n".join(self.sentences)

    def _repr_html_(self) -> str:
        return f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in self.sentences)}</ul>"


def energy_shares(spectrum: SparseSpectrum) -> tuple[float, ...]:
    """The share of the energy at order 1, 2, …; empty where the surrogate is constant.

    Examples
    --------
    >>> energy_shares(SparseSpectrum.from_sets(3, {(): 5.0, (0,): 1.0, (1,): 1.0, (2,): 1.0, (1, 2): 1.0}))
    (0.75, 0.25)
    """
    return _by_order(Ranked.of(spectrum, "Fourier"))


def _energies(ranked: Ranked) -> npt.NDArray[np.float64]:
    """Of each row, in units of the largest: the squares of tiny coefficients would be 0."""
    return (ranked.effects / ranked.effects[:1]) ** 2


def _by_order(ranked: Ranked) -> tuple[float, ...]:
    energies = np.bincount(ranked.orders, _energies(ranked))[1:]
    return tuple((energies / energies.sum()).tolist())


def _hierarchy(spectrum: SparseSpectrum, ranked: Ranked) -> float | None:
    largest = ranked.head(ranked.orders > 1, _JUDGED)
    if not len(largest.effects):
        return None
    chunks = np.cumsum(1 << largest.orders) // _CHUNK
    parts = np.split(np.arange(len(chunks)), np.flatnonzero(np.diff(chunks)) + 1)
    whole = np.concatenate([_whole(spectrum, largest, part) for part in parts])
    energies = _energies(largest)
    return float(energies[whole].sum() / energies.sum())


def _whole(spectrum: SparseSpectrum, ranked: Ranked, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether all subsets of each row but the empty one are there."""
    subsets, row = all_subsets(ranked.members[rows], spectrum.n)
    absent = np.abs(spectrum.at(subsets)) < PRESENT * np.abs(ranked.effects[rows])[row]
    absent &= set_orders(subsets, spectrum.n) > 0
    whole = np.ones(len(rows), dtype=bool)
    whole[row[absent]] = False
    return whole


class Said(NamedTuple):
    """A sentence on one property, and whether it is one to act on: the property does not hold."""

    sentence: str
    acts: bool = False


def _is_faithful(estimate: Estimate) -> bool:
    return estimate.r2 is not None and estimate.r2.value >= FAITHFUL


def _on_faith(estimate: Estimate) -> str:
    if estimate.exact:
        return "Exact: every coalition was evaluated, so this is the game itself."
    if estimate.r2 is None:
        return "Held-out R² is not known: what follows speaks of the surrogate alone."
    r2, linear = estimate.r2, estimate.history[-1].r2_linear
    said = f"held-out R² is {r2.value:.2f} ({r2.low:.2f} to {r2.high:.2f})"
    if not _is_faithful(estimate):
        return (
            f"Not faithful: {said}, so the ranking is a list of leads, and what follows speaks of the surrogate alone. "
            "Give it more ablations (add_budget), or make fewer and larger units."
        )
    if r2.value - linear < GAIN:
        return f"Faithful: {said}; a first-order surrogate's is {linear:.2f}, so interactions matter little here."
    return f"Faithful: {said}, {linear:.2f} without interactions."


def _on_sparsity(found: Diagnostics, estimate: Estimate) -> Said:
    said = f"{found.needed:,} of {found.coefficients:,} coefficients hold {_percent(MOST)} of the energy"
    if found.needed > MANY:
        advice = "Make fewer and larger units, or read FBII with max_order=2: the best approximation of that order."
        return Said(f"Not sparse: {said}, so no short list tells the whole. {advice}", acts=True)
    missing = found.needed * ABLATIONS_EACH - estimate.ablations
    if missing > 0 and not estimate.exact:
        more = 100 * -(-missing // 100)
        few = f"{estimate.ablations:,} ablations hardly tell them apart: add_budget({more})"
        return Said(f"Sparse, but {said}, and {few}.")
    return Said(f"Sparse: {said}.")


def _on_order(found: Diagnostics) -> Said:
    high = sum(found.energy[LOW_ORDER:])
    if high > HIGH_SHARE:
        advice = (
            f"Read FBII with max_order={LOW_ORDER} as the best approximation of that order, not as all that happens."
        )
        said = f"{_percent(high)} of the energy is in sets of more than {LOW_ORDER}"
        return Said(f"Not of low order: {said}. {advice}", acts=True)
    return Said(f"Of low order: {_percent(1 - high)} of the energy is in sets of at most {LOW_ORDER}.")


def _on_hierarchy(found: Diagnostics, estimate: Estimate) -> Said:
    if found.hierarchy is None:
        return Said("No interactions: a sum of single effects.")
    said = f"{_percent(found.hierarchy)} of the interactions, by energy, have all their subsets"
    if found.hierarchy >= HIERARCHICAL:
        return Said(f"Hierarchical: {said}.")
    if estimate.exact:
        return Said(f"Not hierarchical: {said}; but none can be missing here.")
    if estimate.r2 is not None and estimate.r2.value >= COMPLETE:
        return Said(f"Not hierarchical: {said}; but at this R² hardly one can be missing.")
    if _is_faithful(estimate):
        advice = "small ones like these may be missing; probe() what you suspect."
    else:
        advice = "others like these may be missing: give it more ablations (add_budget), and probe() what you suspect."
    return Said(f"Not hierarchical: {said}. Larger sets are found through their parts: {advice}", acts=True)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
