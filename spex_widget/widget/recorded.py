"""A run of the past in a notebook, without its model."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import traitlets

from spex_widget.algorithms import FIRST
from spex_widget.report import Result
from spex_widget.snapshot import Recording, Snapshot
from spex_widget.widget.view import View, spell_output


class RecordedWidget(View):
    """A recording, shown where it is displayed, its moments to be played, stepped through and scrubbed; see `load`.

    Parameters
    ----------
    run : Recording
        What is shown.

    Attributes
    ----------
    run : Recording
        With the uniform ablations, `run.coalitions` and `run.values`.
    """

    recording = traitlets.Dict().tag(sync=True)
    """dict: the frames of the moments, and the seconds of each from the beginning of the run; set once."""

    def __init__(self, run: Recording) -> None:
        self.run = run
        snapshot = run.snapshot
        output = snapshot.estimate.output if snapshot.estimate is not None else FIRST
        super().__init__(
            run.header,
            snapshot,
            recording={"frames": list(run.frames), "seconds": list(run.seconds)},
            output=spell_output(output, run.header),
            index=snapshot.index,
            max_order=snapshot.max_order,
        )

    def newest(self) -> Snapshot:
        """The last moment."""
        return self.run.snapshot

    @property
    def result(self) -> Result:
        """What was known at the last moment."""
        return Result(self.run.header, self.run.snapshot, lambda _: self.run)

    def wait(self, timeout: float | None = None) -> None:
        """Nothing to wait for: the run is of the past."""

    def _ask_nobody(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise a RuntimeError: the model is not here."""
        raise RuntimeError("this is a recording, and the model is not here; explain(game) asks it")

    pause = resume = stop = add_budget = select = probe = verify = add_evidence = smallest_flip = _ask_nobody

    def __repr__(self) -> str:
        moments = f"{len(self.run.frames)} moment{'s' * (len(self.run.frames) != 1)}"
        known = f", {self.result!r}" if self.run.snapshot.estimate is not None else ""
        return f"RecordedWidget({moments}{known})"


def load(path: str | os.PathLike[str]) -> RecordedWidget:
    """Open a run that `Result.save` wrote, without its model.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    RecordedWidget
        It shows itself where it is displayed; `result` reads as it did when it was saved.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no recording, a broken one, or one of another version. Reading it runs no code, whatever it is.

    Examples
    --------
    >>> import spex_widget as spex
    >>> folder = getfixture("tmp_path")
    >>> game = spex.FunctionGame(lambda x: 1.0 * (x[:, 0] & x[:, 1]), 3, players=["not", "bad", "at all"])
    >>> view = spex.explain(game, log=folder / "log")
    >>> view.wait()
    >>> view.result.save(folder / "why.spex").name
    'why.spex'
    >>> spex.load(folder / "why.spex").result.ranking()[0]["labels"]
    ('not', 'bad')
    """
    return RecordedWidget(Recording.load(path))
