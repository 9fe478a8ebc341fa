"""What evaluating took: rows, passes, tokens and seconds."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Work:
    """What a game has taken so far; adds up, and what was taken before can be subtracted.

    Parameters
    ----------
    rows : int
        Inputs that were asked for.
    evaluated : int
        Those that went through the model; the others were equal to one of them.
    passes : int
        Passes through the model, or through its encoder or decoder where it has both.
    tokens : int
        Tokens in all passes, each shared prefix counted once.
    padding : int
        Tokens of padding beside them.
    forward_seconds, other_seconds : float
        Time within the model's forward (on a CUDA device the device's own time), and all the rest of a call.

    Examples
    --------
    >>> (Work(rows=3, evaluated=2) + Work(rows=1, evaluated=1)).deduplicated
    1
    >>> (Work(rows=3, evaluated=2) - Work(rows=1, evaluated=1)).rows
    2
    """

    rows: int = 0
    evaluated: int = 0
    passes: int = 0
    tokens: int = 0
    padding: int = 0
    forward_seconds: float = 0.0
    other_seconds: float = 0.0

    @property
    def deduplicated(self) -> int:
        """The rows that were answered without a pass of their own."""
        return self.rows - self.evaluated

    def __add__(self, other: Work) -> Work:
        return Work(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def __sub__(self, other: Work) -> Work:
        return Work(*(getattr(self, field.name) - getattr(other, field.name) for field in fields(self)))
