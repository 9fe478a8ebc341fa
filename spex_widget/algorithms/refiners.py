"""The refiners: each makes a sparse spectrum of the ablations so far. `stacking` says how much each is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from spex_widget.algorithms.candidates import propose, strongest_singles, union
from spex_widget.algorithms.lasso import fit_lasso
from spex_widget.algorithms.linear import fit_linear
from spex_widget.algorithms.process import Process, fit_process
from spex_widget.algorithms.proxy import fit_trees
from spex_widget.algorithms.pursuit import fit_pursuit
from spex_widget.algorithms.ridge import fit_ridge
from spex_widget.spectrum import SparseSpectrum
from spex_widget.spectrum.arguments import BoolArray, FloatArray

REFINE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "auto": ("linear", "parities", "conjunctions", "lasso", "process"),
        "pursuit": ("parities", "conjunctions"),
        "lasso": ("lasso",),
        "process": ("process",),
        "ridge": ("ridge",),
    }
)
"""What `refine=` takes, and the refiners that are stacked then.

- *linear*: ridge regression on the players alone.
- *parities*: few Fourier coefficients, by matching pursuit from the sets that the trees propose, from screens of all
  pairs and triples, and by growing sets by a player.
- *conjunctions*: the same of few terms of the kind "all of these are present" or "all of them are absent".
- *lasso*: hold-out LASSO on the sets that the trees propose, their subsets, and what the pursuits found.
- *process*: a Gaussian process with a product prior.
- *ridge*: the paper's own, for comparison.
"""

WITHOUT_INTERVALS: Mapping[str, str] = MappingProxyType(
    {"ridge": "With refine='ridge' no interval is shown: those that it would have miss the true effect too often."}
)
"""What `refine=` takes that has no honest intervals, and what to tell a person.

Ridge's 95 % intervals held the truth in .86 to .97 of cases by index, and on the worst of ten games in .73.
"""

_FEWEST = 32  # rows for trees
_FOLDS = 4
_PROPOSED = 250  # sets taken from the trees: more than the papers find to suffice for R²
_CONJOINED = 100  # of them for conjunctions, which are twice as many atoms
_SINGLES = 150  # the players that are looked at by themselves, besides those in the trees' sets
_PURSUITS: Mapping[str, tuple[tuple[str, ...], int]] = MappingProxyType(
    {"parities": (("parity",), _PROPOSED), "conjunctions": (("present", "absent"), _CONJOINED)}
)
"""The kinds of atoms that a pursuit adds up, and how many of the trees' sets it starts from."""


@dataclass(frozen=True, eq=False)
class Fits:
    """What the refiners made of the same rows.

    Parameters
    ----------
    spectra : mapping of str to SparseSpectrum
        A refiner's name and what it found. "linear" is always among them: a person compares with it.
    process : Process, optional
        The process that its spectrum is of, from which the next climbs on.
    """

    spectra: Mapping[str, SparseSpectrum] = field(default_factory=dict)
    process: Process | None = None


def fit_refiners(
    names: tuple[str, ...],
    coalitions: BoolArray,
    values: FloatArray,
    *,
    seed: int,
    final: bool = False,
    before: Process | None = None,
    shared: FloatArray | None = None,
) -> Fits:
    """Fit refiners to values (m,) at coalitions (m, n).

    Parameters
    ----------
    names : tuple of str
        Which refiners.
    final : bool
        Take more care, and time.
    before : Process, optional
        Fitted to some of these rows, from which the process climbs on.
    shared : ndarray of shape (n + 2,), float64, optional
        What `fit_shared` found in the values of all outputs.
    """
    n = coalitions.shape[1]
    mean, spread = float(values.mean()), float(np.ptp(values))
    constant = SparseSpectrum.from_sets(n, {(): mean})
    if len(values) < 2 or spread == 0:
        return Fits(dict.fromkeys(("linear", *names), constant))
    # In units of their range, so that no square overflows, and none vanishes.
    scaled = (values - mean) / spread
    spectra, process = _fit_scaled(names, coalitions, scaled, seed, final, before, shared)
    return Fits({name: constant + spread * spectrum for name, spectrum in spectra.items()}, process)


def cross_fitted(
    names: tuple[str, ...], coalitions: BoolArray, values: FloatArray, *, seed: int
) -> dict[str, FloatArray]:
    """What each refiner says of each row, (m,), when fitted to the rows outside of its fold.

    Of what outputs share nothing is told: it was learnt from all rows.
    """
    said = {name: np.empty(len(values)) for name in names}
    folds = np.arange(len(values)) % _FOLDS
    for fold in range(min(_FOLDS, len(values))):
        out = folds == fold
        fits = fit_refiners(names, coalitions[~out], values[~out], seed=seed)
        for name in names:
            said[name][out] = fits.spectra[name](coalitions[out])
    return said


def _fit_scaled(
    names: tuple[str, ...],
    coalitions: BoolArray,
    values: FloatArray,
    seed: int,
    final: bool,
    before: Process | None,
    shared: FloatArray | None,
) -> tuple[dict[str, SparseSpectrum], Process | None]:
    n = coalitions.shape[1]
    spectra = {"linear": fit_linear(coalitions, values)}
    trees = SparseSpectrum.from_sets(n, {})
    if len(values) >= _FEWEST and set(names) - {"linear"}:
        trees = fit_trees(coalitions, values, seed=seed)
    if "ridge" in names:
        spectra["ridge"] = fit_ridge(coalitions, values, trees) if len(trees) else spectra["linear"]
    alone = strongest_singles(coalitions, values, _SINGLES)
    candidates = union(n, propose(trees, _PROPOSED), alone)
    for name, (kinds, top) in _PURSUITS.items() if {"lasso", *_PURSUITS} & set(names) else ():
        start = union(n, propose(trees, top), alone)
        spectra[name] = fit_pursuit(kinds, coalitions, values, start, final=final)
        candidates = union(n, candidates, spectra[name].members)
    if "lasso" in names:
        spectra["lasso"] = fit_lasso(coalitions, values, candidates, seed=seed)
    process = None
    if "process" in names:
        process = fit_process(coalitions, values, before, shared=shared, final=final)
        spectra["process"] = process.spectrum(candidates)
    return spectra, process
