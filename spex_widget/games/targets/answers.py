"""What is measured of a language model: texts that it goes on with, or answers."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spex_widget.games.characters import check_characters
from spex_widget.games.model.batching import Read
from spex_widget.games.targets.generation import generate, spell, token_texts
from spex_widget.games.targets.labels import Label, check_label, log_odds_of_labels
from spex_widget.games.targets.readout import Prompt, Readout, Target, TokenIds, refusal
from spex_widget.spectrum.arguments import check_count

if TYPE_CHECKING:
    from torch import Tensor

    from spex_widget.games.model.output import ModelOutput

logger = logging.getLogger(__name__)

# Where a text breaks off and where it goes on, in scripts that put a space between words.
_BREAKS_OFF, _GOES_ON = re.compile(r"[\w.,;:!?]\Z"), re.compile(r"[^\W_\u0e00-\U0010ffff]")


@dataclass(frozen=True)
class Continuation(Target):
    """The log-probability of a text that follows the prompt: the sum over its tokens.

    Of a model whose decoder answers the text (T5, BART), it is what the decoder writes from its start.

    Parameters
    ----------
    text : str
        As it would follow the prompt, with the white space between them: " Paris" rather than "Paris".

    Raises
    ------
    TypeError, ValueError
        If the text is no string, or none that a tokenizer takes.

    Examples
    --------
    >>> Continuation(" Paris")
    Continuation(text=' Paris')
    """

    text: str

    def __post_init__(self) -> None:
        _check_text(self.text)

    def resolve(self, prompt: Prompt) -> Readout:
        """Turn the continuation into token ids."""
        suffixes, read = _sums([continuation_ids(prompt, self.text)])
        return Readout((self.text,), f"log-probability of {self.text!r}", read, suffixes)


@dataclass(frozen=True)
class Answer(Target):
    """The log-probability of every token of an answer, each an output of the game.

    One set of ablations explains the whole answer: which of its tokens is explained, or which span of them, is chosen
    afterwards (`select`), with no new ablation. The sum over a span is its log-probability, given what comes before;
    over all, ``slice(None)``, that of the answer. `TextGame.answer` is the whole of it, and `TextGame.span` finds the
    tokens that a stretch of it is made of.

    Parameters
    ----------
    text : str, optional
        The answer, as it would follow the prompt. By default the model's own to the whole prompt: one sequence, its
        likeliest token each time, as ``model.generate(do_sample=False, num_beams=1)`` gives it, up to an end token,
        which does not belong to it. Whether and how the model's `generation_config` samples or searches is passed over;
        which tokens it penalises or suppresses, and what it ends with, is not.
    max_new_tokens : int
        How many tokens the model's own answer may have at most; fewer where the model has no positions for them.

    Raises
    ------
    TypeError, ValueError
        If the text is no string, or `max_new_tokens` is no whole number of at least 1.

    Examples
    --------
    >>> game = TextGame(model, tokenizer, "Where is the tower? It is in", target=Answer())  # doctest: +SKIP
    >>> game.outputs  # doctest: +SKIP
    (' Paris', ',', ' the', ' capital', ' of', ' the (2)', ' country')
    >>> game.answer  # doctest: +SKIP
    ' Paris, the capital of the country'
    >>> view = explain(game)  # doctest: +SKIP
    >>> view.select(" Paris")  # one token, by its label or its position # doctest: +SKIP
    >>> view.select(game.span("capital of the country"))  # slice(3, 7) # doctest: +SKIP
    >>> view.select(slice(None))  # all of them # doctest: +SKIP
    """

    text: str | None = None
    max_new_tokens: int = 32

    def __post_init__(self) -> None:
        if self.text is not None:
            _check_text(self.text)
        check_count(self.max_new_tokens, "max_new_tokens", 1)

    def resolve(self, prompt: Prompt) -> Readout:
        """Have the model write the answer, or turn a given one into token ids."""
        if self.text is not None:
            return _read_tokens(prompt, continuation_ids(prompt, self.text))
        if not prompt.subject.generative:
            raise refusal(prompt.subject, "writes nothing", "Answer()")
        ids = generate(prompt, self.max_new_tokens)
        if not ids:
            raise ValueError(
                f"an answer must have at least one token, and {prompt.subject.name} ends its own at once; give one, "
                "as in Answer(' yes')"
            )
        return _read_tokens(prompt, ids)


@dataclass(frozen=True)
class LogOdds(Target):
    """How much likelier one answer is than another: the contrast of two.

    Parameters
    ----------
    a : str or int
        A classifier's label, or a language model's continuation.
    b : str or int, optional
        The other one: log P(a) - log P(b) is measured. Without it, a classifier's label against all others.

    Raises
    ------
    TypeError, ValueError
        If an answer is neither a name nor an index, or both are the same.

    Examples
    --------
    >>> LogOdds(" True", " False")
    LogOdds(a=' True', b=' False')
    """

    a: str | int
    b: str | int | None = None

    def __post_init__(self) -> None:
        check_label(self.a, "an answer")
        if self.b is not None:
            check_label(self.b, "an answer")
        if self.a == self.b:
            raise ValueError(f"log-odds must be between two different answers, got {self.a!r} twice")

    def resolve(self, prompt: Prompt) -> Readout:
        """Look both answers up."""
        a, b = self.a, self.b
        if not prompt.subject.generative:
            return Label(a, "logodds").resolve(prompt) if b is None else log_odds_of_labels(prompt, a, b)
        if not (isinstance(a, str) and isinstance(b, str)):
            raise ValueError(
                f"log-odds of a language model must be between two continuations, got {a!r} and {b!r}; "
                "LogOdds(' yes', ' no'), say"
            )
        ids, others = (continuation_ids(prompt, text) for text in (a, b))
        if ids == others:
            raise ValueError(
                f"log-odds must be between two different answers, and {a!r} and {b!r} are both the tokens "
                f"{prompt.subject.tokenizer.convert_ids_to_tokens(list(ids))}: the tokenizer does not tell them apart"
            )
        suffixes, sums = _sums([ids, others])
        return Readout(
            (f"{a} / {b}",),
            f"log-odds of {a!r} against {b!r}",
            lambda said: -sums(said).diff(dim=1),
            suffixes,
            threshold=0.0,
        )


@dataclass(frozen=True)
class Perplexity(Target):
    """How much a text that follows the prompt surprises a language model: per token, so that length does not count.

    Parameters
    ----------
    text : str
        As it would follow the prompt, with the white space between them.
    log : bool
        True for the logarithm: the mean negative log-probability of a token. False for the perplexity itself, its
        exponential, which a surrogate follows less well: what an ablation adds to the one it multiplies in the other.

    Raises
    ------
    TypeError
        If the text is no string, or `log` no bool.

    Examples
    --------
    >>> Perplexity(" It was the best of times.")
    Perplexity(text=' It was the best of times.', log=True)
    """

    text: str
    log: bool = True

    def __post_init__(self) -> None:
        _check_text(self.text)
        if not isinstance(self.log, bool):
            raise TypeError(f"log must be True or False, got {type(self.log).__name__} {self.log!r}")

    def resolve(self, prompt: Prompt) -> Readout:
        """Turn the text into token ids."""
        ids = continuation_ids(prompt, self.text)
        suffixes, sums = _sums([ids])

        def read(said: list[ModelOutput]) -> Tensor:
            surprise = -sums(said) / len(ids)
            return surprise if self.log else surprise.exp()

        name = "log-perplexity" if self.log else "perplexity"
        return Readout((self.text,), f"{name} of {self.text!r}", read, suffixes)


def read_next_token(prompt: Prompt) -> Readout:
    """The log-probability of the token that a language model itself puts behind the whole text, an end token too."""
    return _read_tokens(prompt, (int(prompt.values(lambda said: said[0].output[:, 0]).argmax()),))


def continuation_ids(prompt: Prompt, continuation: str) -> TokenIds:
    """Token ids of a text that follows the prompt; ValueError where there are none, or the model writes nothing."""
    subject = prompt.subject
    if not subject.generative:
        raise refusal(subject, "continues no text", f"the continuation {continuation!r}")
    ids = subject.continuation(prompt.text, continuation)
    if not ids:
        raise ValueError(f"a continuation must have at least one token, got {continuation!r}, which has none")
    subject.check_ids(np.array(ids), f"the continuation {continuation!r}")
    if subject.kind == "causal" and _BREAKS_OFF.search(prompt.text) and _GOES_ON.match(continuation):
        joined = prompt.text[-12:] + continuation[:12]
        logger.warning(
            "no space is between the text and what follows it, as in %r; is %r meant?", joined, " " + continuation
        )
    return ids


def _read_tokens(prompt: Prompt, ids: TokenIds) -> Readout:
    """An output for each token."""
    texts = token_texts(prompt, ids)
    value = f"log-probability of {texts[0]!r}" if len(ids) == 1 else "log-probability"
    answer, spans = spell(prompt, ids)
    return Readout(
        texts, value, lambda said: _token_scores(said[0].output, ids), (ids[:-1],), answer=answer, spans=spans
    )


def _sums(continuations: Sequence[TokenIds]) -> tuple[tuple[TokenIds, ...], Read]:
    """Suffixes that show a model every continuation, in as few passes as can be, and what reads their scores off.

    The last token of a continuation is only predicted, never shown; and what begins as another does is read off the
    same pass. So all continuations of one token need a single pass, with nothing behind the prompt.
    """
    suffixes: list[TokenIds] = []
    for shown in sorted((ids[:-1] for ids in continuations), key=len, reverse=True):
        if not any(suffix[: len(shown)] == shown for suffix in suffixes):
            suffixes.append(shown)
    home = [next(k for k, s in enumerate(suffixes) if s[: len(ids) - 1] == ids[:-1]) for ids in continuations]

    def sums(said: list[ModelOutput]) -> Tensor:
        import torch

        pairs = zip(home, continuations, strict=True)
        return torch.stack([_token_scores(said[k].output, ids).sum(1) for k, ids in pairs], dim=1)

    return tuple(suffixes), sums


def _token_scores(logits: Tensor, ids: TokenIds) -> Tensor:
    """The log-probability of each token: (batch, len(ids))."""
    import torch

    scores = [logits[:, j, i] - logits[:, j].logsumexp(-1) for j, i in enumerate(ids)]
    # Some devices have no float64; where there is one, many small log-probabilities add up without loss.
    return torch.stack(scores, dim=1).to(torch.float32 if logits.device.type == "mps" else torch.float64)


def _check_text(text: Any) -> None:
    if not isinstance(text, str):
        raise TypeError(f"a continuation must be a str, got {type(text).__name__}; it follows the prompt")
    check_characters(text, "a continuation")
