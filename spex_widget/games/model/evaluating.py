"""A model while it is evaluated: by one at a time, and left as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock, RLock
from traceback import clear_frames
from typing import Any
from weakref import WeakKeyDictionary

from spex_widget.games.model.kinds import within
from spex_widget.games.model.memory import is_out_of_memory, out_of_memory

_locks: WeakKeyDictionary[Any, RLock] = WeakKeyDictionary()
_locks_lock = Lock()


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """In evaluation mode, without gradients; every module that was training does so again afterwards.

    One at a time for each model, and for those that share its layers: a game that ends must not set a model to training
    under another that is in it. In the precision of its weights: autocast holds for the thread that asked for it alone,
    and others may evaluate the same game. Where memory runs out there is a MemoryError that says what may help.
    """
    import torch

    with _locks_lock:
        # A classifier and its body are two objects with the same embedding; a function of a model's output may ask it.
        lock = _locks.setdefault(model.get_input_embeddings(), RLock())
    with lock, ExitStack() as stack:
        training = [module for module in model.modules() if module.training]
        if training:
            model.eval()
        stack.enter_context(torch.inference_mode())
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            # Whoever keeps the error would keep with it what the failed pass had made.
            clear_frames((error.__cause__ or error).__traceback__)
            if isinstance(error, MemoryError):
                raise
            raise out_of_memory(type(within(model)).__name__) from error
        finally:
            for module in training:
                module.training = True
