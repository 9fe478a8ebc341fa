"""What a live run and a recording share: the traits, and the static output beside the view."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from time import monotonic
from typing import Any

import anywidget
import traitlets

from spex_widget.algorithms import Output
from spex_widget.report.static import static_html, static_text
from spex_widget.session.arguments import check_output, check_players
from spex_widget.snapshot import FINAL, Header, Snapshot, encode
from spex_widget.spectrum import check_index
from spex_widget.widget.host import publish_display, warn_of_threads

_STATIC = Path(__file__).parent.parent / "static"
_CHECKPOINT = 5.0  # seconds between refreshes of the static output


class View(anywidget.AnyWidget):
    """What is known of a game, shown where it is displayed.

    The kernel owns `header` and `frame`, which is set whole. The other traits are a person's, who sets them on the page
    or in Python; they can be observed and linked like any trait of ipywidgets.

    Beside the live view a static output is displayed, which the live view hides: it is what a notebook shows when it is
    opened without a kernel.

    Parameters
    ----------
    header : Header
    snapshot : Snapshot
        What is shown first.
    person : dict
        What the person's traits are at first, where it is not their default.
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"

    header = traitlets.Dict().tag(sync=True)
    """dict: labels, text and words of the run, with `uid`, the id of its static output; set once."""

    frame = traitlets.Bytes().tag(sync=True)
    """bytes: the newest snapshot, encoded; empty before the first."""

    selected: traitlets.List[int] = traitlets.List().tag(sync=True)
    """list of int: the members of the interaction that was chosen, ascending; empty where none was."""

    what_if: traitlets.List[int] = traitlets.List().tag(sync=True)
    """list of int: the players that were taken out, ascending; the model is asked about what is left."""

    output = traitlets.Any(0).tag(sync=True)
    """int, [start, stop], or dict of label to weight: which output is explained.

    A label can be set as well, a slice, or a tuple with a weight for each output; a list of two whole numbers is a
    span, whatever it may be to `select`.
    """

    index = traitlets.Unicode("BII").tag(sync=True)
    """str: the interaction index on screen, one of `spex_widget.spectrum.INDICES`."""

    max_order = traitlets.Int(None, allow_none=True).tag(sync=True)
    """int or None: see `Result.ranking`."""

    def __init__(self, header: Header, snapshot: Snapshot, **person: Any) -> None:
        self._about = header
        self._uid = uuid.uuid4().hex
        self._writing = RLock()
        self._inside = False
        self._untold: list[Any] = []
        self._displayed = False
        self._checkpoint = 0.0
        self._twin_seq = 0
        super().__init__(header={**dataclasses.asdict(header), "uid": self._uid}, frame=encode(snapshot), **person)
        warn_of_threads()

    # Traits -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Write a trait, one thread at a time, and tell those who observe once the lock is let go.

        Handlers of messages and the publisher run in threads of their own, and ipywidgets changes its own state while
        it notifies. Observers may take their time, or set traits of other views that observe this one.
        """
        told: list[Any] = []
        try:
            with self._writing:
                outermost, self._inside = not self._inside, True
                try:
                    yield
                finally:
                    if outermost:
                        self._inside = False
                        told, self._untold = self._untold, told
        finally:
            for change in told:
                super()._notify_observers(change)

    def _notify_observers(self, event: Any) -> None:
        self._untold.append(event)  # by notify_change alone, which is within `_alone`

    def notify_change(self, change: Any) -> None:
        """Tell the page, and then who observes."""
        with self._alone():
            super().notify_change(change)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the page has set."""
        with self._alone():
            super().set_state(sync_data)

    @traitlets.validate("selected", "what_if")
    def _check_players(self, proposal: Any) -> list[int]:
        try:
            return check_players(proposal["value"], len(self._about.players))
        except (TypeError, ValueError) as error:
            raise traitlets.TraitError(f"{proposal['trait'].name}: {error}") from error

    @traitlets.validate("output")
    def _check_output(self, proposal: Any) -> Any:
        try:
            return spell_output(check_output(read_output(proposal["value"]), self._about.outputs), self._about)
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from error

    @traitlets.validate("index")
    def _check_index(self, proposal: Any) -> str:
        try:
            return check_index(proposal["value"])
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from error

    @traitlets.validate("max_order")
    def _check_max_order(self, proposal: Any) -> int | None:
        most: int | None = proposal["value"]
        if most is not None and most < 1:
            raise traitlets.TraitError(f"max_order must be at least 1, or None for any, got {most}")
        return most

    # On the page --------------------------------------------------------------------------------------------------

    def show(self, snapshot: Snapshot) -> None:
        """Show another moment of the run."""
        frame = encode(snapshot)
        with self._alone():
            self.frame = frame
        final = snapshot.state in FINAL and not snapshot.verifying.chosen
        due = final or monotonic() - self._checkpoint > _CHECKPOINT
        if self._displayed and due:
            self._refresh_twin(snapshot)

    def newest(self) -> Snapshot:
        """What there is to be shown now; subclasses say."""
        raise NotImplementedError

    def _refresh_twin(self, snapshot: Snapshot) -> None:
        with self._writing:
            if snapshot.seq > self._twin_seq:
                self._twin_seq, self._checkpoint = snapshot.seq, monotonic()
                publish_display(self._static(snapshot), f"spex-{self._uid}", update=True)

    def _static(self, snapshot: Snapshot) -> dict[str, str]:
        return {
            "text/html": static_html(self._about, snapshot, self._uid),
            "text/plain": static_text(self._about, snapshot),
        }

    def _ipython_display_(self, **kwargs: Any) -> None:
        from IPython.display import display

        bundle = self._repr_mimebundle_(**kwargs)
        if bundle is not None:
            data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
            display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]
        publish_display(self._static(self.newest()), f"spex-{self._uid}", update=False)
        self._displayed = True
        # The run may have ended between that snapshot and now, with nobody told.
        self._refresh_twin(self.newest())


def spell_output(output: Output, header: Header) -> int | list[int] | dict[str, float]:
    """An output as the trait has it: the plainest of what `select` takes.

    Examples
    --------
    >>> header = Header(("a", "b"), ("x", "y", "z"), (), "", "", "", "")
    >>> for terms in (((2, 1.0),), ((1, 1.0), (2, 1.0)), ((0, 1.0), (2, -0.5))):
    ...     spell_output(Output(terms), header)
    2
    [1, 3]
    {'x': 1.0, 'z': -0.5}
    """
    places, weights = zip(*output.terms, strict=True)
    if output.position >= 0:
        return int(output.position)
    if set(weights) == {1.0} and places == tuple(range(places[0], places[-1] + 1)):
        return [places[0], places[-1] + 1]
    return {header.outputs[place]: weight for place, weight in output.terms}


def read_output(given: Any) -> Any:
    """What `select` takes for what the trait is set to: a list of two whole numbers is a span there.

    Examples
    --------
    >>> read_output([1, 3]), read_output("x"), read_output((1, 3))
    (slice(1, 3, None), 'x', (1, 3))
    """
    span = isinstance(given, list) and len(given) == 2 and all(type(end) is int for end in given)
    return slice(*given) if span else given
