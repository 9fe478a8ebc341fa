"""ProxySPEX in rounds (Butler et al., NeurIPS 2025, arXiv 2505.17495), with several refiners for the refit.

Uniform coalitions are asked for in a fixed order. At each round mark trees are fitted to all values so far and their
exact spectrum proposes sets; the refiners make spectra of these and of sets of their own, and are stacked by how well
each had foretold the ablations that came after it.
"""

from __future__ import annotations

from threading import Lock

import numpy as np

from spex_widget.algorithms.algorithm import FIRST, Algorithm, Batch, Estimate, Output
from spex_widget.algorithms.chain import Chain
from spex_widget.algorithms.likelihood import OnCPU
from spex_widget.algorithms.process import fit_shared
from spex_widget.algorithms.refiners import REFINE, WITHOUT_INTERVALS
from spex_widget.algorithms.rows import Rows
from spex_widget.algorithms.sampling import UniformSampler
from spex_widget.spectrum import SparseSpectrum
from spex_widget.spectrum.arguments import BoolArray, FloatArray

_FIRST_MARK = 32
# Of a round mark over the last. Rounds stay few: all refits together cost about two of the last.
_GROWTH, _WIDE_GROWTH = 1.5, 1.75
_WIDE = 256  # players: with more a fit takes tenths of a second


def round_marks(most: int, n: int) -> list[int]:
    """The numbers of ablations, at most `most`, at which rounds end: multiples of 32, each about 1.5 × the last.

    Of more than 256 players 1.75 × the last.

    Examples
    --------
    >>> round_marks(500, 20)
    [32, 64, 96, 128, 192, 288, 448]
    """
    growth = _GROWTH if n <= _WIDE else _WIDE_GROWTH
    marks = []
    mark = _FIRST_MARK
    while mark <= most:
        marks.append(mark)
        mark = max(mark + _FIRST_MARK, _FIRST_MARK * round(growth * mark / _FIRST_MARK))
    return marks


class ProxySPEX(Algorithm):
    """Trees and screens propose, refiners dispose, round by round.

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
        self._without_intervals = WITHOUT_INTERVALS.get(refine, "")
        self.seed = seed
        self._sampler = UniformSampler(n, seed)
        self._rows = Rows(n)
        self._chains: dict[Output, Chain] = {}
        self._learnt: dict[int, FloatArray | None] = {}
        self._lock = Lock()

    def ask(self, most: int) -> Batch:
        """The next at most `most` coalitions, cut at the next round mark."""
        with self._lock:
            start = self._sampler.drawn
            coalitions = self._sampler.draw(min(most, self.mark_after(start) - start))
            self._rows.add(coalitions)
            return Batch(start, len(round_marks(start, self.n)), coalitions)

    def mark_after(self, ablations: int) -> int:
        """The next round mark."""
        return next(mark for mark in round_marks(2 * ablations + 2 * _FIRST_MARK, self.n) if mark > ablations)

    def tell(self, batch: Batch, values: FloatArray) -> None:
        """Take the values (k, outputs) of a batch."""
        with self._lock:
            self._rows.fill(batch.start, values)

    def advance(self, output: Output = FIRST, most: int | None = None) -> Estimate | None:
        """Close the next round whose ablations are all in."""
        coalitions, values = self._known(output, most)
        chain = self._chains.get(output, Chain())
        mark = next((mark for mark in round_marks(len(values), self.n) if mark > chain.mark), None)
        if mark is None or self._complete(values):
            return None
        self._chains[output] = chain = self._fitted(chain, coalitions[:mark], values[:mark], final=False)
        return self._estimate(output, chain)

    def finish(self, output: Output = FIRST, most: int | None = None) -> Estimate | None:
        """Fit once more to everything told, after all rounds that are complete."""
        while self.advance(output, most) is not None:
            pass
        coalitions, values = self._known(output, most)
        chain = self._chains.get(output, Chain())
        if self._complete(values):
            table = np.empty(len(values))
            table[coalitions @ (1 << np.arange(self.n))] = values
            rounds = len(round_marks(len(values), self.n))
            return Estimate(output, rounds, len(values), SparseSpectrum.from_values(table), exact=True)
        if len(values) < 2:
            return None
        # The rounds never see this fit: with more budget they go on as if it had not been.
        return self._estimate(output, self._fitted(chain, coalitions, values, final=True))

    def _fitted(self, chain: Chain, coalitions: BoolArray, values: FloatArray, *, final: bool) -> Chain:
        from threadpoolctl import threadpool_limits

        # Beside a model whose threads keep the processors busy, OpenBLAS's own wait for each other by spinning: a
        # factorisation of a second was seen to take ten minutes. With one, rounding is the same on every machine too.
        with threadpool_limits(1, user_api="blas"):
            chain = chain.judged(coalitions, values)
            shared = self._shared(len(values)) if "process" in self._names else None
            return chain.fitted(coalitions, values, self._names, seed=self.seed, final=final, shared=shared)

    def _shared(self, rows: int) -> FloatArray | None:
        """What the outputs share in the first so many ablations: learnt once, and the same whichever is looked at."""
        rows = min(rows, OnCPU.LEARNT_FROM)
        if rows not in self._learnt:
            marks = round_marks(rows - 1, self.n)
            before = self._shared(marks[-1]) if marks else None
            with self._lock:
                known = self._rows.known(rows)
            self._learnt[rows] = fit_shared(*known, before)
        return self._learnt[rows]

    def _estimate(self, output: Output, chain: Chain) -> Estimate:
        assert chain.surrogate is not None
        return Estimate(
            output,
            len(round_marks(chain.mark, self.n)),
            chain.mark,
            chain.surrogate,
            history=chain.history,
            weights=chain.weights,
            foretold=() if self._without_intervals else tuple(r.foretold for r in chain.rounds if len(r) > 1),
            notes=(*chain.notes, *filter(None, [self._without_intervals])),
        )

    def _complete(self, values: FloatArray) -> bool:
        return len(values) == 1 << self.n

    def _known(self, output: Output, most: int | None) -> tuple[BoolArray, FloatArray]:
        with self._lock:
            coalitions, values = self._rows.known(most)
        return coalitions, output.of(values) if len(values) else np.empty(0)
