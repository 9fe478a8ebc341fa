"""Hiding tokens from a model by its attention mask, where that is as if they were not there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spex_widget.games.ablation.rows import Hidden
from spex_widget.games.model.batching import Batcher
from spex_widget.games.model.output import ModelOutput
from spex_widget.games.model.subject import Encoding, Subject
from spex_widget.games.model.trial import closes_gaps, hides, in_float32
from spex_widget.spectrum.arguments import BoolArray

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

_TRIED = 64  # tokens of a causal model's text, or what its window of attention holds


def hidden(subject: Subject, encoding: Encoding, owner: npt.NDArray[np.intp], start: int | None) -> Hidden:
    """Rows that hide ablated tokens, once it is tried out that the model does not see them.

    A causal model must say of a stretch of the text with every other token hidden what it says of the stretch without
    these tokens, the others' positions kept. Of any other model, which tokens are hidden must not matter. And what is
    not hidden must. What is hidden between two tokens must keep them apart.

    Raises
    ------
    ValueError
        If that is not so: a layer that is not attention (recurrent, convolution) reads every token, whatever the mask;
        and where ALiBi counts the tokens that are present, the rest moves up.
    """
    lines = dict(zip(encoding.names, encoding.inputs, strict=True))
    lines["attention_mask"] = np.ones_like(encoding.inputs[0])
    if "position_ids" in subject.accepts:
        lines["position_ids"] = subject.first_position + np.arange(encoding.inputs.shape[1])
    rows = Hidden("hidden by the attention mask", tuple(lines), np.stack(list(lines.values())), owner, start)
    if _other_layers(subject) or ("position_ids" not in subject.accepts and subject.kind == "causal"):
        _refuse(subject)
    _try(subject, rows)
    return rows


def _other_layers(subject: Subject) -> bool:
    """Whether the configuration names layers that are not attention."""
    config = subject.config.get_text_config()
    kinds = getattr(config, "layer_types", None) or getattr(config, "layers_block_type", None) or ()
    return any("attention" not in kind or "linear" in kind for kind in kinds)


def _try(subject: Subject, rows: Hidden) -> None:
    """Refuse a model by what it says of a text, of the text with tokens hidden, and of what this should come to."""
    import torch

    tried = _stretch(subject, rows.owner) if subject.kind == "causal" else slice(None)
    whole, gone = rows.tokens[:, tried], _every_other(rows.owner[tried])
    masked = whole.copy()
    line = rows.names.index("attention_mask")
    masked[line] = ~gone
    apart = whole.copy()
    apart[line, 1:-1] = 0
    # Two tokens at its ends that differ: of equal ones a model says the same, however far apart they are.
    apart[0, 0] = next((token for token in whole[0] if token != whole[0, -1]), whole[0, 0])
    near = apart[:, [0, -1]]
    if "position_ids" in rows.names:
        line = rows.names.index("position_ids")
        near[line] = whole[line, :2]
    if subject.kind == "causal":
        right = whole[:, ~gone]
    else:
        right = masked.copy()
        right[0, gone] = whole[0, np.roll(gone, 1)]  # what stands behind each
    batcher = Batcher(subject, rows.names)

    def said() -> list[Tensor]:
        return [torch.from_numpy(batcher([row], _summary)[0]) for row in (whole, masked, right, apart, near)]

    answers, kind = [], subject.model.dtype
    if kind in (torch.bfloat16, torch.float16) and not subject.is_packed:
        # What a hybrid model lets past the mask may be less than rounding, and is wrong all the same.
        try:
            with in_float32():
                answers, kind = said(), torch.float32
        except Exception:  # such as of attention that is written for half precision alone
            logger.debug("hiding could not be tried in float32", exc_info=True)
    of_whole, of_masked, of_right, of_apart, of_near = answers or said()
    if not hides(of_whole, of_masked, of_right, kind) or closes_gaps(of_whole, of_apart, of_near):
        _refuse(subject)


def _stretch(subject: Subject, owner: npt.NDArray[np.intp]) -> slice:
    """Where a causal model is tried out: from just before the first player, and no further than it sees at once."""
    first = max(0, int(np.argmax(owner >= 0)) - 1)
    window = getattr(subject.config.get_text_config(), "sliding_window", None) or _TRIED
    return slice(first, first + min(window, _TRIED))


def _every_other(owner: npt.NDArray[np.intp]) -> BoolArray:
    """Every other one of the players' tokens, the first too, but not the last of all, which a model may go on from."""
    gone = np.zeros(len(owner), dtype=np.bool_)
    gone[np.flatnonzero(owner[:-1] >= 0)[::2]] = True
    return gone


def _summary(answers: list[ModelOutput]) -> Tensor:
    """What a model says of a row, (batch, …), whatever its kind: at its end, or on average over what is present."""
    output = answers[0].output
    if output.dim() == 2:
        return output
    if output.shape[1] == answers[0].present.shape[1]:
        present = answers[0].present[..., None].to(output.dtype)
        return (output * present).sum(1) / present.sum(1)
    return output[:, -1]


def _refuse(subject: Subject) -> None:
    raise ValueError(
        f"ablation='attention' would not hide a player from {subject.name}: what its attention mask hides still acts "
        "on what it says, or moves the rest (models with recurrent or convolution layers, without position_ids, or "
        "whose ALiBi counts the tokens that are present); "
        "ablation='remove' removes the tokens instead"
    )
