"""ProxySPEX in rounds (Butler et al., NeurIPS 2025, arXiv 2505.17495), with several refiners for the refit.

Uniform coalitions are asked for in a fixed order. At each round mark trees are fitted to all values so far and their
exact spectrum proposes sets; the refiners make spectra of them, and these are stacked by how well each had foretold the
ablations that came after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np

from spex_widget.algorithms.algorithm import FIRST, Algorithm, Batch, Estimate, Mark, Output
from spex_widget.algorithms.evidence import Foretold
from spex_widget.algorithms.prequential import Older, held_out_r2
from spex_widget.algorithms.refiners import REFINE, Fits, fit_refiners
from spex_widget.algorithms.rows import Rows
from spex_widget.algorithms.sampling import UniformSampler
from spex_widget.algorithms.stacking import expected_weights, stack, stacking_weights
from spex_widget.spectrum import SparseSpectrum
from spex_widget.spectrum.arguments import BoolArray, FloatArray

_FIRST_MARK = 32
_GROWTH = 1.4  # of a round mark over the last: rounds stay few, all refits together cost about three of the last
_STACKED = "stacked"  # the surrogate among the refiners' names
_WINDOW = 0.6  # R² and the refiners' weights speak of what was fitted to at least this share of the ablations


def round_marks(most: int) -> list[int]:
    """The numbers of ablations, at most `most`, at which rounds end: multiples of 32, each about 1.4 × the last.

    Examples
    --------
    >>> round_marks(500)
    [32, 64, 96, 128, 192, 256, 352, 480]
    """
    marks = []
    mark = _FIRST_MARK
    while mark <= most:
        marks.append(mark)
        mark = max(mark + _FIRST_MARK, _FIRST_MARK * round(_GROWTH * mark / _FIRST_MARK))
    return marks


class ProxySPEX(Algorithm):
    """Trees propose, refiners dispose, round by round.

    What it estimates depends on the seed and the values alone (past 1,000 of them on the device too, see `OnGPU`): not
    on how ablations were batched, in which order they came back, or when it was asked.

    Parameters
    ----------
    n : int
        The number of players.
    refine : str
        A key of `refiners.REFINE`: which refiners make the surrogate.
    seed : int
        Of the coalitions and of the fits.

    Examples
    --------
    >>> algorithm = ProxySPEX(3, seed=0)
    >>> while len(batch := algorithm.ask(5)):
    ...     algorithm.tell(batch, (batch.coalitions[:, :1] & batch.coalitions[:, 2:]) * 4.0)
    >>> estimate = algorithm.finish()
    >>> estimate.exact, estimate.spectrum[0, 2]
    (True, 1.0)
    """

    def __init__(self, n: int, *, refine: str = "auto", seed: int = 0) -> None:
        self.n = n
        self._names = REFINE[refine]
        self.seed = seed
        self._sampler = UniformSampler(n, seed)
        self._rows = Rows(n)
        self._chains: dict[Output, _Chain] = {}
        self._lock = Lock()

    def ask(self, most: int) -> Batch:
        """The next at most `most` coalitions, cut at the next round mark."""
        with self._lock:
            start = self._sampler.drawn
            marks = round_marks(2 * start + 2 * _FIRST_MARK)
            past = sum(mark <= start for mark in marks)
            coalitions = self._sampler.draw(min(most, marks[past] - start))
            self._rows.add(coalitions)
            return Batch(start, past, coalitions)

    def tell(self, batch: Batch, values: FloatArray) -> None:
        """Take the values (k, outputs) of a batch."""
        with self._lock:
            self._rows.fill(batch.start, values)

    def advance(self, output: Output = FIRST, most: int | None = None) -> Estimate | None:
        """Close the next round whose ablations are all in."""
        coalitions, values = self._known(output, most)
        chain = self._chains.get(output, _Chain())
        marks = round_marks(len(values))
        if len(marks) <= chain.round or self._complete(values):
            return None
        mark = marks[chain.round]
        coalitions, values = coalitions[:mark], values[:mark]
        chain = self._fitted(chain, coalitions, values, final=False)
        self._chains[output] = chain = replace(chain, round=chain.round + 1)
        return self._estimate(output, chain)

    def finish(self, output: Output = FIRST, most: int | None = None) -> Estimate | None:
        """Fit once more to everything told, after all rounds that are complete."""
        while self.advance(output, most) is not None:
            pass
        coalitions, values = self._known(output, most)
        chain = self._chains.get(output, _Chain())
        if self._complete(values):
            table = np.empty(len(values))
            table[coalitions @ (1 << np.arange(self.n))] = values
            rounds = len(round_marks(len(values)))
            return Estimate(output, rounds, len(values), SparseSpectrum.from_values(table), exact=True)
        if len(values) < 2:
            return None
        # The rounds never see this fit: with more budget they go on as if it had not been.
        return self._estimate(output, self._fitted(chain, coalitions, values, final=True))

    def _fitted(self, chain: _Chain, coalitions: BoolArray, values: FloatArray, *, final: bool) -> _Chain:
        chain = chain.judged(coalitions, values)
        return chain.fitted(coalitions, values, self._names, seed=self.seed, final=final)

    def _estimate(self, output: Output, chain: _Chain) -> Estimate:
        assert chain.surrogate is not None
        return Estimate(
            output,
            chain.round,
            chain.mark,
            chain.surrogate,
            history=chain.history,
            weights=chain.weights,
            foretold=tuple(part for part in chain.foretold if len(part) > 1),
            notes=chain.notes,
        )

    def _complete(self, values: FloatArray) -> bool:
        return len(values) == 1 << self.n

    def _known(self, output: Output, most: int | None) -> tuple[BoolArray, FloatArray]:
        with self._lock:
            return self._rows.known(output, most)


@dataclass(frozen=True, eq=False)
class _Chain:
    """The rounds of one output: what the refiners found last, and how well each round was foretold."""

    round: int = 0
    mark: int = 0
    fits: Fits = field(default_factory=Fits)
    surrogate: SparseSpectrum | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    guesses: tuple[tuple[int, Mapping[str, FloatArray]], ...] = ()
    foretold: tuple[Foretold, ...] = ()
    elder: Mapping[str, SparseSpectrum] = field(default_factory=dict)
    older: tuple[Mapping[str, FloatArray], ...] = ()
    history: tuple[Mark, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the refiners that speak left out."""
        process = self.fits.process
        left_out = process.left_out(self.mark) if process and "process" in self.weights else ""
        return (left_out,) if left_out else ()

    def judged(self, coalitions: BoolArray, values: FloatArray) -> _Chain:
        """With the ablations since the last mark foretold, before they are learnt from."""
        if self.surrogate is None or len(values) == self.mark:
            return self
        new, seen = coalitions[self.mark :], values[self.mark :]
        guesses = (*self.guesses, (self.mark, {name: s(new) for name, s in self.fits.spectra.items()}))
        older = (*self.older, {name: spectrum(new) for name, spectrum in self.elder.items()})
        foretold = (*self.foretold, Foretold(new, seen, self.surrogate, self.surrogate(new)))
        unjudged = replace(self, guesses=guesses, foretold=foretold, older=older)
        start = unjudged._since(len(values))
        if len(values) - start < _FIRST_MARK or np.ptp(values[start:]) == 0:
            return unjudged
        recent = sum(mark >= start for mark, _ in guesses)
        predicted = np.concatenate([part.predicted for part in foretold[-recent:]])
        ahead = unjudged._ahead(recent, len(values))

        def before(name: str) -> Older | None:
            return Older(np.concatenate([guess[name] for guess in older[-recent:]]), ahead) if ahead else None

        r2 = held_out_r2(values[start:], predicted, before(_STACKED))
        linear = held_out_r2(values[start:], unjudged._guessed("linear", start), before("linear"))
        return replace(unjudged, history=(*self.history, Mark(len(values), r2, linear.value)))

    def _ahead(self, recent: int, rows: int) -> float:
        """How far a fit to these rows is ahead of the newest guesses, as `Older` has it; 0 where none was older."""
        marks = np.log([mark for mark, _ in self.guesses])
        if len(marks) <= recent:
            return 0.0
        sizes = [len(part) for part in self.foretold[-recent:]]
        newer, older = (np.average(m, weights=sizes) for m in (marks[-recent:], marks[-recent - 1 : -1]))
        return float((np.log(rows) - newer) / (newer - older))

    def fitted(
        self, coalitions: BoolArray, values: FloatArray, names: tuple[str, ...], *, seed: int, final: bool
    ) -> _Chain:
        """With all refiners fitted to these rows and stacked by what they had foretold of the newest."""
        fits = fit_refiners(names, coalitions, values, seed=seed, final=final, before=self.fits.process)
        if self.guesses:
            start = self._since(len(values))
            weights = stacking_weights(names, {name: self._guessed(name, start) for name in names}, values[start:])
        else:
            weights = expected_weights(names)
        chosen = {name: float(weight) for name, weight in zip(names, weights, strict=True) if weight > 0}
        surrogate = stack(fits.spectra, chosen, float(values.mean()))
        # What these will be compared with, when the next round is foretold.
        elder = {} if self.surrogate is None else {_STACKED: self.surrogate, "linear": self.fits.spectra["linear"]}
        return replace(self, mark=len(values), fits=fits, surrogate=surrogate, weights=chosen, elder=elder)

    def _since(self, rows: int) -> int:
        """The first mark in the window, or else the last that a round's worth of rows follows."""
        marks = [mark for mark, _ in self.guesses]
        enough = [mark for mark in marks if mark <= rows - _FIRST_MARK] or marks[:1]
        return next((mark for mark in enough if mark >= _WINDOW * rows), enough[-1])

    def _guessed(self, name: str, start: int) -> FloatArray:
        """What a refiner had foretold of all rows from a mark on."""
        return np.concatenate([guess[name] for mark, guess in self.guesses if mark >= start])
