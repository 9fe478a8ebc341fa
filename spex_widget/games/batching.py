"""How many rows of token ids become few passes through a model, on the model's own device."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from spex_widget.games.answer import Answer
from spex_widget.games.subject import Subject
from spex_widget.spectrum.arguments import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

IntArray = npt.NDArray[np.int64]
# What a row may be continued by, and what is read off the answers: one for each suffix in, (batch, outputs) out.
Suffixes = Sequence[tuple[int, ...]]
Read = Callable[[list[Answer]], "Tensor"]

logger = logging.getLogger(__name__)

_locks: WeakKeyDictionary[Any, Lock] = WeakKeyDictionary()
_locks_lock = Lock()


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """In evaluation mode, without gradients; every module that was training does so again afterwards.

    One at a time for each model: a game that ends must not set a model to training under another that is in it.
    """
    import torch

    with _locks_lock:
        lock = _locks.setdefault(model, Lock())
    with lock:
        training = [module for module in model.modules() if module.training]
        model.eval()
        try:
            with torch.inference_mode():
                yield
        finally:
            for module in training:
                module.training = True


class Batcher:
    """Rows of token ids, evaluated in batches as if one at a time.

    Equal rows are evaluated once. Rows are sorted by length, so that padding (on the right, with an attention mask) is
    small. Inputs are copied to the model's device and values back from it without waiting, but once at the end.

    Parameters
    ----------
    subject : Subject
    names : tuple of str
        What each line of a row is called in the model's `forward`; token ids come first.

    Attributes
    ----------
    rows_at_once, tokens_at_once, logits_at_once : int
        The most that one batch may hold: rows, tokens with their padding, and logits that are kept.
    """

    def __init__(self, subject: Subject, names: tuple[str, ...] = ("input_ids",)) -> None:
        self.subject = subject
        self.names = names
        on_cpu = self._device().type == "cpu"
        self.rows_at_once = 64 if on_cpu else 256
        self.tokens_at_once = 2_048 if on_cpu else 16_384
        self.logits_at_once = 2**25 if on_cpu else 2**28
        if subject.kind == "classifier" and subject.pad is None:
            # The classifiers on top of decoders read the last token that is no padding, and refuse batches without it.
            self.rows_at_once = 1
            logger.warning(
                "%s has no padding token, so its inputs are evaluated one at a time; setting model.config.pad_token_id "
                "(to tokenizer.pad_token_id or tokenizer.eos_token_id, say) makes batches possible",
                subject.name,
            )
        # Padding behind its end cannot reach a causal model; whether another honours the attention mask is tried out.
        self._padding_is_harmless: bool | None = True if subject.kind == "causal" else None

    def __call__(self, rows: Sequence[IntArray], read: Read, suffixes: Suffixes = ((),)) -> FloatArray:
        """Evaluate rows.

        Parameters
        ----------
        rows : sequence of ndarrays of shape (k, length), int64
            Each of any length >= 1.
        read : callable
            Takes a list with the `Answer` for each suffix and returns values, (batch, outputs).
        suffixes : sequence of tuples of int
            Token ids to put behind each row, or behind a decoder's own start; one pass for each.

        Returns
        -------
        ndarray of shape (rows, outputs), float64
        """
        import torch

        place: dict[tuple[int, bytes], int] = {}
        index = [place.setdefault((row.shape[1], row.tobytes()), len(place)) for row in rows]
        first = np.unique(index, return_index=True)[1]
        order = first[np.argsort([rows[i].shape[1] for i in first], kind="stable")]
        with evaluating(self.subject.model):
            parts = [
                read([self._answer(batch, suffix) for suffix in suffixes])
                for batch in self._batches([rows[i] for i in order], suffixes)
            ]
            values = self._fetch(torch.cat(parts))
        back = np.empty(len(order), dtype=np.intp)
        back[np.array(index)[order]] = np.arange(len(order))
        return values[back[index]]

    def _batches(self, rows: list[IntArray], suffixes: Suffixes) -> Iterator[list[IntArray]]:
        """Cut rows, sorted by length, into batches."""
        extra = max(map(len, suffixes))
        kept_once = sum(len(suffix) + 1 for suffix in suffixes)
        start = 0
        for stop in range(1, len(rows) + 1):
            if stop < len(rows):
                count, short, long = stop + 1 - start, rows[start].shape[1], rows[stop].shape[1]
                kept = (kept_once + (long - short) * len(suffixes)) * self.subject.vocabulary
                if (
                    count <= self.rows_at_once
                    and count * (long + extra) <= self.tokens_at_once
                    and (not self.subject.generative or count * kept <= self.logits_at_once)
                    and (short == long or self._may_pad(rows[start], rows[stop]))
                ):
                    continue
            yield rows[start:stop]
            start = stop

    def _may_pad(self, short: IntArray, long: IntArray) -> bool:
        """Whether the model answers a padded row as it does the row alone: tried once, on the first two that differ."""
        if self._padding_is_harmless is None:
            alone, padded = self._answer([short], ()).output[0], self._answer([short, long], ()).output[0]
            self._padding_is_harmless = bool((alone - padded[: len(alone)]).abs().max() <= self._tolerance(alone))
            if not self._padding_is_harmless:
                logger.warning(
                    "%s answers otherwise when its input is padded, so that only inputs of equal length share a batch",
                    self.subject.name,
                )
        return self._padding_is_harmless

    def _tolerance(self, logits: Tensor) -> float:
        """How far two answers to the same question may lie apart by rounding alone."""
        import torch

        kind = self.subject.model.get_input_embeddings().weight.dtype
        eps = torch.finfo(kind).eps if kind.is_floating_point else 1e-2
        return float(max(1e-4, 16 * eps) * (1 + logits.abs().max()))

    def reads_ahead(self, row: IntArray) -> bool:
        """Whether what a language model says of a token changes with the tokens behind it: if so it is not causal."""

        def change(answers: list[Answer]) -> Tensor:
            before, after = (answer.output[:, 0] for answer in answers)
            return ((before - after).abs().amax(1) / self._tolerance(before))[:, None]

        return bool(self([row], change, ((), (int(row[0, 0]),)))[0, 0] > 1)

    def _answer(self, rows: list[IntArray], suffix: tuple[int, ...]) -> Answer:
        """One pass: what `read` is given for one suffix."""
        import torch

        subject = self.subject
        behind = suffix if subject.kind == "causal" else ()
        lengths = np.array([row.shape[1] + len(behind) for row in rows])
        filled = np.zeros((len(self.names), len(rows), lengths.max()), dtype=np.int64)
        filled[0] = subject.pad or 0
        for i, row in enumerate(rows):
            filled[:, i, : row.shape[1]] = row
            filled[0, i, row.shape[1] : lengths[i]] = behind
        accepted = inspect.signature(subject.model.forward).parameters
        inputs: dict[str, Any] = {name: self._send(line) for name, line in zip(self.names, filled, strict=True)}
        present = self._send((np.arange(lengths.max()) < lengths[:, None]).astype(np.int64))
        inputs["attention_mask"] = present
        if "use_cache" in accepted:
            inputs["use_cache"] = False
        at = lengths[:, None] - 1 + np.arange(-len(behind), 1)  # where a model says what comes next
        if subject.kind == "causal" and "logits_to_keep" in accepted:
            inputs["logits_to_keep"] = int(lengths.max() - at.min())  # only the tail of the padded batch is read
            at -= at.min()
        if subject.kind == "seq2seq":
            written = np.array([*subject.decoder_start, *suffix])
            inputs["decoder_input_ids"] = self._send(np.tile(written, (len(rows), 1)))
        answer = subject.model(**inputs)
        output = answer.logits if hasattr(answer, "logits") else answer[0]
        if subject.kind == "causal":
            row_of = torch.arange(len(rows), device=output.device)[:, None]
            output = output[row_of, self._send(at).to(output.device)]
        elif subject.kind == "seq2seq":
            output = output[:, -1 - len(suffix) :]
        return Answer(output if output.dtype == torch.float64 else output.float(), present.to(output.device).bool())

    def _device(self) -> Any:
        """Where inputs go: the first layer's device, also where a model is spread over several."""
        return self.subject.model.get_input_embeddings().weight.device

    def _send(self, array: IntArray) -> Tensor:
        import torch

        tensor, device = torch.from_numpy(np.ascontiguousarray(array)), self._device()
        return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)

    def _fetch(self, values: Tensor) -> FloatArray:
        import torch

        if values.is_cuda:
            host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            host.copy_(values, non_blocking=True)
            torch.cuda.current_stream(values.device).synchronize()
            values = host
        return np.asarray(values.cpu().numpy(), dtype=np.float64)
