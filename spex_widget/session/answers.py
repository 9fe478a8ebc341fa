"""What the model has answered to a person, and what it has yet to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from spex_widget.algorithms import Output
from spex_widget.session.log import Row
from spex_widget.snapshot.asked import KEPT, Asked, Flip, Probe
from spex_widget.spectrum.arguments import BoolArray, FloatArray


class Answers:
    """The newest answers, under the lock of the run.

    Values of all outputs are kept, so that another output that is selected has its probes as well.

    Parameters
    ----------
    rows : iterable of Row
        The probes of a log that is continued, oldest first.

    Attributes
    ----------
    waiting : Counter of bytes
        The coalitions that the model has yet to answer, and which are then shown.
    trying : int
        How many more a search has asked about.
    error : str
        Why the last question had no answer, in words.
    flips : dict of Output to Flip
        The newest search of each output.

    Examples
    --------
    >>> import numpy as np
    >>> answers = Answers([])
    >>> answers.note(np.array([[True, False], [True, True], [True, False]]), np.array([[1.0], [2.0], [1.0]]))
    >>> [probe.value for probe in answers.of(Output(), ablations=3).probes]
    [2.0, 1.0]
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self.waiting: Counter[bytes] = Counter()
        self.trying = 0
        self.error = ""
        self.flips: dict[Output, Flip] = {}
        self._probes: dict[bytes, tuple[BoolArray, FloatArray]] = {}
        for row in rows:
            if row.status == "ok" and row.values is not None:
                self.note(row.coalition[None], row.values[None])

    def note(self, coalitions: BoolArray, values: FloatArray) -> None:
        """Keep the values (k, outputs) of coalitions (k, n) as the newest."""
        for coalition, value in zip(coalitions, values, strict=True):
            key = coalition.tobytes()
            self._probes.pop(key, None)
            self._probes[key] = (coalition, value)
        for key in list(self._probes)[:-KEPT]:
            del self._probes[key]

    def expect(self, coalitions: BoolArray, shown: bool) -> None:
        """The model is asked about coalitions (k, n)."""
        if shown:
            self.waiting.update(row.tobytes() for row in coalitions)
        else:
            self.trying += len(coalitions)

    def end(self, coalitions: BoolArray, shown: bool) -> None:
        """It has answered, or will not."""
        if shown:
            self.waiting -= Counter(row.tobytes() for row in coalitions)
        else:
            self.trying -= len(coalitions)

    def of(self, output: Output, ablations: int) -> Asked:
        """What was asked and answered of one output, in so many ablations."""
        probes = tuple(Probe(coalition, float(output.of(value[None])[0])) for coalition, value in self._probes.values())
        return Asked(probes, self.waiting.total() + self.trying, ablations, self.flips.get(output), self.error)
