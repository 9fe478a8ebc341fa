"""What fits into a device's memory, and what is said where something does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from spex_widget.games.model.subject import Subject

T = TypeVar("T")


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
