"""The feature lens: which words of a text act together."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.ablation import choose_ablation
from spex_widget.games.batching import Batcher
from spex_widget.games.game import Game
from spex_widget.games.readout import Prompt, Readout
from spex_widget.games.subject import Subject
from spex_widget.games.targets import read_target
from spex_widget.games.units import UNITS, find_units, protected_spans, to_pieces, touches
from spex_widget.games.work import Work
from spex_widget.spectrum.arguments import BoolArray, FloatArray


class TextGame(Game):
    """The words of a text as players, for a sequence classifier or a causal language model from Hugging Face.

    Special tokens are never players. Tokens that cover only white space belong to no player and stay.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A sequence classifier or a causal language model; evaluated on the device where it is.
    tokenizer : transformers.PreTrainedTokenizerBase
        Its tokenizer.
    text : str
        The text, or prompt. Special tokens are put around it as the tokenizer does.
    units : {"word", "token", "sentence"}
        What a player is: a word, with the punctuation on it; one of the tokenizer's tokens; or a sentence.
    ablation : {"auto", "mask_token", "remove"}
        What happens to the tokens of an ablated player: each is replaced by the mask token, or they are removed.
        "auto" is the mask token where the tokenizer has one, and removal else.
    target : str, int, Target or None
        What is measured: `Label`, `Continuation`, `Answer` (every token of it an output), `LogOdds`, `Perplexity`,
        `Similarity` or `Custom`. A string is a label's name for a classifier (its logit), a continuation for a
        language model (its log-probability), a query for an encoder (cosine similarity). None is what the model makes
        of the whole text: the label that it gives, its own next token, or the text's own embedding.
    protect : str, (start, end), or a sequence of these, optional
        Parts of the text that are never ablated: every occurrence of a string, or spans of characters. Units that
        they touch are no players.

    Raises
    ------
    TypeError
        If the model, the tokenizer, the text, the target or `protect` is of the wrong kind.
    ValueError
        If fewer than two players are left, the text (with the continuation) is longer than the model takes, the
        target is unknown to the model, the ablation cannot be done with the tokenizer, or the tokenizer does not
        fit the model.

    Examples
    --------
    >>> game = TextGame(model, tokenizer, "not bad at all", target="POSITIVE")  # doctest: +SKIP
    >>> game([[True, True, True, True], [False, True, True, True]])  # doctest: +SKIP
    array([[ 2.31],
           [-1.87]])
    >>> game.show([False, True, True, True])  # doctest: +SKIP
    '[CLS] [MASK] bad at all [SEP]'
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        text: str,
        *,
        units: str = "word",
        ablation: str = "auto",
        target: Any = None,
        protect: Any = None,
    ) -> None:
        subject = Subject.of(model, tokenizer)
        _check_text(text)
        if not isinstance(units, str) or units not in UNITS:
            raise ValueError(f"units must be one of {', '.join(map(repr, UNITS))}, got {units!r}")
        encoding = subject.encode(text)
        subject.check_ids(encoding.inputs[0], "the text")
        subject.check_length(encoding.inputs.shape[1], "the text")

        spans, unit = find_units(text, units, encoding.spans, encoding.special)
        if len(spans) < 2:
            smaller = {"sentence": "; units='word' divides it further", "word": "; units='token' may divide it further"}
            raise ValueError(
                f"text must have at least 2 {units}s to have an interaction, got {len(spans)}: {_shown(text)}"
                + smaller.get(units, "; give a longer one")
            )
        held = protected_spans(text, protect)
        free = np.array([not touches(span, held) for span in spans])
        if free.sum() < 2:
            raise ValueError(
                f"protect must leave at least 2 {units}s as players, got {int(free.sum())} of {len(spans)}; "
                "protect less of the text"
            )
        players = [span for span, is_free in zip(spans, free, strict=True) if is_free]
        # Unit by unit its player or -1, and -1 again for the tokens that belong to no unit.
        self._owner = np.append(np.where(free, np.cumsum(free) - 1, -1), -1)[unit]
        self._inputs = encoding.inputs
        self._subject = subject
        self._ablation = choose_ablation(ablation, subject, self._owner)
        fixed = encoding.inputs[:, : int(np.argmax(self._owner >= 0))]  # in front of the first player
        self._batcher = Batcher(subject, encoding.names, fixed)
        self._readout = self._resolve(target, text)
        self.text = text
        self.units = units
        super().__init__(
            [text[start:end] for start, end in players],
            self._readout.outputs,
            pieces=to_pieces(text, players),
            model=subject.name,
            value=self._readout.value,
            ablation=self._ablation.words,
        )

    def evaluate(self, coalitions: BoolArray) -> FloatArray:
        """Answer with what the model makes of the ablated text."""
        rows = self._ablation.rows(self._inputs, self._owner, coalitions)
        return self._batcher(rows, self._readout.read, self._readout.suffixes)

    def show(self, coalition: npt.ArrayLike) -> str:
        """What the model sees in one coalition, special tokens included, decoded from the token ids."""
        row = self._ablation.rows(self._inputs, self._owner, self.one_coalition(coalition)[None])[0]
        tokenizer = self._subject.tokenizer
        return str(tokenizer.decode(row[0], skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _resolve(self, target: Any, text: str) -> Readout:
        """The target's readout; without a target, of what the model itself makes of the whole text."""
        subject, whole = self._subject, self._inputs
        if subject.kind == "causal" and self._batcher.reads_ahead(whole[:, :-1][:, :8]):
            raise ValueError(
                f"model must be causal, and what {subject.name} says of a token changes with the tokens behind it; "
                "encoders take config.is_decoder = True when they are loaded, or serve as sequence classifiers"
            )
        return read_target(target, Prompt(self._batcher, text, whole))

    @property
    def work(self) -> Work:
        """Rows, passes, tokens and seconds of all calls so far."""
        return self._batcher.work

    def _identity(self) -> str:
        """Token ids, the player of each, what replaces it, what is read, and a digest of the weights."""
        digest = hashlib.sha256(self._inputs.tobytes() + self._owner.astype(np.int64).tobytes()).hexdigest()
        how = (self._ablation.replacement, self._ablation.start, self._readout.suffixes, self._readout.digest)
        return f"{digest} {how} {self._subject.digest()}"


def _check_text(text: Any) -> None:
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {type(text).__name__}; one game explains one text")
    if not text.strip():
        raise ValueError(f"text must hold at least 2 words, got {text!r}, which has none")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"text must be valid Unicode, got half a surrogate pair, {text[error.start]!r}, at {error.start}; "
            "text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace') repairs it"
        ) from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
