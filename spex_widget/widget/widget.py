"""The widget: a session in a notebook."""

from __future__ import annotations

import dataclasses
import logging
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

import anywidget
import numpy.typing as npt
import traitlets

from spex_widget.games import Game
from spex_widget.report import Result
from spex_widget.report.static import static_html, static_text
from spex_widget.session import Session, Verification
from spex_widget.session.arguments import Which
from spex_widget.snapshot import FINAL, Snapshot, encode
from spex_widget.spectrum.arguments import FloatArray
from spex_widget.widget.host import answer_beside_cells, publish_display, warn_of_threads

_STATIC = Path(__file__).parent.parent / "static"
_CHECKPOINT = 5.0  # seconds between refreshes of the static output

_logger = logging.getLogger(__name__)


class SpexWidget(anywidget.AnyWidget):
    """A session, shown where it is displayed; `explain` makes one.

    Kernel-owned state is two traits: `header`, sent once, and `frame`, the newest snapshot as bytes (see
    `spex_widget.snapshot.frame`), set whole by the publisher's thread. What a person does comes as messages.

    Beside the live view a static output is displayed, which the live view hides: it is what a notebook shows when it is
    opened without a kernel.

    Parameters
    ----------
    session : Session
        The run to show.
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"

    header = traitlets.Dict().tag(sync=True)
    """dict: labels, text and words of the run, with `uid`, the id of its static output; set once."""

    frame = traitlets.Bytes().tag(sync=True)
    """bytes: the newest snapshot, encoded; empty before the first."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._uid = uuid.uuid4().hex
        self._writing = Lock()  # around every write of a trait: handlers and the publisher run in threads of their own
        self._displayed = False
        self._checkpoint = 0.0
        self._twin_seq = 0
        self._acts: dict[str, Callable[[dict[str, Any]], None]] = {
            "hello": lambda message: None,
            "pause": lambda message: session.pause(),
            "resume": lambda message: session.resume(),
            "stop": lambda message: session.stop(),
            "add_budget": lambda message: session.add_budget(message["ablations"]),
            "verify": lambda message: session.start_verifying(message["top"], message["contexts"]),
        }
        super().__init__(
            header={**dataclasses.asdict(session.header), "uid": self._uid}, frame=encode(session.snapshot())
        )
        warn_of_threads()
        answer_beside_cells(self.comm)
        self.on_msg(self._handle)
        session.subscribe(self._show)

    # From the kernel to the page ----------------------------------------------------------------------------------

    def _show(self, snapshot: Snapshot) -> None:
        frame = encode(snapshot)
        with self._writing:
            self.frame = frame
        final = snapshot.state in FINAL and not snapshot.verifying.chosen
        due = final or monotonic() - self._checkpoint > _CHECKPOINT
        if self._displayed and due:
            self._refresh_twin(snapshot)

    def _refresh_twin(self, snapshot: Snapshot) -> None:
        with self._writing:
            if snapshot.seq > self._twin_seq:
                self._twin_seq, self._checkpoint = snapshot.seq, monotonic()
                publish_display(self._static(snapshot), f"spex-{self._uid}", update=True)

    def _static(self, snapshot: Snapshot) -> dict[str, str]:
        header = self.session.header
        return {
            "text/html": static_html(header, snapshot, self._uid),
            "text/plain": static_text(header, snapshot),
        }

    def _ipython_display_(self, **kwargs: Any) -> None:
        from IPython.display import display

        bundle = self._repr_mimebundle_(**kwargs)
        if bundle is not None:
            data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
            display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]
        publish_display(self._static(self.session.snapshot()), f"spex-{self._uid}", update=False)
        self._displayed = True
        # The run may have ended between that snapshot and now, with nobody told.
        self._refresh_twin(self.session.snapshot())

    # From the page to the kernel ----------------------------------------------------------------------------------

    def _handle(self, _: SpexWidget, message: Any, buffers: list[Any]) -> None:
        """Validate and pass on; the session answers with a snapshot."""
        act = self._acts.get(message.get("type", "")) if isinstance(message, dict) else None
        if act is None:
            _logger.warning("a message from the page was not understood: %r", message)
            return
        try:
            act(message)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            _logger.warning("a message from the page was refused: %r, %s", message, error)

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
        """Explain another output, from the same ablations; see `Session.select`."""
        self.session.select(output)

    def probe(self, coalition: npt.ArrayLike) -> FloatArray:
        """Ask the model itself; see `Session.probe`."""
        return self.session.probe(coalition)

    def verify(self, top: int = 10, contexts: int = 16) -> Verification:
        """Measure the largest interactions on the model itself; see `Session.verify`."""
        return self.session.verify(top, contexts)


def explain(
    game: Game,
    *,
    budget: int | None = None,
    algorithm: str = "proxyspex",
    refine: str = "auto",
    output: Which = 0,
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
    output : int, str, slice, mapping or array_like
        What of the game's outputs is explained first; see `Session.select`.
    seed : int
        Decides, with the game's values, everything that is estimated.
    log : path-like, optional
        Where the ablations are kept; one that exists is continued. By default a new file in the user's cache folder.
    r2, settled, time : float, int, float, optional
        End before the budget is spent, at a round mark: when the lower end of the held-out R² has reached `r2`, when
        the `settled` largest interactions are all settled, or when so many seconds have passed. See `Session`.

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
