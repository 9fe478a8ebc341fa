r"""A Gaussian process on coalitions whose prior is a product over players, and its spectrum in closed form.

With z = 1 − 2x, the kernel is :math:`k(z, z') = s \exp(\sum_i a_i (z_i z'_i - 1))`: a Fourier coefficient F(S) has
the prior variance :math:`s\,c \prod_{i \in S} \tanh a_i` with :math:`c = \prod_i e^{-a_i} \cosh a_i`. So a set is
expected to matter where its players do, and the less the more of them there are: sparsity and hierarchy as a prior,
with one number a player. The a_i, the scale s and a noise level are those of the largest marginal likelihood
(Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 2006, equations 2.30 and 5.9), where the
logarithms of the a_i have Student's prior around their own mean: n free numbers overfit a few hundred rows, and heavy
tails let the few players that matter go their way (R² at 64 rows, the mean of twenty games: .54 with it, .51 with a
normal prior of standard deviation 1).

The outputs of a game share what they have in common: one set of a_i is learnt from all of them, by one factorisation
for all, and in the fit of each the prior's middle is, with even odds, that player's shared a_i or the mean of its own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from spex_widget.algorithms.atoms import literals
from spex_widget.algorithms.candidates import every_set
from spex_widget.algorithms.likelihood import Likelihood, OnCPU, kernel
from spex_widget.algorithms.likelihood_gpu import OnGPU, gpu_takes
from spex_widget.spectrum import SparseSpectrum, characters, group, set_orders
from spex_widget.spectrum.arguments import BoolArray, Float32Array, FloatArray
from spex_widget.spectrum.sets import IntArray, stack_sets

_logger = logging.getLogger(__name__)

_COLD_STEPS, _WARM_STEPS, _FINAL_STEPS = 40, 5, 10  # of Adam: from nothing, and from the optimum of fewer rows
_COLD_UP_TO = 256  # rows: what fewer have found misleads more than it helps
_RATE = 0.2
_DECAYS = 0.9, 0.99
_BOUNDS = (-12.0, 3.0)  # of every logarithm
_PRIOR_FREEDOM, _PRIOR_SCALE = 3.0, 1.2  # of Student's prior on the logarithms of the rates
_LEAST = 1e-12  # of the largest value is rounding
_SAME = 1 - 1e-6  # the correlation of outputs that count as one
_READ_OUT = (None, 256, 40, 18, 14, 12)  # how many of the strongest players to read out all sets of 1, 2, … 6 of
_KEPT = 1000  # coefficients of the read-out at most
_ENERGY = 0.9995  # of the read-out that is kept


@dataclass(frozen=True, eq=False)
class Process:
    """A fitted process.

    Parameters
    ----------
    logs : ndarray of shape (n + 2,), float64
        The logarithms of the a_i, of the scale, and of the noise's variance, for values of variance 1.
    coalitions : ndarray of shape (m, n), bool
        What it was conditioned on.
    dual : ndarray of shape (m,), float64
        The posterior mean is mean + spread · Σ_t dual_t k(·, x_t).
    mean, spread : float
        Of the values.
    learnt_from : int
        How many rows the logarithms were learnt from, the first of those that it was offered.
    """

    logs: FloatArray
    coalitions: BoolArray
    dual: FloatArray
    mean: float
    spread: float
    learnt_from: int

    @property
    def n(self) -> int:
        """The number of players."""
        return int(self.coalitions.shape[1])

    def __call__(self, coalitions: BoolArray) -> FloatArray:
        """The posterior mean (k,) at coalitions (k, n)."""
        here, there = (literals(rows, "parity") for rows in (coalitions, self.coalitions))
        return self.mean + self.spread * (kernel(here, there, self.logs) @ self.dual)

    def left_out(self, rows: int) -> str:
        """What to tell a person where it was offered more rows than it used; "" where it used all."""
        used = len(self.coalitions)
        if rows <= self.learnt_from:
            return ""
        values = "all of them" if rows <= used else f"the first {used:,}"
        return (
            f"The Gaussian process has learnt its settings from the first {self.learnt_from:,} of {rows:,} ablations, "
            f"and its values from {values}."
        )

    def at(self, members: IntArray) -> FloatArray:
        """The posterior mean of F(S) for sets (p, d), (p,) float64."""
        return self._scaled(members, self.dual @ characters(self.coalitions, members))

    def spectrum(self, candidates: IntArray) -> SparseSpectrum:
        """The posterior mean as a sparse spectrum: its largest coefficients among the candidates and sets of its own.

        The sets of its own are all single players, and all sets of two to six of the strongest.
        """
        n = self.n
        strongest = np.argsort(-self.logs[:n], kind="stable")
        blocks = [(candidates, self.at(candidates))]
        for order, count in enumerate(_READ_OUT, 1):
            among = np.sort(strongest[:count]).astype(np.int32)
            sets, sums = _moments(self.coalitions[:, among], self.dual, order)
            blocks.append((among[sets], self._scaled(among[sets], sums)))
        members, which = group(stack_sets(n, *(sets for sets, _ in blocks)), n)
        coefficients = np.empty(len(members))
        coefficients[which] = np.concatenate([values for _, values in blocks])
        coefficients[set_orders(members, n) == 0] = 0.0
        largest = np.argsort(-np.abs(coefficients), kind="stable")[:_KEPT]
        energy = np.cumsum(coefficients[largest] ** 2)
        kept = largest[: 1 + int(np.searchsorted(energy, _ENERGY * energy[-1]))]
        constant = self.mean + float(self.at(np.full((1, 1), n))[0])
        return SparseSpectrum.from_terms(n, members[kept], coefficients[kept], constant)

    def _scaled(self, members: IntArray, sums: FloatArray) -> FloatArray:
        """The prior variances of F(S) times Σ_t dual_t χ_S(x_t), in the units of the values."""
        rates = np.exp(self.logs[: self.n])
        shares = np.append(np.tanh(rates), 1.0)[members].prod(axis=1)
        # Σ log cosh a − a, in which nothing overflows.
        constant = np.exp(self.logs[self.n] + (np.log1p(np.exp(-2 * rates)) - np.log(2)).sum())
        return np.asarray(self.spread * constant * shares * sums)


def _moments(coalitions: BoolArray, weights: FloatArray, order: int) -> tuple[IntArray, FloatArray]:
    """Σ_t weights_t χ_S(x_t) for all sets of so many players: the sets (p, order) and the sums (p,).

    A character is a product of two of about half the order, so that all sums are one matrix product.
    """
    n = coalitions.shape[1]
    left, right = every_set(n, (order + 1) // 2), every_set(n, order // 2)
    table = (characters(coalitions, left) * weights[:, None]).T @ characters(coalitions, right)
    ascending = left[:, -1:] < right[:, 0] if order > 1 else np.ones(table.shape, dtype=bool)
    row, column = np.nonzero(ascending)
    return np.concatenate([left[row], right[column]], axis=1), table[row, column]


def fit_process(
    coalitions: BoolArray,
    values: FloatArray,
    before: Process | None = None,
    *,
    shared: FloatArray | None = None,
    final: bool = False,
) -> Process:
    """Fit a process to values (m,), not all equal, at coalitions (m, n).

    Parameters
    ----------
    coalitions : ndarray of shape (m, n), bool
    values : ndarray of shape (m,), float64
    before : Process, optional
        Fitted to fewer rows; few steps from its logarithms do then.
    shared : ndarray of shape (n + 2,), float64, optional
        What `fit_shared` found.
    final : bool
        Take more of them.

    Notes
    -----
    Of many rows, the first teach the hyperparameters, and more of them the posterior mean: as many as the device does
    in a round's time (`Likelihood`). Rows come in random order, so the first are as good as any. The result of a GPU,
    which takes over where there are more rows than the CPU learns from, differs from the CPU's: by the rows that it
    uses, and by rounding.
    """
    try:
        if gpu_takes(*coalitions.shape):
            return _fitted(OnGPU, coalitions, values, before, shared, final)
    except RuntimeError as refusal:  # of memory, as a rule
        _logger.info("the process goes on without the GPU: %s", refusal)
    return _fitted(OnCPU, coalitions, values, before, shared, final)


def fit_shared(coalitions: BoolArray, values: FloatArray, before: FloatArray | None = None) -> FloatArray | None:
    """The logarithms under which several outputs together are likeliest.

    Parameters
    ----------
    coalitions : ndarray of shape (m, n), bool
        At most `OnCPU.LEARNT_FROM`: a prior needs no more.
    values : ndarray of shape (m, outputs), float64
    before : ndarray of shape (n + 2,), float64, optional
        What it was for fewer rows.

    Returns
    -------
    ndarray of shape (n + 2,), float64, or None
        As `Process.logs`; None where fewer than two outputs differ by more than a factor and a constant.
    """
    spread = np.ptp(values, axis=0)
    differ = spread > _LEAST * np.abs(values).max(axis=0)
    y = (values - values.mean(axis=0))[:, differ] / spread[differ]
    y /= y.std(axis=0)
    # A second that is a multiple of the first says nothing new, and would count as evidence.
    y = y[:, ~(np.abs(np.tril(y.T @ y, -1)) > _SAME * len(y)).any(axis=1)]
    if y.shape[1] < 2:
        return None
    likelihood = OnCPU(coalitions, y)
    if before is not None and len(y) > _COLD_UP_TO:
        return _climb(likelihood, before, _WARM_STEPS)
    z = literals(coalitions, "parity")
    guesses = [_first_guess(z, column) for column in y.T.astype(np.float32)]
    return _climb(likelihood, np.log(np.mean(np.exp(guesses), axis=0)), _COLD_STEPS)


def _fitted(
    device: type[Likelihood],
    coalitions: BoolArray,
    values: FloatArray,
    before: Process | None,
    shared: FloatArray | None,
    final: bool,
) -> Process:
    coalitions, values = coalitions[: device.MOST_ROWS], values[: device.MOST_ROWS]
    mean, spread = float(values.mean()), float(values.std()) or 1.0
    y = (values - mean) / spread
    likelihood = device(coalitions, y)
    learnt_from = min(len(y), device.LEARNT_FROM)
    if before is None or learnt_from <= _COLD_UP_TO:
        guess = _first_guess(literals(coalitions[:learnt_from], "parity"), y[:learnt_from].astype(np.float32))
        logs = _climb(likelihood, guess, _COLD_STEPS, shared)
    elif final or len(y) == learnt_from:
        logs = _climb(likelihood, before.logs, _FINAL_STEPS if final else _WARM_STEPS, shared)
    else:  # past so many rows a round learns no more of them: it would be from those of the round before
        logs, learnt_from = before.logs, before.learnt_from
    return Process(logs, coalitions, likelihood.dual(logs), mean, spread, learnt_from)


def _first_guess(z: Float32Array, y: Float32Array) -> FloatArray:
    """Hyperparameters to climb from: rates as the energies of the first-order coefficients."""
    n = z.shape[1]
    energies = (z.T @ y / len(y)).astype(np.float64) ** 2
    rates = 0.15 / n + 0.5 * energies / max(energies.sum(), 1e-12)
    return np.asarray(np.log(np.concatenate([rates, [1.0, 0.1]])))


def _climb(likelihood: Likelihood, logs: FloatArray, steps: int, shared: FloatArray | None = None) -> FloatArray:
    """Climb to the largest likelihood times prior by Adam (Kingma and Ba, 2015)."""
    first, second = np.zeros_like(logs), np.zeros_like(logs)
    for step in range(1, steps + 1):
        gradient = likelihood.gradient(logs)
        if gradient is None:  # too nearly singular for single precision: more noise
            logs = np.append(logs[:-1], logs[-1] + 1)
            continue
        gradient[:-2] += _prior_gradient(logs[:-2], None if shared is None else shared[:-2])
        first = _DECAYS[0] * first + (1 - _DECAYS[0]) * gradient
        second = _DECAYS[1] * second + (1 - _DECAYS[1]) * gradient**2
        move = first / (1 - _DECAYS[0] ** step) / (np.sqrt(second / (1 - _DECAYS[1] ** step)) + 1e-8)
        logs = np.clip(logs + _RATE * move, *_BOUNDS)
    return logs


def _prior_gradient(logs: FloatArray, shared: FloatArray | None = None) -> FloatArray:
    """Of the logarithm of the prior of the rates, in their logarithms (n,)."""
    # Around their mean as it is now: that this moves with each of them is left out, since R² is better so.
    pull, tail = _student(logs - logs.mean())
    if shared is None:
        return pull
    other, other_tail = _student(logs - shared)
    odds = (tail / other_tail) ** ((_PRIOR_FREEDOM + 1) / 2)  # that it belongs to the shared one
    return np.asarray((pull + odds * other) / (1 + odds))


def _student(off: FloatArray) -> tuple[FloatArray, FloatArray]:
    """So far off its middle: the derivative of the logarithm of Student's density, and what that is a power of."""
    off = off / _PRIOR_SCALE
    tail = _PRIOR_FREEDOM + off**2
    return -(_PRIOR_FREEDOM + 1) / _PRIOR_SCALE * off / tail, tail
