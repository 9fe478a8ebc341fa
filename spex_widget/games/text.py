"""The feature lens: which words of a text act together."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt

from spex_widget.games.ablation.ablation import Ablation, ablate_with
from spex_widget.games.characters import check_characters
from spex_widget.games.chat import TURN_UNITS, Message, are_turns, is_chat, render_chat
from spex_widget.games.game import Game
from spex_widget.games.layout import Layout, lay_out
from spex_widget.games.model.batching import Batcher
from spex_widget.games.model.subject import Encoding, Subject
from spex_widget.games.targets.readout import Prompt, Readout
from spex_widget.games.targets.resolve import read_target
from spex_widget.games.units import Span, protected_spans, stripped
from spex_widget.games.work import Work
from spex_widget.spectrum.arguments import BoolArray, FloatArray, check_count


class TextGame(Game):
    r"""The words of a text as players, for a model from Hugging Face that reads it.

    A sequence classifier; a causal language model, which goes on from the text; one with a decoder of its own (T5,
    BART), which answers it; or an encoder without a head, whose embedding of the text is compared with another. With
    adapters or without, quantised, offloaded or spread over devices: the model is evaluated as it is, where it is.

    Special tokens are never players, nor is what a chat template writes. Tokens that cover only white space, between
    units, belong to no player and stay; a single space goes with the unit behind it.

    Parameters
    ----------
    model : transformers.PreTrainedModel or peft.PeftModel
        As above; or a `transformers.pipeline` around one, which brings its tokenizer along: text is named then.
    tokenizer : transformers.PreTrainedTokenizerBase
        Its tokenizer.
    text : str, or sequence of {"role": str, "content": str}
        The text, or prompt; special tokens are put around it as the tokenizer does. Or the messages of a chat, which
        the tokenizer's chat template makes one text of: `game.text`, in which spans count.
    units : {"word", "token", "clause", "sentence", "line", "paragraph"}, re.Pattern, spans, or mapping
        What a player is: a word, with the punctuation on it; one of the tokenizer's tokens; and so on. Or each match of
        a regular expression; each of a sequence of spans (start, end) of characters, or lists of such that are ablated
        together; or each group of a mapping from labels to strings (all their occurrences) and spans. Of a chat also
        "turn", or "exchange", a turn of the user's with what answers it: few-shot examples, say. The rest stays.
    ablation : {"auto", "mask_token", "remove", "neutral", "attention"}, Neutral, Replace, Infill or mapping
        What happens to the tokens of an ablated player: each is replaced by the mask token; they are removed; each is
        replaced by a neutral token (see `Neutral`); or they are hidden by the attention mask, the positions of all
        others kept (behind the last word that is present none is, and an answer moves up), which is refused where a
        model does not honour it. "auto" is the mask token where the tokenizer
        has one, and removal else. `Replace`, or a mapping from players to texts, puts another text in the place of a
        player; `Infill` what a masked language model would write there.
    target : str, int, Target or None
        What is measured: `Label`, `Continuation`, `Answer` (every token of it an output), `LogOdds`, `Perplexity`,
        `Similarity` or `Custom`. A string is a label's name for a classifier (its logit), a continuation for a
        language model (its log-probability), a query for an encoder (cosine similarity). None is what the model makes
        of the whole text: the label that it gives, its own next token, or the text's own embedding.
    protect : str, (start, end), or a sequence of these, optional
        Parts of the text that are never ablated: every occurrence of a string, or spans of characters. Units that
        they touch are no players.
    turns : int, str, or a sequence of these, optional
        The turns of a chat that players lie within, by index or by role; by default the user's last, or where players
        are whole turns those before it, but the system's.

    Raises
    ------
    TypeError
        If the model, the tokenizer, the text, or an option is of the wrong kind.
    ValueError
        If fewer than two players are left, units overlap, the text (with the continuation) is longer than the model
        takes, the target is unknown to the model, the ablation cannot be done with the tokenizer, or the tokenizer
        does not fit the model or has no template for a chat.

    Examples
    --------
    >>> game = TextGame(model, tokenizer, "not bad at all", target="POSITIVE")  # doctest: +SKIP
    >>> game([[True, True, True, True], [False, True, True, True]])  # doctest: +SKIP
    array([[ 2.31],
           [-1.87]])
    >>> game.show([False, True, True, True])  # doctest: +SKIP
    '[CLS] [MASK] bad at all [SEP]'
    >>> game  # doctest: +SKIP
    <TextGame 'not bad at all': 4 players, ablated: replaced by [MASK]; logit of POSITIVE>

    A pipeline:

    >>> TextGame(pipeline("text-classification"), text="not bad at all")  # doctest: +SKIP

    Few-shot examples as players, the question always there:

    >>> prompt = "2 + 2 = 4\n\n3 + 3 = 9\n\n1 + 1 ="
    >>> TextGame(model, tokenizer, prompt, target=" 2", units="paragraph", protect="1 + 1 =")  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any = None,
        text: str | Sequence[Message] | None = None,
        *,
        units: Any = "word",
        ablation: str | Ablation | Mapping[str | int, str] = "auto",
        target: Any = None,
        protect: Any = None,
        turns: Any = None,
    ) -> None:
        subject = Subject.of(model, tokenizer)
        within, parts = None, units
        if is_chat(text):
            chat = render_chat(subject, text, turns, units)
            text, within, parts = chat.text, chat.spans, chat.divided(units)
        elif turns is not None or are_turns(units):
            raise TypeError(f"turns are those of a chat, and text is none, got turns={turns!r}, units={units!r}")
        text = _check_text(text)
        encoding = subject.encode(text, complete=within is not None)
        subject.check_ids(encoding.inputs[0], "the text")
        subject.check_length(encoding.inputs.shape[1], "the text")

        whole = lay_out(text, parts, encoding.spans, _fixed(text, encoding, within))
        layout = whole.holding(protected_spans(text, protect))
        _check_players(text, units, len(whole.players), len(layout.players))
        self.text = text
        self._subject = subject
        self._encoding = encoding
        self._how = ablation
        self._play(layout, units, lambda prompt: self._resolve(target, prompt))

    def _play(self, layout: Layout, units: Any, resolve: Callable[[Prompt], Readout]) -> None:
        """Become the game of a layout's players."""
        subject = self._subject
        rows = ablate_with(self._how, subject, self._encoding, layout)
        complete = rows(np.ones((1, len(layout.players)), dtype=np.bool_))[0]
        batcher = Batcher(subject, rows.names)
        readout = resolve(Prompt(batcher, self.text, complete))
        if subject.kind == "causal":
            for suffix in readout.suffixes:
                subject.check_length(rows.longest + len(suffix), "the text with its replacements and the continuation")
        self.units, self._layout, self._rows, self._batcher, self._readout = units, layout, rows, batcher, readout
        super().__init__(
            layout.players,
            readout.outputs,
            pieces=layout.pieces(),
            model=subject.name,
            value=readout.value,
            ablation=rows.words,
        )

    def within(self, players: Iterable[int], units: Any) -> TextGame:
        """Return the game among smaller units of some of the players, the rest of the text held present.

        Parameters
        ----------
        players : iterable of int
            Indices of at least one player.
        units : str, re.Pattern, spans, or mapping
            See `TextGame`; parts of the text beyond these players are no units.

        Raises
        ------
        TypeError, ValueError
            If an index is out of range, or there are fewer than two such units.

        Examples
        --------
        >>> game = TextGame(model, tokenizer, "So dull. Not bad, though.", units="sentence")  # doctest: +SKIP
        >>> game.within([1], "word").players  # doctest: +SKIP
        ('Not', 'bad,', 'though.')
        """
        if not isinstance(players, Iterable):
            raise TypeError(f"players must be indices of at least one player, got {players!r}")
        chosen = {check_count(i, "a player", 0) for i in players}
        if not chosen or max(chosen) >= self.n:
            raise ValueError(f"players must be indices from 0 to {self.n - 1}, at least one, got {sorted(chosen)}")
        layout = self._layout
        spans = [part for part, player in zip(layout.parts, layout.player_of, strict=False) if player in chosen]
        fixed = _fixed(self.text, self._encoding, spans)
        smaller = lay_out(self.text, units, self._encoding.spans, fixed)
        _check_players(self.text, units, len(smaller.players), len(smaller.players))
        game, readout = copy.copy(self), self._readout
        game._play(smaller, units, lambda _: readout)
        return game

    def evaluate(self, coalitions: BoolArray) -> FloatArray:
        """Answer with what the model makes of the ablated text."""
        return self._batcher(self._rows(coalitions), self._readout.read, self._readout.suffixes)

    def unchanged(self) -> AbstractContextManager[None]:
        """A stretch in which the model does not change: what calls have in common is run once for all of them."""
        return self._batcher.unchanged(remembers=not self.moves_with_batch)

    def show(self, coalition: npt.ArrayLike) -> str:
        """What the model sees in one coalition, special tokens included, decoded from the token ids.

        What the attention mask hides stands in brackets, as in "the plot was [hidden: not] bad".
        """
        return self._rows.show(self._subject.tokenizer, self.one_coalition(coalition))

    @property
    def answer_tokens(self) -> tuple[str, ...]:
        """The answer, cut into what each output adds to it; empty where something else is measured."""
        return self._readout.tokens

    @property
    def threshold(self) -> float | None:
        """The value at which the model's answer changes: 0 of log-odds, say; None where none is known."""
        return self._readout.threshold

    @property
    def moves_with_batch(self) -> bool:
        """Whether the model computes in half precision, if in part, so that values round otherwise in another batch."""
        half = any(weight.dtype.itemsize < 4 for weight in self._subject.model.parameters())
        return half and self._batcher.rows_at_once > 1

    def span(self, text: str) -> slice:
        """The outputs that a stretch of the answer is made of, to be explained together: `select` takes them.

        Parameters
        ----------
        text : str
            As it stands in `answer`, where it must occur just once. Tokens that reach beyond it are taken whole.

        Raises
        ------
        ValueError
            If it does not, or the target is no answer.

        Examples
        --------
        >>> game = TextGame(model, tokenizer, "Where is the tower? It is in", target=Answer())  # doctest: +SKIP
        >>> view = explain(game)  # doctest: +SKIP
        >>> view.select(game.span("the capital"))  # doctest: +SKIP
        """
        return self._readout.find(text)

    def _resolve(self, target: Any, prompt: Prompt) -> Readout:
        """The target's readout; without a target, of what the model itself makes of the whole text."""
        subject = self._subject
        if subject.kind == "causal" and prompt.batcher.reads_ahead(prompt.inputs[:, :-1][:, :8]):
            raise ValueError(
                f"model must be causal, and what {subject.name} says of a token changes with those that follow it; "
                "encoders take config.is_decoder = True when they are loaded, or serve as sequence classifiers"
            )
        return read_target(target, prompt)

    @property
    def work(self) -> Work:
        """Rows, passes, tokens and seconds of all calls so far."""
        return self._batcher.work

    def _identity(self) -> str:
        """What the model is given, what is read, and a digest of the weights."""
        return f"{self._rows.digest()} {self._readout.suffixes} {self._readout.digest} {self._subject.digest()}"


def _fixed(text: str, encoding: Encoding, within: list[Span] | None) -> list[bool]:
    """Which tokens no unit may hold: special ones, and those that reach out of the stretches that units lie within."""
    if within is None:
        return encoding.special

    def is_inside(span: Span) -> bool:
        start, end = next(iter(stripped(text, [span])), span)  # white space on its own has to lie within as well
        return any(a <= start and end <= b for a, b in within)

    return [out or not is_inside(span) for span, out in zip(encoding.spans, encoding.special, strict=True)]


def _check_players(text: str, units: Any, found: int, left: int) -> None:
    """ValueError where fewer than two players are there, or left of more."""
    named = f"matches of {units.pattern!r}" if isinstance(units, re.Pattern) else "units"
    named = f"{units}s" if isinstance(units, str) else named
    if found < 2:
        smaller = {"token": "give a longer one", "word": "units='token' may divide it further"}
        smaller |= dict.fromkeys(TURN_UNITS, "turns= names others, as in turns=['user', 'assistant']")
        hint = smaller.get(units, "units='word' divides it further") if isinstance(units, str) else "give more"
        raise ValueError(
            f"text must have at least 2 {named} to have an interaction, got {found}: {_shown(text)}; {hint}"
        )
    if left < 2:
        raise ValueError(
            f"protect must leave at least 2 {named} as players, got {left} of {found}; protect less of the text"
        )


def _check_text(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError(
            "text must be a str, or a chat, as in [{'role': 'user', 'content': '…'}], "
            f"got {type(text).__name__}; one game explains one text"
        )
    if not text.strip():
        raise ValueError(f"text must hold at least 2 words, got {text!r}, which has none")
    check_characters(text, "text")
    return text


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
