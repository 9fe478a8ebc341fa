"""How many rows of token ids become few passes through a model."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spex_widget.games.model.evaluating import evaluating
from spex_widget.games.model.forward import Forward, fetch
from spex_widget.games.model.kept import Kept
from spex_widget.games.model.memory import Room, if_it_fits, is_out_of_memory, out_of_memory
from spex_widget.games.model.output import ModelOutput, Suffixes
from spex_widget.games.model.partition import partition
from spex_widget.games.model.prefix import SHORTEST, Prefix, beginning
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


class Batcher:
    """Rows of token ids, evaluated in batches as if one at a time.

    Equal rows of a call are evaluated once. Rows are sorted by length, so that padding (on the right, with an attention
    mask) is small, the longest first, so that memory is taken, or runs out, at once. What all rows of a call begin with
    is run once. Where memory runs out, batches are halved. Values are waited for but once, at the end.

    Parameters
    ----------
    subject : Subject
    names : tuple of str
        What each line of a row is called in the model's `forward`; token ids come first.

    Attributes
    ----------
    rows_at_once : int
        The most rows that one batch may hold.
    room : Room
        The most tokens with their padding, and logits that are kept.
    pass_tokens : float
        How many tokens take as long as what a pass takes by itself: as much padding is worth a pass less.
    work : Work
        What all calls took together.
    """

    def __init__(self, subject: Subject, names: tuple[str, ...] = ("input_ids",)) -> None:
        self.subject = subject
        self.work = Work()
        self._forward = Forward(subject, names)
        self._vocabulary = subject.vocabulary
        on_cpu = subject.device.type == "cpu"
        self.rows_at_once = 64 if on_cpu else 256
        self.room = Room(subject)
        self.pass_tokens = _CPU_PASS / max(subject.parameters, 1) ** 0.25 if on_cpu else _GPU_PASS * self.room.tokens
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
        # Whether a causal model goes on from what it keeps of a prefix is tried out as well.
        self._sharing_is_harmless = None if subject.kind == "causal" and not subject.turns_with_length else False
        self._kept: Kept | None = None
        self._stretches, self._lock = 0, Lock()

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
            keys = [(row.shape[1], row.tobytes()) for row in rows]
            kept, question = self._kept or Kept(), (read, tuple(suffixes))
            known = kept.known(question)
            fresh = {key: row for key, row in zip(keys, rows, strict=True) if key not in known}
            order = sorted(fresh, key=lambda key: -key[0])
            parts: list[Tensor] = []
            try:
                parts += self._parts([fresh[key] for key in order], read, suffixes, kept)
                values = fetch(torch.cat(parts)) if parts else None
            finally:  # what a call that fails has taken is its own, not the next one's
                work = self._forward.take_work() + Work(rows=len(rows), evaluated=len(order))
                self.work += work + Work(other_seconds=perf_counter() - began - work.forward_seconds)
            place = {key: i for i, key in enumerate(order)}
            recalled = [key for key in dict.fromkeys(keys) if key not in place] if known else []
            pool = [] if values is None else [values]
            if recalled:
                place |= {key: len(order) + i for i, key in enumerate(recalled)}
                pool.append(np.stack([known[key] for key in recalled]))
            if values is not None:
                kept.remember(question, order, values)
        return np.concatenate(pool)[[place[key] for key in keys]]

    def _parts(self, rows: list[IntArray], read: Read, suffixes: Suffixes, kept: Kept) -> Iterator[Tensor]:
        """The values of rows, the longest first, batch after batch."""
        if not rows:
            return
        prefix = self._shared_prefix(rows, kept)
        if prefix is not None:
            rows = [row[:, len(prefix) :] for row in rows]
        lengths = np.array([row.shape[1] for row in rows]) + max(map(len, suffixes))
        start, ends, room = 0, deque[int](), (0, 0)
        while start < len(rows):
            if not ends or room != (self.room.tokens, self.room.logits):
                room = self.room.tokens, self.room.logits
                limits = self._most_rows(suffixes), self.room.tokens, self.pass_tokens
                ends = deque(start + end for end in partition(lengths[start:], *limits))
            batch = self._batch(rows[start : ends[0]], suffixes)
            values = self._try(batch, read, suffixes, prefix)
            if values is not None:
                yield values
                start += len(batch)
                if start == ends[0]:
                    ends.popleft()

    def _try(self, batch: list[IntArray], read: Read, suffixes: Suffixes, prefix: Prefix | None) -> Tensor | None:
        """A batch's values; None where memory ran out, and then later batches are at most half as large."""
        import torch

        try:
            values = read(self._forward(batch, suffixes, prefix))
            if self.room.is_short:
                self.room.fitted(*self._whole_size(batch, suffixes))
            return values
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(batch) == 1:
                tokens = batch[0].shape[1] + (0 if prefix is None else len(prefix))
                raise out_of_memory(self.subject.name, f" on a single input of {tokens} tokens") from error
        # Not before here are the tensors of the failed pass let go.
        self.room.ran_out(*self._whole_size(batch, suffixes))
        logger.warning(
            "memory ran out on a batch of %d inputs; batches hold %d tokens now", len(batch), self.room.tokens
        )
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None

    def _batch(self, rows: list[IntArray], suffixes: Suffixes) -> list[IntArray]:
        """The first of some rows, the longest first, that may share a pass as far as logits and padding go."""
        count = len(rows)
        if self.subject.generative:
            _, logits = self._size(np.array([row.shape[1] for row in rows]), suffixes)
            count = max(1, int((logits <= self.room.logits).sum()))
        equal = sum(row.shape[1] == rows[0].shape[1] for row in rows[:count])
        return rows[: count if equal == count or self._may_pad(rows[count - 1], rows[0]) else equal]

    def _most_rows(self, suffixes: Suffixes) -> int:
        """How many rows of one length a batch may hold."""
        if not self.subject.generative:
            return self.rows_at_once
        _, logits = self._size(np.ones(1, dtype=np.int64), suffixes)
        return max(1, min(self.rows_at_once, self.room.logits // int(logits[0])))

    def _whole_size(self, batch: list[IntArray], suffixes: Suffixes) -> tuple[int, int]:
        """How many tokens, with padding, and how many logits a batch makes."""
        tokens, logits = self._size(np.array([row.shape[1] for row in batch]), suffixes)
        return int(tokens[-1]), int(logits[-1])

    def _size(self, lengths: npt.NDArray[np.int64], suffixes: Suffixes) -> tuple[IntArray, IntArray]:
        """How many tokens, with padding, and how many logits the first 1, 2, … rows make, the longest first."""
        count = np.arange(1, len(lengths) + 1)
        kept = sum(len(suffix) + 1 for suffix in suffixes) + (lengths[0] - lengths) * len(suffixes)
        return count * (lengths[0] + max(map(len, suffixes))), count * kept * self._vocabulary

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
                    "%s gives other values when its input is padded: only inputs of equal length share a batch",
                    self.subject.name,
                )
        return self._padding_is_harmless

    @contextmanager
    def unchanged(self, remembers: bool) -> Iterator[None]:
        """Within, the model does not change from call to call: what they all begin with is run once for all of them.

        So are equal rows, if it `remembers`; where values move with the batch they are to be evaluated again.
        """
        with self._lock:
            self._kept = self._kept or Kept(remembers)
            self._stretches += 1
        try:
            yield
        finally:
            with self._lock:
                self._stretches -= 1
                self._kept = self._kept if self._stretches else None

    def _shared_prefix(self, rows: list[IntArray], kept: Kept) -> Prefix | None:
        """What the model made of the tokens that rows, the longest first, begin with; None where it is not shared."""
        if self._sharing_is_harmless is False:
            return None
        last, kept.last = kept.last, rows[:1]
        if kept.prefix is not None and all(kept.prefix.begins(row) for row in rows):
            return kept.prefix
        # Later calls, too, will begin as what was kept and as the call before.
        tried = [*rows, *last]
        tried += [] if kept.prefix is None else [np.pad(kept.prefix.tokens, ((0, 0), (0, 1)))]
        length = beginning(tried) if len(tried) > 1 else 0
        if length < SHORTEST or (not last and length * (len(rows) - 1) < self.pass_tokens):
            return None
        # Else anew in every call: weights, adapters and hooks may have changed since.
        prefix = if_it_fits(lambda: self._forward.run_prefix(rows[0][:, :length]))
        if self._sharing_is_harmless is None:
            self._sharing_is_harmless = prefix is not None and self._may_share(prefix, tried[-1], tried[0])
            if self._sharing_is_harmless is False:
                logger.info(
                    "%s does not go on from a prefix's cache, or memory does not do for one, so every row is run whole",
                    self.subject.name,
                )
        if not self._sharing_is_harmless:
            return None
        kept.prefix = prefix
        return prefix

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
