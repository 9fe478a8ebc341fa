"""What tells one model's weights from another's, wherever they are kept."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

# How many entries of each tensor are looked at.
_ENTRIES = 1024

logger = logging.getLogger(__name__)

_unread: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def digest_weights(model: Any) -> str:
    """A digest of every tensor's name, shape and type, and a thousand entries of each; and of who is switched on.

    Weights that are loaded for each pass from where they are kept (`device_map`, offloaded to memory or to disk) are
    read from there, those that layers keep packed (quantised) are unpacked. Where they cannot be read, no other model
    has this digest, nor has this one in another process: a log is begun anew rather than continued by a stranger.
    """
    state = hashlib.sha256()
    modules = dict(model.named_modules())
    for name, value in model.state_dict().items():
        for part in _parts(value):
            state.update(f"{name} {_described(part)}\n".encode())
            if hasattr(part, "is_meta"):
                try:
                    entries = _sample(_kept(modules, name) if part.is_meta else part)
                except Exception:  # packed or kept in a way of which nothing is known here
                    logger.debug("the weight %s could not be read", name, exc_info=True)
                    entries = _unread.setdefault(model, uuid4().hex).encode()
                state.update(entries)
    for name, module in modules.items():
        # Which of several adapters (LoRA) a layer uses, and whether any.
        active, off = getattr(module, "active_adapters", None), getattr(module, "disable_adapters", None)
        if isinstance(active, list) and isinstance(off, bool):
            state.update(f"{name} {active} {off}\n".encode())
    return state.hexdigest()


def _parts(value: Any) -> Iterator[Any]:
    """What an entry of a state holds: quantised layers keep their weight and bias together."""
    if isinstance(value, tuple | list):
        for part in value:
            yield from _parts(part)
    else:
        yield value


def _described(part: Any) -> str:
    if hasattr(part, "is_meta"):
        return f"{tuple(part.shape)} {part.dtype}"
    return type(part).__qualname__


def _sample(tensor: Any) -> bytes:
    tensor = tensor.detach()
    flat = (tensor.dequantize() if tensor.is_quantized else tensor).reshape(-1)
    return bytes(flat[:: max(1, flat.numel() // _ENTRIES)].float().cpu().numpy().tobytes())


def _kept(modules: dict[str, Any], name: str) -> Any:
    """An offloaded tensor from where the hooks of its module, or of one around it, keep it; KeyError if none does."""
    path = name.split(".")
    for depth in reversed(range(len(path))):
        for hook in hooks_of(modules.get(".".join(path[:depth]))):
            try:
                return hook.weights_map[".".join(path[depth:])]
            except (AttributeError, KeyError, TypeError):  # it keeps nothing, or not this
                continue
    raise KeyError(name)


def hooks_of(module: Any) -> list[Any]:
    """The hooks by which accelerate moves a module's weights and inputs to the device that it is run on."""
    hook = getattr(module, "_hf_hook", None)
    return [] if hook is None else [*getattr(hook, "hooks", (hook,))]
