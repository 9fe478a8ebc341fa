"""How many rows of token ids become few passes through a model."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock, RLock
from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from spex_widget.games.model.forward import Forward, fetch
from spex_widget.games.model.kinds import within
from spex_widget.games.model.memory import if_it_fits, is_out_of_memory, most_tokens, out_of_memory
from spex_widget.games.model.output import ModelOutput, Suffixes
from spex_widget.games.model.partition import partition
from spex_widget.games.model.prefix import SHORTEST, Prefix
from spex_widget.games.model.subject import Subject
from spex_widget.games.model.trial import agree, is_unmoved
from spex_widget.games.work import Work
from spex_widget.spectrum.arguments import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

IntArray = npt.NDArray[np.int64]
# What is read off the answers: one for each suffix in, (batch, outputs) out.
Read = Callable[[list[ModelOutput]], "Tensor"]

# How many tokens take as long as what a pass takes by itself, on a CPU times the fourth root of the parameters: on one
# core 80 to 160 tokens at 1e5 of them, 40 to 55 at 8e5, 20 at 4e7. On a GPU a share of the tokens of a full batch.
_CPU_PASS, _GPU_PASS = 1_800, 1 / 12

logger = logging.getLogger(__name__)

_locks: WeakKeyDictionary[Any, RLock] = WeakKeyDictionary()
_locks_lock = Lock()


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """In evaluation mode, without gradients; every module that was training does so again afterwards.

    One at a time for each model, and for those that share its layers: a game that ends must not set a model to training
    under another that is in it. Where memory runs out there is a MemoryError that says what may help.
    """
    import torch

    with _locks_lock:
        # A classifier and its body are two objects with the same embedding; a function of a model's output may ask it.
        lock = _locks.setdefault(model.get_input_embeddings(), RLock())
    with lock:
        training = [module for module in model.modules() if module.training]
        if training:
            model.eval()
        try:
            with torch.inference_mode():
                yield
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise out_of_memory(type(within(model)).__name__) from error
        finally:
            for module in training:
                module.training = True


class Batcher:
    """Rows of token ids, evaluated in batches as if one at a time.

    Equal rows are evaluated once. Rows are sorted by length, so that padding (on the right, with an attention mask) is
    small, the longest first, so that memory is taken, or runs out, at once. What all rows begin with is run once. Where
    memory runs out, batches are halved from there on. Values are waited for but once, at the end.

    Parameters
    ----------
    subject : Subject
    names : tuple of str
        What each line of a row is called in the model's `forward`; token ids come first.
    fixed : ndarray of shape (k, length), int64, optional
        What rows begin with, as a rule; rows that begin otherwise are evaluated no less.

    Attributes
    ----------
    rows_at_once, tokens_at_once, logits_at_once : int
        The most that one batch may hold: rows, tokens with their padding, and logits that are kept.
    pass_tokens : float
        How many tokens take as long as what a pass takes by itself: as much padding is worth a pass less.
    work : Work
        What all calls took together.
    """

    def __init__(
        self, subject: Subject, names: tuple[str, ...] = ("input_ids",), fixed: IntArray | None = None
    ) -> None:
        self.subject = subject
        self.work = Work()
        self._forward = Forward(subject, names)
        on_cpu = subject.device.type == "cpu"
        self.rows_at_once = 64 if on_cpu else 256
        self.tokens_at_once = most_tokens(subject)
        self.logits_at_once = 2**25 if on_cpu else 2**28
        self.pass_tokens = _CPU_PASS / max(subject.parameters, 1) ** 0.25 if on_cpu else _GPU_PASS * self.tokens_at_once
        if subject.kind == "classifier" and subject.pad is None:
            # The classifiers on top of decoders read the last token that is no padding, and refuse batches without it.
            self.rows_at_once = 1
            logger.warning(
                "%s has no padding token, so its inputs are evaluated one at a time; setting model.config.pad_token_id "
                "(to tokenizer.pad_token_id or tokenizer.eos_token_id, say) makes batches possible",
                subject.name,
            )
        elif subject.rounds_together:
            self.rows_at_once = 1
            logger.warning(
                "%s is quantised dynamically: how it rounds an input depends on those beside it, so its inputs are "
                "evaluated one at a time",
                subject.name,
            )
        # Padding behind its end cannot reach a causal model, unless its positions turn with the longest row; whether
        # another honours the attention mask is tried out.
        self._padding_is_harmless: bool | None = not subject.turns_with_length if subject.kind == "causal" else None
        # Every row keeps a token of its own behind the prefix, from which the model says what comes next.
        self._fixed = None if fixed is None or subject.kind != "causal" else fixed[:, :-1]
        self._sharing_is_harmless: bool | None = (
            None
            if self._fixed is not None and self._fixed.shape[1] >= SHORTEST and not subject.turns_with_length
            else False
        )

    def __call__(self, rows: Sequence[IntArray], read: Read, suffixes: Suffixes = ((),)) -> FloatArray:
        """Evaluate rows.

        Parameters
        ----------
        rows : sequence of ndarrays of shape (k, length), int64
            Each of any length >= 1.
        read : callable
            Takes a list with the `ModelOutput` for each suffix and returns values, (batch, outputs).
        suffixes : sequence of tuples of int
            Token ids to put behind each row, or behind a decoder's own start; one pass for each.

        Returns
        -------
        ndarray of shape (rows, outputs), float64

        Raises
        ------
        MemoryError
            If memory does not do for a single row.
        """
        import torch

        with evaluating(self.subject.model):
            began = perf_counter()
            place: dict[tuple[int, bytes], int] = {}
            index = [place.setdefault((row.shape[1], row.tobytes()), len(place)) for row in rows]
            first = np.unique(index, return_index=True)[1]
            order = first[np.argsort([-rows[i].shape[1] for i in first], kind="stable")]
            try:
                values = fetch(torch.cat(list(self._parts([rows[i] for i in order], read, suffixes))))
            finally:  # what a call that fails has taken is its own, not the next one's
                work = self._forward.take_work() + Work(rows=len(rows), evaluated=len(order))
                self.work += work + Work(other_seconds=perf_counter() - began - work.forward_seconds)
        back = np.empty(len(order), dtype=np.intp)
        back[np.array(index)[order]] = np.arange(len(order))
        return values[back[index]]

    def _parts(self, rows: list[IntArray], read: Read, suffixes: Suffixes) -> Iterator[Tensor]:
        """The values of rows, the longest first, batch after batch."""
        prefix = self._shared_prefix(rows)
        if prefix is not None:
            rows = [row[:, len(prefix) :] for row in rows]
        lengths = np.array([row.shape[1] for row in rows]) + max(map(len, suffixes))
        start, ends = 0, deque[int]()
        while start < len(rows):
            if not ends:
                limits = self._most_rows(suffixes), self.tokens_at_once, self.pass_tokens
                ends.extend(start + end for end in partition(lengths[start:], *limits))
            batch = self._batch(rows[start : ends[0]], suffixes)
            values = self._try(batch, read, suffixes, prefix)
            if values is None:
                ends.clear()
                continue
            yield values
            start += len(batch)
            if start == ends[0]:
                ends.popleft()

    def _try(self, batch: list[IntArray], read: Read, suffixes: Suffixes, prefix: Prefix | None) -> Tensor | None:
        """A batch's values; None where memory ran out, and then later batches are at most half as large."""
        import torch

        try:
            return read(self._forward(batch, suffixes, prefix))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(batch) == 1:
                tokens = batch[0].shape[1] + (0 if prefix is None else len(prefix))
                raise out_of_memory(self.subject.name, f" on a single input of {tokens} tokens") from error
        # Not before here are the tensors of the failed pass let go.
        tokens, logits = (int(size[-1]) for size in self._size(np.array([row.shape[1] for row in batch]), suffixes))
        self.tokens_at_once, self.logits_at_once = max(1, tokens // 2), max(1, logits // 2)
        logger.warning(
            "memory ran out on a batch of %d inputs; batches hold %d tokens from here on", len(batch), tokens // 2
        )
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None

    def _batch(self, rows: list[IntArray], suffixes: Suffixes) -> list[IntArray]:
        """The first of some rows, the longest first, that may share a pass as far as logits and padding go."""
        count = len(rows)
        if self.subject.generative:
            _, logits = self._size(np.array([row.shape[1] for row in rows]), suffixes)
            count = max(1, int((logits <= self.logits_at_once).sum()))
        equal = sum(row.shape[1] == rows[0].shape[1] for row in rows[:count])
        return rows[: count if equal == count or self._may_pad(rows[count - 1], rows[0]) else equal]

    def _most_rows(self, suffixes: Suffixes) -> int:
        """How many rows of one length a batch may hold."""
        if not self.subject.generative:
            return self.rows_at_once
        _, logits = self._size(np.ones(1, dtype=np.int64), suffixes)
        return max(1, min(self.rows_at_once, self.logits_at_once // int(logits[0])))

    def _size(self, lengths: npt.NDArray[np.int64], suffixes: Suffixes) -> tuple[IntArray, IntArray]:
        """How many tokens, with padding, and how many logits the first 1, 2, … rows make, the longest first."""
        count = np.arange(1, len(lengths) + 1)
        kept = sum(len(suffix) + 1 for suffix in suffixes) + (lengths[0] - lengths) * len(suffixes)
        return count * (lengths[0] + max(map(len, suffixes))), count * kept * self.subject.vocabulary

    def _may_pad(self, short: IntArray, long: IntArray) -> bool:
        """Whether the model answers a padded row as it does the row alone: tried once, on a batch's two ends."""
        if self._padding_is_harmless is None:
            tried = if_it_fits(lambda: [self._forward(rows, ((),))[0].output for rows in ([short], [short, long])])
            if tried is None:
                return False  # two are too many now; it is tried again where they fit
            (alone,), (padded, other) = tried
            padded, other = padded[: len(alone)], other[: len(alone)]
            self._padding_is_harmless = agree(alone, padded, other, self.subject.model.dtype)
            if not self._padding_is_harmless:
                logger.warning(
                    "%s answers otherwise when its input is padded, so that only inputs of equal length share a batch",
                    self.subject.name,
                )
        return self._padding_is_harmless

    def _shared_prefix(self, rows: list[IntArray]) -> Prefix | None:
        """What the model made of the tokens that rows, the longest first, begin with; None where it is not shared."""
        fixed = self._fixed
        if fixed is None or self._sharing_is_harmless is False or len(rows) < 2:
            return None
        length = fixed.shape[1]
        if not all(row.shape[1] > length and np.array_equal(row[:, :length], fixed) for row in rows):
            return None
        # Anew in every call: weights, adapters and hooks may have changed since.
        prefix = if_it_fits(lambda: self._forward.run_prefix(fixed))
        if self._sharing_is_harmless is None:
            self._sharing_is_harmless = prefix is not None and self._may_share(prefix, rows[-1], rows[0])
            if self._sharing_is_harmless is False:
                logger.info(
                    "%s does not go on from a prefix's cache, or memory does not do for one, so every row is run whole",
                    self.subject.name,
                )
        return prefix if self._sharing_is_harmless else None

    def _may_share(self, prefix: Prefix, short: IntArray, long: IntArray) -> bool | None:
        """Whether the model goes on from the prefix's cache as it does from the prefix: tried once, on two rows.

        None where memory ran out on them.
        """
        own = [row[:, len(prefix) :] for row in (short, long)]
        try:
            alone = [self._forward([row], ((),))[0].output[0] for row in (short, long)]
            shared = self._forward(own, ((),), prefix)[0].output
        except Exception as error:  # a cache of a kind of its own may fail in any way
            if is_out_of_memory(error):
                return None
            logger.debug("a shared prefix failed", exc_info=True)
            return False
        pairs = zip(alone, shared, reversed(alone), strict=True)
        return all(agree(*answers, self.subject.model.dtype) for answers in pairs)

    def reads_ahead(self, row: IntArray) -> bool:
        """Whether what a language model says of a token changes with the tokens behind it: if so it is not causal."""
        if self.subject.rounds_together:
            return False  # all tokens of a row are rounded together, so that the last reaches the first in any case
        kind = self.subject.model.dtype

        def changes(answers: list[ModelOutput]) -> Tensor:
            before, after = (answer.output[:, 0] for answer in answers)
            return before.new_tensor([[not is_unmoved(before, after, kind)]])

        return bool(self([row], changes, ((), (int(row[0, 0]),)))[0, 0])
