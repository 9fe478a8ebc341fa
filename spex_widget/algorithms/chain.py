"""The rounds of one output: each is foretold by what came before it, then learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from spex_widget.algorithms.algorithm import R2, Mark
from spex_widget.algorithms.evidence import Foretold
from spex_widget.algorithms.prequential import Older, held_out_r2
from spex_widget.algorithms.refiners import Fits, cross_fitted, fit_refiners
from spex_widget.algorithms.stacking import expected_weights, stack, stacking_weights, weighted
from spex_widget.spectrum import SparseSpectrum
from spex_widget.spectrum.arguments import BoolArray, FloatArray

_STACKED = "stacked"  # the surrogate among the refiners' names
_WINDOW = 0.6  # R² and the refiners' weights speak of what was fitted to at least this share of the ablations
_FEWEST = 32  # ablations that R² is judged by
_FOLDED = 256  # ablations at most that folds are fitted to; of 512, R² is lower by .01 so


@dataclass(frozen=True, eq=False)
class Round:
    """Some ablations, and what had been foretold of them.

    Parameters
    ----------
    mark : int
        How many ablations, those before these, had been learnt from.
    foretold : Foretold
        What the surrogate said.
    guesses : mapping of str to ndarray of shape (k,)
        What each refiner said, and the surrogate.
    older : mapping of str to ndarray of shape (k,)
        What the surrogate and the first-order refiner of the round before would have said; empty where there was none.
    """

    mark: int
    foretold: Foretold
    guesses: Mapping[str, FloatArray]
    older: Mapping[str, FloatArray]

    def __len__(self) -> int:
        return len(self.foretold)


@dataclass(frozen=True, eq=False)
class Chain:
    """What is known of one output after some rounds.

    Parameters
    ----------
    mark : int
        How many ablations have been learnt from.
    fits : Fits
        What the refiners made of them.
    surrogate : SparseSpectrum or None
        Their weighted sum; None before the first fit.
    weights : mapping of str to float
        Of the refiners that speak in it.
    rounds : tuple of Round
        All that has been foretold, oldest first.
    elder : mapping of str to SparseSpectrum
        The surrogate and the first-order refiner of the fit before, which the next round is told of too.
    history : tuple of Mark
        The convergence line, oldest first.
    """

    mark: int = 0
    fits: Fits = field(default_factory=Fits)
    surrogate: SparseSpectrum | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    rounds: tuple[Round, ...] = ()
    elder: Mapping[str, SparseSpectrum] = field(default_factory=dict)
    history: tuple[Mark, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the refiners that speak left out."""
        process = self.fits.process
        left_out = process.left_out(self.mark) if process and "process" in self.weights else ""
        return (left_out,) if left_out else ()

    def judged(self, coalitions: BoolArray, values: FloatArray) -> Chain:
        """With the ablations since the last mark foretold, before they are learnt from."""
        if self.surrogate is None or len(values) == self.mark:
            return self
        new = coalitions[self.mark :]
        foretold = Foretold(new, values[self.mark :], self.surrogate, self.surrogate(new))
        guesses = {name: spectrum(new) for name, spectrum in self.fits.spectra.items()} | {_STACKED: foretold.predicted}
        older = {name: spectrum(new) for name, spectrum in self.elder.items()}
        chain = replace(self, rounds=(*self.rounds, Round(self.mark, foretold, guesses, older)))
        recent = chain._recent(len(values))
        seen = np.concatenate([r.foretold.values for r in recent])
        if len(seen) < _FEWEST or np.ptp(seen) == 0:
            return chain
        ahead = chain._ahead(len(recent), len(values))

        def r2(name: str) -> R2:
            older = Older(np.concatenate([r.older[name] for r in recent]), ahead) if ahead else None
            return held_out_r2(seen, np.concatenate([r.guesses[name] for r in recent]), older)

        return replace(chain, history=(*self.history, Mark(len(values), r2(_STACKED), r2("linear").value)))

    def fitted(
        self,
        coalitions: BoolArray,
        values: FloatArray,
        names: tuple[str, ...],
        *,
        seed: int,
        final: bool,
        shared: FloatArray | None,
    ) -> Chain:
        """With all refiners fitted to these rows and stacked by what they had foretold of the newest.

        At the end of few rows by what they say of each when fitted to others: the newest are too few then, and older
        ones were foretold from too little. In every round that would take three times as long as the fit itself.
        """
        before = self.fits.process
        history = self.history
        fits = fit_refiners(names, coalitions, values, seed=seed, final=final, before=before, shared=shared)
        mean = float(values.mean())
        if final and len(names) > 1 and len(values) <= _FOLDED:
            said = cross_fitted(names, coalitions, values, seed=seed)
            weights = stacking_weights(names, said, values, mean)
            history = self._told_by_folds(values, weighted(said, names, weights, mean))
        elif self.rounds:
            recent = self._recent(len(values))
            foretold = {name: np.concatenate([r.guesses[name] for r in recent]) for name in names}
            weights = stacking_weights(names, foretold, np.concatenate([r.foretold.values for r in recent]), mean)
        else:
            weights = expected_weights(names)
        chosen = {name: float(weight) for name, weight in zip(names, weights, strict=True) if weight > 0}
        surrogate = stack(fits.spectra, chosen, mean)
        elder = {} if self.surrogate is None else {_STACKED: self.surrogate, "linear": self.fits.spectra["linear"]}
        return replace(
            self, mark=len(values), fits=fits, surrogate=surrogate, weights=chosen, elder=elder, history=history
        )

    def _told_by_folds(self, values: FloatArray, predicted: FloatArray) -> tuple[Mark, ...]:
        """The convergence line, R² at its end as the folds have it; its interval holds what was foretold too.

        Of few rows folds miss R² by half as much, but their own interval is too narrow: it is of smaller fits.
        """
        if not self.history or self.history[-1].ablations < len(values):
            return self.history
        last, folded = self.history[-1], held_out_r2(values, predicted)
        r2 = R2(folded.value, min(folded.low, last.r2.low), max(folded.high, last.r2.high))
        return (*self.history[:-1], replace(last, r2=r2))

    def _recent(self, rows: int) -> tuple[Round, ...]:
        """The rounds from the first mark in the window on, or else from the last that enough rows follow."""
        enough = [r.mark for r in self.rounds if r.mark <= rows - _FEWEST] or [self.rounds[0].mark]
        start = next((mark for mark in enough if mark >= _WINDOW * rows), enough[-1])
        return tuple(r for r in self.rounds if r.mark >= start)

    def _ahead(self, recent: int, rows: int) -> float:
        """How far a fit to these rows is ahead of the newest guesses, as `Older` has it; 0 where none was older."""
        if len(self.rounds) <= recent:
            return 0.0
        marks = np.log([r.mark for r in self.rounds])
        sizes = [len(r) for r in self.rounds[-recent:]]
        newer, older = (np.average(m, weights=sizes) for m in (marks[-recent:], marks[-recent - 1 : -1]))
        return float((np.log(rows) - newer) / (newer - older))
