"""One batch of rows through a model, on the model's own device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.model.output import ModelOutput, Suffixes
from spex_widget.games.model.prefix import Prefix
from spex_widget.games.model.stopwatch import Stopwatch
from spex_widget.games.model.subject import Subject
from spex_widget.games.work import Work
from spex_widget.spectrum.arguments import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

IntArray = npt.NDArray[np.int64]

# Where a mask costs nothing: from other devices transformers reads it back before a pass begins, which waits for them.
_MASKED = ("cpu",)


class Forward:
    """Passes through a model, with padding on the right, and what they took.

    Inputs are copied to the model's device without waiting.

    Parameters
    ----------
    subject : Subject
    names : tuple of str
        What each line of a row is called in the model's `forward`; token ids come first. A line called
        "attention_mask" stands in for the one that all tokens are present in; one called "position_ids" goes on by
        one for each token of a suffix.
    """

    def __init__(self, subject: Subject, names: tuple[str, ...]) -> None:
        self.subject = subject
        self.names = names
        self._pad = pad = subject.pad or 0
        # What a causal model cannot reach is filled with no padding, for which some look where there is no mask.
        self._fill = pad if subject.kind != "causal" else int(pad == 0)
        self._accepted = accepted = subject.accepts
        # Vision-language models name the cache alone, and hand on whether to make one.
        self._caches = "use_cache" in accepted or {"past_key_values", "kwargs"} <= accepted
        self._stopwatch = Stopwatch()
        self._work = Work()

    def __call__(self, rows: Sequence[IntArray], suffixes: Suffixes, prefix: Prefix | None = None) -> list[ModelOutput]:
        """Answer a batch.

        Parameters
        ----------
        rows : sequence of ndarrays of shape (k, length), int64
            What follows the prefix, in each of them at least one token.
        suffixes : sequence of tuples of int
        prefix : Prefix, optional
            What stands in front of every row, for causal models.

        Returns
        -------
        list of ModelOutput, one for each suffix
        """
        if self.subject.kind == "causal":
            return [self._continued(rows, suffix, prefix) for suffix in suffixes]
        inputs, present = self._padded(rows)
        if self.subject.kind == "seq2seq":
            return self._written(inputs, present, suffixes)
        answer = self._run(self.subject.model, inputs)
        return [_answer(answer[0] if self.subject.kind == "encoder" else _logits(answer), present)]

    def run_prefix(self, tokens: IntArray) -> Prefix | None:
        """Run what rows begin with; None where the model keeps nothing that could be gone on from."""
        from transformers import Cache

        if "past_key_values" not in self._accepted:
            return None
        inputs, _ = self._padded([tokens])
        if "logits_to_keep" in self._accepted:
            inputs["logits_to_keep"] = 1
        answer = self._run(self.subject.model, inputs, use_cache=True)
        cache = getattr(answer, "past_key_values", None)
        return Prefix(tokens, cache) if isinstance(cache, Cache) and hasattr(cache, "layers") else None

    def take_work(self) -> Work:
        """Passes, tokens and seconds since this was last asked; the device must have ended them all."""
        work = self._work + Work(forward_seconds=self._stopwatch.take())
        self._work = Work()
        return work

    def _continued(self, rows: Sequence[IntArray], suffix: tuple[int, ...], prefix: Prefix | None) -> ModelOutput:
        """A causal model's logits from behind each row on."""
        import torch

        inputs, present = self._padded(rows, suffix, prefix)
        lengths = np.array([row.shape[1] + len(suffix) for row in rows])
        # Where a model says what comes next, from the end: an adapter may have put tokens of its own in front.
        at = lengths[:, None] - lengths.max() + np.arange(-1 - len(suffix), 0)
        if "logits_to_keep" in self._accepted:
            inputs["logits_to_keep"] = int(-at.min())
        logits = _logits(self._run(self.subject.model, inputs))
        row_of = torch.arange(len(rows), device=logits.device)[:, None]
        return _answer(logits[row_of, _send(at, logits.device)], present)

    def _written(self, inputs: dict[str, Any], present: Tensor, suffixes: Suffixes) -> list[ModelOutput]:
        """The logits of a decoder of its own, for all suffixes from one pass of the encoder."""
        subject, mask = self.subject, {name: line for name, line in inputs.items() if name == "attention_mask"}
        read = self._run(subject.model.get_encoder(), inputs, use_cache=None)
        answers = []
        for suffix in suffixes:
            written = np.tile(np.array([*subject.decoder_start, *suffix]), (len(present), 1))
            decoder = {"decoder_input_ids": _send(written, present.device), "encoder_outputs": read, **mask}
            self._work += Work(tokens=written.size)
            logits = _logits(self._run(subject.model, decoder))
            answers.append(_answer(logits[:, -1 - len(suffix) :], present))
        return answers

    def _run(self, module: Any, inputs: dict[str, Any], use_cache: bool | None = False) -> Any:
        if use_cache is not None and self._caches:
            inputs = {**inputs, "use_cache": use_cache}
        self._work += Work(passes=1)
        with self._stopwatch.running(next(iter(inputs.values())).device):  # of the token ids
            return module(**inputs)

    def _padded(
        self, rows: Sequence[IntArray], suffix: tuple[int, ...] = (), prefix: Prefix | None = None
    ) -> tuple[dict[str, Any], Tensor]:
        """A batch's inputs, on the model's device, and which tokens are there, (batch, length) of 0 and 1."""
        before = 0 if prefix is None else len(prefix)
        lengths = np.array([row.shape[1] + len(suffix) for row in rows])
        filled = np.zeros((len(self.names), len(rows), lengths.max()), dtype=np.int64)
        filled[0] = self._fill
        for i, row in enumerate(rows):
            filled[:, i, : row.shape[1]] = row
            filled[0, i, row.shape[1] : lengths[i]] = suffix
            if "position_ids" in self.names:
                line = filled[self.names.index("position_ids"), i]
                line[row.shape[1] : lengths[i]] = line[row.shape[1] - 1] + np.arange(1, len(suffix) + 1)
        present = (np.arange(before + lengths.max()) < before + lengths[:, None]).astype(np.int64)
        lines = dict(zip(self.names, filled, strict=True))
        if "attention_mask" in lines:
            if prefix is not None:
                present[:, :before] = prefix.tokens[self.names.index("attention_mask")]
            for i, row in enumerate(rows):
                present[i, before : before + row.shape[1]] = lines["attention_mask"][i, : row.shape[1]]
        device = self.subject.device
        sent = {name: _send(line, device) for name, line in {**lines, "attention_mask": present}.items()}
        reached = self.subject.kind != "causal" and lengths.min() < lengths.max()
        needed = reached or "attention_mask" in lines or (filled[0][:, [0, -1]] == self._pad).any()
        spared = device.type not in _MASKED and not needed
        inputs = {name: line for name, line in sent.items() if not (spared and name == "attention_mask")}
        if prefix is not None:
            inputs["past_key_values"] = prefix.for_rows(len(rows))
        self._work += Work(tokens=int(lengths.sum()), padding=int(filled[0].size - lengths.sum()))
        return inputs, sent["attention_mask"]


def fetch(values: Tensor) -> FloatArray:
    """Values as an array, once the device is done with all that was asked of it."""
    import torch

    if values.is_cuda:
        host = torch.empty(values.shape, dtype=values.dtype, device="cpu", pin_memory=True)
        host.copy_(values, non_blocking=True)
        torch.cuda.current_stream(values.device).synchronize()
        values = host
    return np.asarray(values.cpu().numpy(), dtype=np.float64)


def _send(array: IntArray, device: Any) -> Tensor:
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def _logits(answer: Any) -> Tensor:
    return answer.logits if hasattr(answer, "logits") else answer[0]


def _answer(output: Tensor, present: Tensor) -> ModelOutput:
    import torch

    values = output if output.dtype == torch.float64 else output.float()
    return ModelOutput(values, present.to(output.device).bool())
