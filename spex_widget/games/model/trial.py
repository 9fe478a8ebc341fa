"""Whether two answers are one but for rounding: what padding, sharing and hiding are tried out by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def agree(a: Tensor, b: Tensor, other: Tensor, kind: Any) -> bool:
    """Whether two answers to one question are the same, but for rounding.

    Parameters
    ----------
    a, b : Tensor
        The two answers.
    other : Tensor
        What the model answers to another question.
    kind : torch.dtype
        What the model computes in.
    """
    # Where two questions have one answer, both distances are of rounding alone.
    alike = max(1e-6, 2 * _eps(kind)) * _size(a)
    return _distance(a, b) <= max(_rounding(kind) * _distance(a, other), alike)


def hides(whole: Tensor, masked: Tensor, right: Tensor, kind: Any) -> bool:
    """Whether a row with hidden tokens is answered as it should be, and is seen not to be answered as the whole row.

    Parameters
    ----------
    whole, masked : Tensor
        The answers to the row with all its tokens, and with some of them hidden.
    right : Tensor
        What the second should be.
    kind : torch.dtype
        What they were computed in.
    """
    import torch

    stake = _distance(whole, masked)
    seen = stake > _eps(torch.float32) * _size(whole)
    return seen and _distance(masked, right) <= _rounding(kind) * stake


def closes_gaps(whole: Tensor, apart: Tensor, near: Tensor) -> bool:
    """Whether tokens that are hidden between two others leave these as near to each other as if they were removed.

    Parameters
    ----------
    whole, apart : Tensor
        The answers to a row with all its tokens, and with those between its ends hidden.
    near : Tensor
        The answer to its ends alone, side by side.
    """
    import torch

    # Where gaps are closed 5e-6 to 4e-5 of what is at stake was seen, where they are kept 4e-4 and more; less only of
    # weights so small that attention is even.
    rounding = 32 * _eps(torch.float32) * _size(near)
    return _distance(apart, near) < min(1e-4 * _distance(apart, whole), rounding)


def is_unmoved(a: Tensor, b: Tensor, kind: Any) -> bool:
    """Whether two answers are the same in terms of their size, where nothing else is known to be at stake."""
    return _distance(a, b) <= max(1e-4, 4 * _eps(kind)) * _size(a)


@contextmanager
def in_float32() -> Iterator[None]:
    """Have what is computed within computed in float32, whatever the weights' precision, as by a model of float32.

    Each weight is widened when it is used, and then let go; the model itself is left as it is.

    Raises
    ------
    TypeError
        From what is computed within, where it writes into a tensor of half precision: into a copy it would be lost.
    """
    import torch
    from torch.overrides import TorchFunctionMode
    from torch.utils._pytree import tree_map

    def widened(value: Any) -> Any:
        half = isinstance(value, torch.Tensor) and value.dtype in (torch.bfloat16, torch.float16)
        return value.float() if half else value

    class Widening(TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(self, f: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = getattr(f, "__name__", "")
            writes = name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
            target = (kwargs or {}).get("out", args[0] if writes and args else None)
            if target is not None and widened(target) is not target:
                raise TypeError(f"{name} writes into a tensor of half precision")
            return f(*tree_map(widened, args), **tree_map(widened, kwargs or {}))

    with Widening():
        yield


def _rounding(kind: Any) -> float:
    """How far apart rounding may lay two answers to one question, as a part of how far apart those to two lie.

    A model that overlooks a mask or a cache is wrong by an amount of that order, whatever its weights; rounding to
    bfloat16 came to a ninth of it at most, to float32 to next to nothing. In terms of the answers' size there is no
    such gap: where weights are small, an ablation changes a thousandth of it, and rounding to bfloat16 more.
    """
    return max(5e-4, 16 * _eps(kind))


def _eps(kind: Any) -> float:
    import torch

    return float(torch.finfo(kind).eps)


def _distance(a: Tensor, b: Tensor) -> float:
    """The root of the mean square, which a single output that was rounded badly hardly moves."""
    return float((a.cpu().double() - b.cpu().double()).square().mean().sqrt())


def _size(a: Tensor) -> float:
    return float(a.cpu().double().square().mean().sqrt())
