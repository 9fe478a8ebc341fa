"""The refiners: each makes a sparse spectrum of the ablations so far. `stacking` says how much each is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from spex_widget.algorithms.candidates import grow, propose, screen, strongest_singles, union
from spex_widget.algorithms.lasso import fit_lasso
from spex_widget.algorithms.linear import fit_linear
from spex_widget.algorithms.process import fit_process
from spex_widget.algorithms.proxy import fit_trees
from spex_widget.algorithms.ridge import fit_ridge
from spex_widget.spectrum import SparseSpectrum
from spex_widget.spectrum.arguments import BoolArray, FloatArray
from spex_widget.spectrum.sets import IntArray

REFINE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "auto": ("linear", "lasso", "pursuit", "process"),
        "lasso": ("lasso", "pursuit"),
        "process": ("process",),
        "ridge": ("ridge",),
    }
)
"""What `refine=` takes, and the refiners that are stacked then.

- *linear*: ridge regression on the players alone.
- *lasso*: hold-out LASSO on the sets that the trees propose, and their subsets.
- *pursuit*: the same on more sets, found on what the LASSO left over: by a screen of pairs and triples, and by growing
  the sets that it kept.
- *process*: a Gaussian process with a product prior.
- *ridge*: the paper's own, for comparison.
"""

_FEWEST = 32  # rows for trees
_PROPOSED = 400  # sets taken from the trees: twice what the papers find to suffice for R², since the LASSO prunes
_SINGLES = 300  # the players that the LASSO looks at, besides those in the trees' sets
_PURSUED = 150  # pairs, triples, and grown sets, each
_PASSES, _FINAL_PASSES = 2, 4  # of the pursuit: in a round, and at the end
_EXACT = 1e-9  # residuals below this share of the values' range are rounding errors


@dataclass(frozen=True, eq=False)
class Fits:
    """What the refiners made of the same rows.

    Parameters
    ----------
    spectra : mapping of str to SparseSpectrum
        A refiner's name and what it found. "linear" is always among them: a person compares with it.
    rates : ndarray, optional
        Where the process starts from next time.
    """

    spectra: Mapping[str, SparseSpectrum] = field(default_factory=dict)
    rates: FloatArray | None = None


def fit_refiners(
    names: tuple[str, ...],
    coalitions: BoolArray,
    values: FloatArray,
    *,
    seed: int,
    final: bool = False,
    before: FloatArray | None = None,
) -> Fits:
    """Fit refiners to values (m,) at coalitions (m, n).

    Parameters
    ----------
    names : tuple of str
        Which refiners.
    final : bool
        Take more care, and time.
    before : ndarray, optional
        The rates of an earlier fit to some of these rows, from which the process climbs on.
    """
    n = coalitions.shape[1]
    mean, spread = float(values.mean()), float(np.ptp(values))
    constant = SparseSpectrum.from_sets(n, {(): mean})
    if len(values) < 2 or spread == 0:
        return Fits(dict.fromkeys(("linear", *names), constant))
    # In units of their range, so that no square overflows, and none vanishes.
    scaled = (values - mean) / spread
    spectra, rates = _fit_scaled(names, coalitions, scaled, seed, final, before)
    return Fits({name: constant + spread * spectrum for name, spectrum in spectra.items()}, rates)


def _fit_scaled(
    names: tuple[str, ...],
    coalitions: BoolArray,
    values: FloatArray,
    seed: int,
    final: bool,
    before: FloatArray | None,
) -> tuple[dict[str, SparseSpectrum], FloatArray | None]:
    n = coalitions.shape[1]
    spectra = {"linear": fit_linear(coalitions, values)}
    proposed: IntArray = np.zeros((0, 1), dtype=np.int32)
    if len(values) >= _FEWEST and set(names) - {"linear"}:
        trees = fit_trees(coalitions, values, seed=seed)
        proposed = propose(trees, _PROPOSED)
        if "ridge" in names:
            spectra["ridge"] = fit_ridge(coalitions, values, trees)
    elif "ridge" in names:
        spectra["ridge"] = spectra["linear"]
    if "lasso" in names:
        candidates = union(n, proposed, strongest_singles(coalitions, values, _SINGLES))
        spectra["lasso"] = fit_lasso(coalitions, values, candidates, seed=seed)
        spectra["pursuit"] = _pursue(spectra["lasso"], candidates, coalitions, values, seed, final)
    rates = None
    if "process" in names:
        process = fit_process(coalitions, values, before, final=final)
        spectra["process"], rates = process.spectrum(proposed), process.logs
    return spectra, rates


def _pursue(
    fitted: SparseSpectrum, candidates: IntArray, coalitions: BoolArray, values: FloatArray, seed: int, final: bool
) -> SparseSpectrum:
    for _ in range(_FINAL_PASSES if final else _PASSES):
        residuals = values - fitted(coalitions)
        if np.abs(residuals).max() <= _EXACT * np.ptp(values):
            break
        candidates = union(
            fitted.n,
            candidates,
            screen(coalitions, residuals, _PURSUED),
            grow(fitted, coalitions, residuals, _PURSUED),
        )
        fitted = fit_lasso(coalitions, values, candidates, seed=seed)
    return fitted
