"""A Hugging Face model with its tokenizer, and what the lenses have to know of them."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.model.kinds import Kind, checked, within
from spex_widget.games.model.offsets import plain_ids, token_spans
from spex_widget.games.model.weights import digest_weights, hooks_of
from spex_widget.games.units import Span


@dataclass(frozen=True)
class Encoding:
    """A text as a model takes it.

    Parameters
    ----------
    inputs : ndarray of shape (k, length), int64
        A row for each of `names`; the token ids come first.
    names : tuple of str
        What the rows are called in the model's `forward`.
    spans : list of (start, end)
        The characters that each token covers.
    special : list of bool
        True where a token is special: put in by the tokenizer, or written out in the text.
    """

    inputs: npt.NDArray[np.int64]
    names: tuple[str, ...]
    spans: list[Span]
    special: list[bool]


@dataclass(frozen=True)
class Subject:
    """A model with its tokenizer; `Subject.of` checks that they are such.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    tokenizer : transformers.PreTrainedTokenizerBase
        Offsets of its tokens are found where it does not know them.
    kind : {"classifier", "causal", "seq2seq", "encoder"}
        A sequence classifier; a language model that goes on from the text; one that answers it (an encoder reads the
        text, a decoder writes); or a model without a head, which answers with its last hidden states.
    """

    model: Any
    tokenizer: Any
    kind: Kind

    @classmethod
    def of(cls, model: Any, tokenizer: Any = None) -> Subject:
        """Check a model and a tokenizer, or take both out of a `transformers.pipeline`.

        Raises
        ------
        TypeError
            If the model is of none of the four kinds, or has no table of embeddings; or the tokenizer is none.
        ValueError
            If the model's weights are nowhere.
        """
        subject = cls(*checked(model, tokenizer))
        try:
            device = subject.device
        except NotImplementedError:
            raise TypeError(
                f"model must have a table of input embeddings, one for each token, and {subject.name} has none"
            ) from None
        if device.type == "meta":
            raise ValueError(f"model must have weights, and those of {subject.name} are nowhere (on the device 'meta')")
        return subject

    @property
    def generative(self) -> bool:
        """Whether the model is a language model, which says what token comes next."""
        return self.kind in ("causal", "seq2seq")

    @property
    def name(self) -> str:
        """What the model is called: the last part of the name that it was loaded by, else its class."""
        name = re.split(r"[\\/]", str(self.config.name_or_path).rstrip("\\/"))[-1]
        return name or type(within(self.model)).__name__

    @property
    def tokenizer_name(self) -> str:
        """The tokenizer's class."""
        return type(self.tokenizer).__name__

    @property
    def config(self) -> Any:
        """The model's configuration."""
        return self.model.config

    @property
    def accepts(self) -> frozenset[str]:
        """What the model's `forward` takes, by name; an adapter around a model hands on what it does not name."""
        return frozenset(inspect.signature(within(self.model).forward).parameters)

    @property
    def device(self) -> Any:
        """Where inputs go: the first layer's device, also of a model that is spread over several or offloaded."""
        import torch

        embedding, weight = self.model.get_input_embeddings(), self._embedding
        if not weight.is_meta:
            return weight.device
        # A weight that is loaded for each pass: its layer's hooks, else those around it, say where that is run.
        hooks = (hook for module in chain(embedding.modules(), self.model.modules()) for hook in hooks_of(module))
        named = (getattr(hook, "execution_device", None) for hook in hooks)
        return torch.device(next((device for device in named if device is not None), "meta"))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of a classifier, in the order of its logits; "?" for what is no character, and no file takes."""
        names = (str(self.config.id2label.get(i, i)) for i in range(self.config.num_labels))
        return tuple(name.encode(errors="replace").decode() for name in names)

    @property
    def vocabulary(self) -> int:
        """How many token ids the model knows."""
        return int(self._embedding.shape[0])

    @property
    def _embedding(self) -> Any:
        weight = self.model.get_input_embeddings().weight
        return weight() if callable(weight) else weight  # packed where quantised

    @property
    def positions(self) -> int | None:
        """How many tokens a text may have; None where there is no limit."""
        return self._limit("max_encoder_position_embeddings")

    @property
    def positions_written(self) -> int | None:
        """How many tokens there may be where the model writes: behind a text, or a decoder's own, with its start."""
        return self._limit("max_decoder_position_embeddings")

    def _limit(self, name: str) -> int | None:
        config = self.config.get_text_config()
        limits = (getattr(config, each, None) for each in ("max_position_embeddings", "max_seq_len", name))
        limit = next((limit for limit in limits if limit and limit > 0), None)
        return None if limit is None else limit - self.first_position

    @property
    def first_position(self) -> int:
        """What the model counts positions from.

        RoBERTa and its kin do so from behind the padding token: 514 positions hold 512 tokens.
        """
        for name, module in self.model.named_modules():
            if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
                return int(module.padding_idx) + 1
        return 0

    @property
    def turns_with_length(self) -> bool:
        """Whether a token's rotary position depends on how long the longest row of its batch is."""
        config = self.config.get_text_config()
        rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
        kinds = [rope, *(part for part in rope.values() if isinstance(part, dict))]
        return any(part.get("rope_type", part.get("type")) in ("longrope", "dynamic") for part in kinds)

    @property
    def parameters(self) -> int:
        """How many parameters the model has, those that are packed as they are packed."""
        return sum(weight.numel() for weight in self.model.parameters())

    @property
    def is_packed(self) -> bool:
        """Whether weights are not simply there: quantised, or loaded for each pass."""
        weights = self.model.parameters()
        return self.rounds_together or any(weight.is_meta or not weight.is_floating_point() for weight in weights)

    @property
    def rounds_together(self) -> bool:
        """Whether how a row is rounded depends on the rows beside it: so it is with dynamic quantisation."""
        return any("quantized.dynamic" in type(module).__module__ for module in self.model.modules())

    @property
    def pad(self) -> int | None:
        """The token id that the model itself takes for padding; None where it has none."""
        pad = getattr(self.config.get_text_config(), "pad_token_id", None)
        return pad if pad is not None and 0 <= pad < self.vocabulary else None

    @property
    def start(self) -> int | None:
        """The token id that a text may start from: the start token, else the end token, else None."""
        ids = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id)
        return next((int(i) for i in ids if i is not None), None)

    @property
    def decoder_start(self) -> tuple[int, ...]:
        """The tokens that a decoder of its own begins with, before it writes anything.

        BART and its kin are trained to write a start token of their own after the first, and are made to do so.

        Raises
        ------
        ValueError
            If the model does not say what it begins with.
        """
        configs = (getattr(self.model, "generation_config", None), self.config)
        # As `generate` looks for it.
        names = ("decoder_start_token_id", "bos_token_id")
        found = (getattr(config, name, None) for name in names for config in configs)
        first = next((i for i in found if i is not None), None)
        if first is None:
            raise ValueError(
                f"model must say which token its decoder begins with, and {self.name} does not; set "
                "model.generation_config.decoder_start_token_id"
            )
        ids = (first, getattr(configs[0] or self.config, "forced_bos_token_id", None))
        return tuple(int(i) for i in ids if i is not None)

    def encode(self, text: str, *, complete: bool = False) -> Encoding:
        """Encode a text once, never truncated, with the special tokens that the tokenizer puts around it.

        A complete text, which a chat template wrote, has its own already.

        Raises
        ------
        ValueError
            If there is no saying where in the text its tokens stand.
        """
        tokenizer = self.tokenizer
        batch = tokenizer(
            text,
            add_special_tokens=not complete,
            truncation=False,
            padding=False,
            return_offsets_mapping=tokenizer.is_fast,
            return_special_tokens_mask=tokenizer.is_fast,
            verbose=False,
        )
        ids = batch["input_ids"]
        if tokenizer.is_fast:
            spans, added = batch["offset_mapping"], batch["special_tokens_mask"]
        else:
            spans, added = token_spans(tokenizer, text, ids)
        types = batch.get("token_type_ids")
        # A type other than 0 is handed on; zeros are what models assume, or (GPT-2) not the same as none.
        names = ("input_ids", "token_type_ids") if types and any(types) else ("input_ids",)
        inputs = np.array([ids, types] if len(names) > 1 else [ids], dtype=np.int64)
        written = {i: str(token) for i, token in tokenizer.added_tokens_decoder.items() if token.special}
        special = [
            bool(put) or written.get(i) == text[start:end].strip()
            for i, put, (start, end) in zip(ids, added, spans, strict=True)
        ]
        first, last = 0, len(ids)
        if added and added[0] and ids[:2] == [tokenizer.bos_token_id] * 2:
            first = 1  # a prompt from a chat template has its own start token
        while self.kind == "causal" and last and added[last - 1]:
            last -= 1  # a language model goes on from the text, not from an end token put behind it
        return Encoding(inputs[:, first:last], names, [tuple(span) for span in spans[first:last]], special[first:last])

    def continuation(self, text: str, continuation: str) -> tuple[int, ...]:
        """Token ids of what follows a text: as they come out in the whole, where that leaves the text's own alone.

        What a decoder writes stands alone.
        """
        if self.kind == "seq2seq":
            return tuple(plain_ids(self.tokenizer, continuation, written=True))
        return self.following(text, continuation)

    def following(self, text: str, more: str) -> tuple[int, ...]:
        """Token ids of what is put behind a text: as they come out in the whole, where that leaves the text's alone."""
        before, whole, alone = (plain_ids(self.tokenizer, each) for each in (text, text + more, more))
        return tuple(whole[len(before) :] if whole[: len(before)] == before else alone)

    def check_ids(self, ids: npt.NDArray[np.int64], what: str) -> None:
        """ValueError where a token id is beyond the model's vocabulary (on a GPU it would end the process)."""
        if ids.size and ids.max() >= self.vocabulary:
            bad = int(ids.max())
            raise ValueError(
                f"{what} has the token id {bad} ({self.tokenizer.convert_ids_to_tokens(bad)!r}), and {self.name} knows "
                f"ids up to {self.vocabulary - 1} only; use the tokenizer that the model was trained with, or "
                "model.resize_token_embeddings(len(tokenizer))"
            )

    def check_length(self, tokens: int, what: str, *, written: bool = False) -> None:
        """ValueError where so many tokens are more than the model has positions for (where it writes, if written)."""
        limit = self.positions_written if written else self.positions
        if limit is not None and tokens > limit:
            raise ValueError(
                f"{what} makes {tokens} tokens, special tokens included, and {self.name} takes {limit} at "
                f"most; shorten it by at least {tokens - limit} tokens (nothing is cut off silently)"
            )

    def digest(self) -> str:
        """A digest of the weights, wherever they are kept."""
        return digest_weights(self.model)
