"""ProxySPEX in rounds (Butler et al., NeurIPS 2025, arXiv 2505.17495), with a hold-out LASSO for the refit.

Uniform coalitions are asked for in a fixed order. At each round mark trees are fitted to all values so far, their exact
spectrum proposes sets, and a LASSO on these, their subsets and all single players gives the surrogate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock

import numpy as np

from spex_widget.algorithms.algorithm import FIRST, Algorithm, Batch, Estimate, Mark, Output
from spex_widget.algorithms.lasso import fit_lasso
from spex_widget.algorithms.prequential import held_out_r2
from spex_widget.algorithms.proxy import fit_trees
from spex_widget.algorithms.rows import Rows
from spex_widget.algorithms.sampling import UniformSampler
from spex_widget.spectrum import SparseSpectrum, all_subsets, group, set_orders
from spex_widget.spectrum.arguments import BoolArray, FloatArray
from spex_widget.spectrum.sets import IntArray

_FIRST_MARK = 32
_GROWTH = 1.25  # of a round mark over the last: rounds stay few, all refits together cost a few of the last
_PROPOSED = 400  # sets taken from the trees: twice what the papers find to suffice for R², since the LASSO prunes
_WINDOW = 0.75  # R² speaks of the surrogates fitted to at least this share of the ablations


def round_marks(most: int) -> list[int]:
    """The numbers of ablations, at most `most`, at which rounds end: multiples of 32, each about 1.25 × the last.

    Examples
    --------
    >>> round_marks(500)
    [32, 64, 96, 128, 160, 192, 256, 320, 384, 480]
    """
    marks = []
    mark = _FIRST_MARK
    while mark <= most:
        marks.append(mark)
        mark = max(mark + _FIRST_MARK, _FIRST_MARK * round(_GROWTH * mark / _FIRST_MARK))
    return marks


class ProxySPEX(Algorithm):
    """Trees propose, a LASSO disposes, round by round.

    What it estimates depends on the seed and the values alone: not on how ablations were batched, in which order they
    came back, or when it was asked.

    Parameters
    ----------
    n : int
        The number of players.
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

    def __init__(self, n: int, *, seed: int = 0) -> None:
        self.n = n
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
        surrogate = self._fit(coalitions, values)
        self._chains[output] = chain = replace(
            chain.judged(coalitions, values),
            round=chain.round + 1,
            mark=mark,
            surrogate=surrogate,
            linear=fit_lasso(coalitions, values, singles(self.n), seed=self.seed),
        )
        return Estimate(output, chain.round, mark, surrogate, history=chain.history)

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
        surrogate = chain.surrogate
        if surrogate is None or len(values) > chain.mark:
            chain, surrogate = chain.judged(coalitions, values), self._fit(coalitions, values)
        return Estimate(output, chain.round, len(values), surrogate, history=chain.history)

    def _complete(self, values: FloatArray) -> bool:
        return len(values) == 1 << self.n

    def _known(self, output: Output, most: int | None) -> tuple[BoolArray, FloatArray]:
        with self._lock:
            return self._rows.known(output, most)

    def _fit(self, coalitions: BoolArray, values: FloatArray) -> SparseSpectrum:
        candidates = singles(self.n)
        spread = np.ptp(values)
        if len(values) >= _FIRST_MARK and spread > 0:
            scaled = (values - values.mean()) / spread
            candidates = propose(fit_trees(coalitions, scaled, seed=self.seed), _PROPOSED)
        return fit_lasso(coalitions, values, candidates, seed=self.seed)


def singles(n: int) -> IntArray:
    """Every single player as a set; (n, 1)."""
    return np.arange(n, dtype=np.int32)[:, None]


def propose(spectrum: SparseSpectrum, top: int) -> IntArray:
    """The `top` sets of largest coefficient, all their subsets, and all single players; (p, d), none of them empty."""
    n = spectrum.n
    largest = np.argsort(-np.abs(spectrum.coefficients), kind="stable")[:top]
    subsets, _ = all_subsets(spectrum.members[largest], n)
    width = max(1, subsets.shape[1])
    both = [np.pad(s, ((0, 0), (0, width - s.shape[1])), constant_values=n) for s in (subsets, singles(n))]
    candidates, _ = group(np.concatenate(both), n)
    return candidates[set_orders(candidates, n) > 0]


@dataclass(frozen=True)
class _Chain:
    """The rounds of one output: the newest surrogates, and how well each foretold the round after it."""

    round: int = 0
    mark: int = 0
    surrogate: SparseSpectrum | None = None
    linear: SparseSpectrum | None = None
    predicted: tuple[tuple[int, FloatArray, FloatArray], ...] = ()
    history: tuple[Mark, ...] = ()

    def judged(self, coalitions: BoolArray, values: FloatArray) -> _Chain:
        """With the ablations since the last mark predicted, before they are learnt from."""
        if self.surrogate is None or self.linear is None:
            return self
        new = coalitions[self.mark :]
        predicted = (*self.predicted, (self.mark, self.surrogate(new), self.linear(new)))
        unjudged = replace(self, predicted=predicted)
        # A round's worth of held-out ablations at the least: on fewer the interval does not cover.
        enough = [mark for mark, _, _ in predicted if mark <= len(values) - _FIRST_MARK]
        if not enough:
            return unjudged
        recent = [part for part in predicted if part[0] >= min(_WINDOW * len(values), enough[-1])]
        seen = values[recent[0][0] :]
        if np.ptp(seen) == 0:
            return unjudged
        r2 = held_out_r2(seen, np.concatenate([part[1] for part in recent]))
        linear = held_out_r2(seen, np.concatenate([part[2] for part in recent]))
        return replace(unjudged, history=(*self.history, Mark(len(values), r2, linear.value)))
