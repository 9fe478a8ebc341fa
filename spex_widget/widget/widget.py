"""The widget: a session in a notebook."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.games import Game
from spex_widget.report import Result
from spex_widget.session import Session, Verification
from spex_widget.session.arguments import Which, check_players
from spex_widget.snapshot import Flip, Measured, Snapshot
from spex_widget.spectrum.arguments import BoolArray, FloatArray
from spex_widget.widget.host import answer_beside_cells
from spex_widget.widget.view import View, read_output, spell_output

_logger = logging.getLogger(__name__)


class SpexWidget(View):
    """A session, shown where it is displayed; `explain` makes one.

    The publisher's thread sets `frame`, the newest snapshot as bytes (see `spex_widget.snapshot.frame`). What a person
    does on the page comes as messages, or changes a trait of theirs; setting the trait in Python does the same.

    Parameters
    ----------
    session : Session
        The run to show.

    Examples
    --------
    >>> import spex_widget as spex
    >>> game = spex.FunctionGame(lambda x: 1.0 * (x[:, 0] & x[:, 1]), 3, players=["not", "bad", "at all"])
    >>> view = spex.explain(game, log=getfixture("tmp_path") / "log")
    >>> view.observe(lambda change: print("chosen:", change["new"]), "selected")
    >>> view.selected = [0, 1]  # as a click on that row does
    chosen: [0, 1]
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._acts: dict[str, Callable[[dict[str, Any]], None]] = {
            "hello": lambda message: None,
            "pause": lambda message: session.pause(),
            "resume": lambda message: session.resume(),
            "stop": lambda message: session.stop(),
            "add_budget": lambda message: session.add_budget(message["ablations"]),
            "verify": lambda message: session.start_verifying(message["top"], message["contexts"]),
            "evidence": lambda message: session.start_evidence(message["members"], message["contexts"]),
            "probe": lambda message: session.start_probing(self._without(*message["ablated"])),
            "flip": lambda message: session.start_flip(message["threshold"]),
        }
        super().__init__(session.header, session.snapshot(), output=spell_output(session.output, session.header))
        answer_beside_cells(self.comm)
        self.on_msg(self._handle)
        self.observe(self._select_output, "output")
        self.observe(self._ask_what_if, "what_if")
        self.observe(self._rank_by, ["index", "max_order"])
        session.subscribe(self.show)

    def newest(self) -> Snapshot:
        """The run at this moment."""
        return self.session.snapshot()

    # What a person does -------------------------------------------------------------------------------------------

    def _handle(self, _: SpexWidget, message: Any, buffers: list[Any]) -> None:
        """Validate and pass on; the session answers with a snapshot."""
        kind = message.get("type") if isinstance(message, dict) else None
        act = self._acts.get(kind) if isinstance(kind, str) else None
        if act is None:
            _logger.warning("a message from the page was not understood: %r", message)
            return
        try:
            act(message)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            _logger.warning("a message from the page was refused: %r, %s", message, error)

    def _select_output(self, change: Any) -> None:
        if spell_output(self.session.output, self.session.header) != change["new"]:
            self.session.select(read_output(change["new"]))

    def _ask_what_if(self, change: Any) -> None:
        if change["new"]:
            self.session.start_probing(self._without(change["new"]))

    def _rank_by(self, change: Any) -> None:
        self.session.rank_by(self.index, self.max_order)

    def _without(self, *ablated: Sequence[int]) -> BoolArray:
        """A coalition for each set of players that are ablated."""
        coalitions = np.ones((len(ablated), self.session.game.n), dtype=np.bool_)
        for row, players in zip(coalitions, ablated, strict=True):
            row[check_players(players, self.session.game.n)] = False
        return coalitions

    # The session's own verbs --------------------------------------------------------------------------------------

    @property
    def result(self) -> Result:
        """What is known now; see `Session.result`."""
        return self.session.result

    @property
    def error(self) -> Exception | None:
        """Why the run failed, if it did."""
        return self.session.error

    def __repr__(self) -> str:
        snapshot = self.session.snapshot()
        known = f", {self.result!r}" if snapshot.estimate is not None else ""
        return f"SpexWidget({snapshot.state}, {snapshot.ablations} of {snapshot.budget} ablations{known})"

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run has ended; see `Session.wait`."""
        self.session.wait(timeout)

    def pause(self) -> None:
        """Evaluate nothing more until `resume`."""
        self.session.pause()

    def resume(self) -> None:
        """Go on after a pause, a stop, or a failure."""
        self.session.resume()

    def stop(self) -> None:
        """End at the batch boundary and keep what is known; see `Session.stop`."""
        self.session.stop()

    def add_budget(self, ablations: int) -> None:
        """Allow more ablations; see `Session.add_budget`."""
        self.session.add_budget(ablations)

    def select(self, output: Which) -> None:
        """Explain another output, from the same ablations; see `Session.select`. Afterwards `output` says which."""
        self.session.select(output)
        self.output = spell_output(self.session.output, self.session.header)

    def probe(self, coalition: npt.ArrayLike) -> FloatArray:
        """Ask the model itself; see `Session.probe`."""
        return self.session.probe(coalition)

    def verify(self, top: int = 10, contexts: int = 16) -> Verification:
        """Measure the largest interactions on the model itself; see `Session.verify`."""
        return self.session.verify(top, contexts)

    def add_evidence(self, members: Sequence[int], contexts: int = 64) -> Measured:
        """Measure one interaction in more contexts; see `Session.add_evidence`."""
        return self.session.add_evidence(members, contexts)

    def smallest_flip(self, threshold: float | None = None) -> Flip:
        """Find the smallest ablation that takes the output across a threshold; see `Session.smallest_flip`."""
        return self.session.smallest_flip(threshold)


def explain(
    game: Game,
    *,
    budget: int | None = None,
    algorithm: str = "proxyspex",
    refine: str = "auto",
    output: Which | None = None,
    seed: int = 0,
    log: str | os.PathLike[str] | None = None,
    r2: float | None = None,
    settled: int | None = None,
    time: float | None = None,
) -> SpexWidget:
    """Find out which players of a game act together.

    Returns at once with a widget, which shows itself where it is displayed and streams; `wait()` is for scripts.

    Parameters
    ----------
    game : Game
        What is explained: a `TextGame`, a `FunctionGame`, …
    budget : int, optional
        How many ablations; min(2^n, clip(4 n log₂ n, 256, 4000)) by default. Where it reaches 2^n, the result is exact.
    algorithm : {"proxyspex"}
        How coalitions are chosen and the surrogate is learnt.
    refine : {"auto", "pursuit", "lasso", "process", "ridge"}
        How the proxy's proposals become a surrogate.
    output : int, str, slice, mapping or array_like, optional
        What of the game's outputs is explained first; see `Session.select`. The first by default; of an `Answer`, all.
    seed : int
        Decides, with the game's values, everything that is estimated.
    log : path-like, optional
        Where the ablations are kept; one that exists is continued. By default a new file in the user's cache folder.
    r2, settled, time : float, int, float, optional
        End before the budget is spent, at a round mark: when the lower end of the held-out R² has reached `r2`, when
        the `settled` largest interactions are all settled (or all, where there are fewer and R² is at least .99), or
        when so many seconds have passed. See `Session`.

    Returns
    -------
    SpexWidget

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or out of range.

    Examples
    --------
    >>> import spex_widget as spex
    >>> game = spex.FunctionGame(lambda x: 1.0 * (x[:, 0] & x[:, 1]), 3, players=["not", "bad", "at all"])
    >>> view = spex.explain(game, log=getfixture("tmp_path") / "log")
    >>> view.wait()
    >>> view.result.ranking()[0]["labels"]
    ('not', 'bad')
    """
    session = Session(
        game,
        budget=budget,
        algorithm=algorithm,
        refine=refine,
        output=output,
        seed=seed,
        log=log,
        r2=r2,
        settled=settled,
        time=time,
    )
    return SpexWidget(session)
