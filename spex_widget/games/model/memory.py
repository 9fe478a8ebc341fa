"""What fits into a device's memory, and what is said where something does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from spex_widget.games.model.subject import Subject

T = TypeVar("T")


class Room:
    """How many tokens, with their padding, and how many logits a batch may hold on a model's device.

    Half of what memory ran out on, from then on; twice as many again once some batches that were nearly full did fit,
    for something else may have taken the memory for a while. Each time it runs out, more of them are waited for.

    Parameters
    ----------
    subject : Subject

    Attributes
    ----------
    tokens, logits : int

    Examples
    --------
    >>> room = Room(subject)  # doctest: +SKIP
    >>> room.ran_out(2_000, 0)  # doctest: +SKIP
    >>> room.tokens  # doctest: +SKIP
    1000
    """

    def __init__(self, subject: Subject) -> None:
        self.tokens = most_tokens(subject)
        self.logits = 2**25 if subject.device.type == "cpu" else 2**28
        self._before: tuple[int, int] | None = None  # memory ran out
        self._fitted, self._waited = 0, 4

    @property
    def is_short(self) -> bool:
        """Whether memory ran out, and what a batch may hold is not yet again what it was."""
        return self._before is not None

    def ran_out(self, tokens: int, logits: int) -> None:
        """Memory ran out on a batch of so many."""
        self._before = self._before or (self.tokens, self.logits)
        self.tokens, self.logits = max(1, tokens // 2), max(1, logits // 2)
        self._fitted, self._waited = 0, 2 * self._waited

    def fitted(self, tokens: int, logits: int) -> None:
        """A batch of so many fitted."""
        if self._before is None or max(tokens / self.tokens, logits / self.logits) <= 0.5:
            return  # a batch twice as large would have been let through
        self._fitted += 1
        if self._fitted >= self._waited:
            most_tokens, most_logits = self._before
            self.tokens, self.logits = min(2 * self.tokens, most_tokens), min(2 * self.logits, most_logits)
            if (self.tokens, self.logits) == self._before:
                self._before = None


def most_tokens(subject: Subject) -> int:
    """How many tokens, with their padding, a batch may hold on a model's device."""
    return 2_048 if subject.device.type == "cpu" else 16_384


def if_it_fits(run: Callable[[], T]) -> T | None:
    """What a call answers; None where memory ran out on it."""
    try:
        return run()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whatever device."""
    import torch

    words = ("out of memory", "not enough memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in words)
    )


def out_of_memory(name: str, where: str = "") -> MemoryError:
    """The error that a person sees."""
    return MemoryError(f"{name} runs out of memory{where}; a shorter text, a smaller dtype or another device may do")
