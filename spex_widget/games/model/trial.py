"""Whether two answers are one but for rounding: what padding, sharing and hiding are tried out by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

# How many roundings an answer is taken to have gone through, and the most of it that is put down to them.
_ROUNDINGS, _MOST = 16, 1 / 10


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
    return _distance(a, b) <= max(_allowance(kind) * _distance(a, other), 2 * _eps(kind) * _size(a))


def hides(whole: Tensor, masked: Tensor, right: Tensor, kind: Any) -> bool:
    """Whether a row with hidden tokens is answered as it should be, and is seen not to be answered as the whole row.

    Parameters
    ----------
    whole, masked : Tensor
        The answers to the row with all its tokens, and with some of them hidden.
    right : Tensor
        What the second should be.
    kind : torch.dtype
        What the model computes in.
    """
    import torch

    stake = _distance(whole, masked)
    seen = stake > _eps(torch.float32) * _size(whole)
    return seen and _distance(masked, right) <= _allowance(kind) * stake


def is_unmoved(a: Tensor, b: Tensor, kind: Any) -> bool:
    """Whether two answers are the same in terms of their size, where nothing else is known to be at stake."""
    return _distance(a, b) <= max(1e-5, min(_ROUNDINGS * _eps(kind), _MOST)) * _size(a)


def _allowance(kind: Any) -> float:
    """How far apart two answers to one question may lie, as a part of how far apart those to two questions do.

    A model that overlooks a mask, or a cache, is wrong by an amount of that order, whatever its weights: by an eighth
    at least, where it was tried. Rounding to bfloat16 came to a fourteenth at most, that to finer types to far less. In
    terms of the answers' size there is no such gap: where weights are small, an ablation changes a thousandth of it,
    and rounding to bfloat16 more.
    """
    return max(1e-3, min(_ROUNDINGS * _eps(kind), _MOST))


def _eps(kind: Any) -> float:
    import torch

    return float(torch.finfo(kind).eps)


def _distance(a: Tensor, b: Tensor) -> float:
    """The root of the mean square, which a single output that was rounded badly hardly moves."""
    return float((a.cpu().double() - b.cpu().double()).square().mean().sqrt())


def _size(a: Tensor) -> float:
    return float(a.cpu().double().square().mean().sqrt())
