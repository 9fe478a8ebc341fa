"""What a person asks of the model itself, beside the run."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.games import Game
from spex_widget.report import Result
from spex_widget.session.arguments import check_players
from spex_widget.session.flipper import Flipper
from spex_widget.session.prober import Prober
from spex_widget.session.verifier import Verifier
from spex_widget.session.verify import MOST_PLAYERS, Verification
from spex_widget.snapshot import Flip, Measured
from spex_widget.spectrum.arguments import FloatArray, check_coalitions, check_count


class Asking(ABC):
    """The verbs of a session that have the model answer: each goes ahead of the queue, and is logged.

    Neither the surrogate nor R² nor an interval is made from any of it: those know uniform ablations alone.
    """

    game: Game
    _prober: Prober
    _verifier: Verifier
    _flipper: Flipper

    @property
    @abstractmethod
    def result(self) -> Result:
        """What is known now; RuntimeError where nothing is."""

    @abstractmethod
    def _turn(self, states: dict[str, str]) -> None:
        """Obey a person."""

    def probe(self, coalition: npt.ArrayLike) -> FloatArray:
        """Ask the model itself, ahead of the queue.

        What the log has a value for costs nothing. Snapshots show the newest probes.

        Parameters
        ----------
        coalition : array_like of shape (n,) or (k, n), bool

        Returns
        -------
        ndarray of shape (outputs,) or (k, outputs), float64
            Logged, but kept out of the surrogate and of R².

        Raises
        ------
        ValueError
            If it is no coalition of the game's players.
        Exception
            What the game raised; the run goes on.

        Examples
        --------
        >>> from spex_widget import FunctionGame, Session
        >>> game = FunctionGame(lambda x: 1.0 * (x[:, 0] & x[:, 1]), 3)
        >>> session = Session(game, log=getfixture("tmp_path") / "log")
        >>> session.probe([True, True, False])
        array([1.])
        """
        rows = check_coalitions(coalition, self.game.n)
        values = self._prober.ask(rows) if len(rows) else np.empty((0, len(self.game.outputs)))
        return values[0] if np.ndim(coalition) == 1 else values

    def start_probing(self, coalitions: npt.ArrayLike) -> None:
        """`probe` and return at once: snapshots have the values, and say why there are none where there are none.

        Raises
        ------
        ValueError
            As `probe`.
        """
        self._prober.start(check_coalitions(coalitions, self.game.n))
        self._turn({})

    def smallest_flip(self, threshold: float | None = None) -> Flip:
        """Find the smallest ablation that takes the output across a threshold, from where it is with all present.

        It is searched on the surrogate, size by size, and the model is asked about the best few of each size; then
        about each player put back, so that none is needless. Up to two players, and in small games up to any number,
        no set is overlooked by the search; what the surrogate does not know may be. How far it goes:
        `spex_widget.session.flip`.

        Parameters
        ----------
        threshold : float, optional
            By default where the game says that the answer changes (0 for log-odds), and 0 for a contrast, whose weights
            sum to 0; else half way between the model's values with all players and with none.

        Returns
        -------
        Flip
            The players, `ablated`, none where none was found; the model's own `value` without them; whether the model
            has said that none of them is needless, `minimal`; how many ablations it was asked about, `tried`.

        Raises
        ------
        RuntimeError
            If no round has ended yet.
        TypeError, ValueError
            If the threshold is no finite number.
        Exception
            What the game raised, or CancelledError after `stop`, or when another search begins.

        Examples
        --------
        >>> from spex_widget import FunctionGame, Session
        >>> game = FunctionGame(lambda x: 1.0 * (x[:, 0] | x[:, 1]), 3)
        >>> session = Session(game, log=getfixture("tmp_path") / "log")
        >>> session.wait()
        >>> session.smallest_flip(0.5).ablated
        (0, 1)
        """
        checked = _check_threshold(threshold)
        return self._flipper.find(self.result, checked)

    def start_flip(self, threshold: float | None = None) -> None:
        """`smallest_flip` and return at once: snapshots say how far it is, what it found, and why it failed.

        Raises
        ------
        RuntimeError, TypeError, ValueError
            As `smallest_flip`.
        """
        checked = _check_threshold(threshold)
        self._flipper.start(self.result, checked)
        self._turn({})

    def verify(self, top: int = 10, contexts: int = 16) -> Verification:
        """Measure the largest interactions on the model itself, each in fresh contexts.

        For each of the `top` largest interactions of order 2 and more (by BII), its discrete derivative is measured in
        `contexts` uniform contexts of the other players, which takes 2^order ablations each; sets of more than 6
        players are too large. The ablations are logged, and the surrogate never learns from them. A pause does not
        hold them up, and a probe comes in between. How often the verdicts are right: `spex_widget.session.verify`.

        Parameters
        ----------
        top : int
            How many interactions.
        contexts : int
            How many contexts of each, at least 2, beside those in which it was measured before; where there are fewer,
            all of them.

        Returns
        -------
        Verification
            A row each: members, labels, order, effect (the surrogate's), measured, low, high, contexts, verdict.
            From now on `verified` in `result.ranking()` says it as well, where the row's effect has the sign of BII.

        Raises
        ------
        RuntimeError
            If no round has ended yet.
        TypeError, ValueError
            If a number is no whole number, or too small.
        Exception
            What the game raised, or CancelledError after `stop`. What was measured until then stays.
        """
        return self._verifier.verify(lambda: self.result, top, contexts)

    def start_verifying(self, top: int = 10, contexts: int = 16) -> None:
        """`verify` and return at once: snapshots say how far it is, what it found, and why it failed where it did.

        While something is being measured it begins nothing.

        Raises
        ------
        RuntimeError, TypeError, ValueError
            As `verify`.
        """
        self._verifier.start(self.result, top, contexts)
        self._turn({})

    def add_evidence(self, members: Sequence[int], contexts: int = 64) -> Measured:
        """Measure one set on the model in more contexts, beside all those in which it was measured before.

        The surrogate does not learn from them: they say more surely what the model itself does. The interval narrows,
        and all intervals that evidence ever gives of one set hold together at 95 %, however often one looks.

        Parameters
        ----------
        members : sequence of int
            The players, at most 6.
        contexts : int
            How many contexts, at least 2, which take 2^order ablations each; as many as there are, where these are
            fewer.

        Returns
        -------
        Measured
            From all contexts; `targeted` says how many of them were asked for here. `verified` in `result.ranking()`
            goes by it from now on.

        Raises
        ------
        RuntimeError
            If no round has ended yet.
        TypeError, ValueError
            If the members are no players, or too many, or `contexts` is too small.
        Exception
            What the game raised, or CancelledError after `stop`. What was measured until then stays.

        Examples
        --------
        >>> from spex_widget import FunctionGame, Session
        >>> game = FunctionGame(lambda x: 1.0 * (x[:, 0] & x[:, 1]), 3)
        >>> session = Session(game, log=getfixture("tmp_path") / "log")
        >>> session.wait()
        >>> session.add_evidence([0, 1])
        Measured(effect=1.0, low=1.0, high=1.0, contexts=2, targeted=2)
        """
        return self._verifier.add(lambda: self.result, self._check_members(members), _check_contexts(contexts))

    def start_evidence(self, members: Sequence[int], contexts: int = 64) -> None:
        """`add_evidence` and return at once; it waits for its turn where something else is being measured.

        Raises
        ------
        RuntimeError, TypeError, ValueError
            As `add_evidence`.
        """
        self._verifier.start_adding(self.result, self._check_members(members), _check_contexts(contexts))
        self._turn({})

    def _check_members(self, members: Sequence[int]) -> tuple[int, ...]:
        players = tuple(check_players(members, self.game.n))
        if not 1 <= len(players) <= MOST_PLAYERS:
            raise ValueError(
                f"members must be 1 to {MOST_PLAYERS} players, since each context takes 2^order ablations, "
                f"got {len(players)}"
            )
        return players


def _check_contexts(contexts: Any) -> int:
    return check_count(contexts, "contexts", 2)


def _check_threshold(threshold: Any) -> float | None:
    if threshold is None:
        return None
    if isinstance(threshold, bool) or not isinstance(threshold, Real):
        raise TypeError(f"threshold must be a number, got {threshold!r}")
    try:
        value = float(threshold)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"threshold must be a finite number, got {threshold}")
    return value
