"""What happens to the tokens of an ablated player: small types that become `Rows` for a model and a text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spex_widget.games.ablation.hiding import hidden
from spex_widget.games.ablation.infill import check_masked_model, fill_in
from spex_widget.games.ablation.rows import Rows, substituted
from spex_widget.games.characters import check_characters
from spex_widget.games.layout import Layout
from spex_widget.games.model.offsets import plain_ids
from spex_widget.games.model.subject import Encoding, Subject

TokenIds = Sequence[int]


class Ablation(ABC):
    """A way to ablate; subclasses say what it means for a model and a text."""

    @abstractmethod
    def resolve(self, subject: Subject, encoding: Encoding, layout: Layout) -> Rows:
        """What the model is given: ValueError or TypeError where that is not to be had."""


@dataclass(frozen=True)
class Neutral(Ablation):
    """A token that says little, in the place of each token of an ablated player.

    Parameters
    ----------
    token : str, optional
        It, as it stands in the vocabulary or in a text. By default the tokenizer's token for unknown words, else the
        one of a space. Padding is not taken: models skip it, or read the text as ending there.

    Raises
    ------
    TypeError
        If it is no str.
    """

    token: str | None = None

    def __post_init__(self) -> None:
        if self.token is not None and not isinstance(self.token, str):
            raise TypeError(f"a neutral token must be a str, got {type(self.token).__name__} {self.token!r}")
        if self.token is not None:
            check_characters(self.token, "a neutral token")

    def resolve(self, subject: Subject, encoding: Encoding, layout: Layout) -> Rows:
        """Look the token up."""
        token = self._look_up(subject)
        subject.check_ids(np.array([token]), "the neutral token")
        words = f"replaced by {subject.tokenizer.decode([token])!r}"
        return substituted(words, encoding, layout.owner, [[token]] * len(layout.owner))

    def _look_up(self, subject: Subject) -> int:
        tokenizer = subject.tokenizer
        if self.token is not None:
            known = tokenizer.get_vocab().get(self.token)
            ids = [known] if known is not None else plain_ids(tokenizer, self.token)
            if len(ids) != 1:
                raise ValueError(
                    f"a neutral token must be one token, and {subject.tokenizer_name} makes {len(ids)} of "
                    f"{self.token!r}; Replace({self.token!r}) puts a text in the place of a whole player"
                )
            return int(ids[0])
        unknown = tokenizer.unk_token_id
        if unknown is not None and unknown not in (tokenizer.bos_token_id, tokenizer.eos_token_id, subject.pad):
            return int(unknown)
        ids = plain_ids(tokenizer, " ")
        if len(ids) != 1:
            raise ValueError(
                f"ablation='neutral' needs a token that says little, and {subject.tokenizer_name} has none for unknown "
                "words, nor one for a space; Neutral('…') names another"
            )
        return int(ids[0])


@dataclass(frozen=True)
class Replace(Ablation):
    """Another text in the place of each part of an ablated player.

    Parameters
    ----------
    texts : str, or mapping from str or int to str
        One for all players, or one for each, by its label (all players of that label) or its index. "" removes.

    Raises
    ------
    TypeError
        If it is neither.

    Examples
    --------
    >>> ablation = Replace({"good": "bad", "loved": "hated"})
    """

    texts: str | Mapping[str | int, str]

    def __post_init__(self) -> None:
        texts = list(self.texts.values()) if isinstance(self.texts, Mapping) else [self.texts]
        keys = list(self.texts) if isinstance(self.texts, Mapping) else []
        if not all(isinstance(text, str) for text in texts) or not all(isinstance(key, str | int) for key in keys):
            raise TypeError(
                "replacements must be a str for all players, or a mapping from labels or indices of players to str, "
                f"got {self.texts!r}"
            )
        for text in texts:
            check_characters(text, "a replacement")

    def resolve(self, subject: Subject, encoding: Encoding, layout: Layout) -> Rows:
        """Tokenise the replacements where they will stand."""
        texts = self._for_players(layout.players)
        words = f"replaced by {self.texts!r}" if isinstance(self.texts, str) else "replaced by a text given for each"
        return _replaced(words, subject, encoding, layout, [texts[p] if p >= 0 else "" for p in layout.player_of[:-1]])

    def _for_players(self, players: Sequence[str]) -> list[str]:
        if isinstance(self.texts, str):
            return [self.texts] * len(players)
        unknown = [key for key in self.texts if key not in players and key not in range(len(players))]
        missing = [label for i, label in enumerate(players) if label not in self.texts and i not in self.texts]
        if unknown or missing:
            problem = f"and {unknown[0]!r} is none" if unknown else f"and {missing[0]!r} has none"
            raise ValueError(
                f"replacements must be given for each player by its label or index, {problem}; '' removes a player, "
                f"and what is no unit, or protected, stays; the players are {', '.join(map(repr, players))}"
            )
        return [self.texts[i] if i in self.texts else self.texts[label] for i, label in enumerate(players)]


@dataclass(frozen=True)
class Infill(Ablation):
    """What a masked language model finds likeliest, in the place of each token of an ablated player.

    It is asked once for each player, all of whose tokens are masked then while the whole rest is there; so what stands
    for a player does not depend on who else is ablated. Of each token it gives its likeliest other one: else what is
    easily guessed would never be ablated.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A masked language model, of any size and vocabulary.
    tokenizer : transformers.PreTrainedTokenizerBase
        Its tokenizer.

    Raises
    ------
    TypeError, ValueError
        If the model is no masked language model, or the tokenizer has no mask token or no offsets.
    """

    model: Any
    tokenizer: Any

    def __post_init__(self) -> None:
        check_masked_model(self.model, self.tokenizer)

    def resolve(self, subject: Subject, encoding: Encoding, layout: Layout) -> Rows:
        """Ask the masked language model."""
        texts = fill_in(self.model, self.tokenizer, layout)
        return _replaced("replaced by a language model's guess", subject, encoding, layout, texts)


def ablate_with(ablation: Any, subject: Subject, encoding: Encoding, layout: Layout) -> Rows:
    """What an ablation, as a user may write it, means for a model and a text.

    Parameters
    ----------
    ablation : str, Ablation or mapping
        "auto" is the tokenizer's mask token where there is one, and removal else; a mapping is `Replace` with it.
    subject : Subject
        The model with its tokenizer.
    encoding : Encoding
        The text.
    layout : Layout
        Its players.

    Raises
    ------
    TypeError, ValueError
        If there is no such ablation, or not for the model, its tokenizer or the text.
    """
    if isinstance(ablation, Mapping):
        ablation = Replace(ablation)
    if isinstance(ablation, Ablation):
        rows = ablation.resolve(subject, encoding, layout)
    elif isinstance(ablation, str) and ablation in ABLATIONS:
        rows = ABLATIONS[ablation](subject, encoding, layout)
    else:
        raise ValueError(
            f"ablation must be one of {', '.join(map(repr, ABLATIONS))}, or Neutral(…), Replace(…) or Infill(…), "
            f"got {ablation!r}"
        )
    subject.check_length(rows.longest, "the text with its replacements")
    return rows


def _auto(subject: Subject, encoding: Encoding, layout: Layout) -> Rows:
    return (_remove if subject.tokenizer.mask_token_id is None else _mask)(subject, encoding, layout)


def _mask(subject: Subject, encoding: Encoding, layout: Layout) -> Rows:
    token = subject.tokenizer.mask_token_id
    if token is None:
        raise ValueError(
            f"ablation='mask_token' needs a tokenizer with a mask token, and {subject.tokenizer_name} has "
            "none; ablation='remove' removes the tokens instead"
        )
    subject.check_ids(np.array([token]), "the mask token")
    words = f"replaced by {subject.tokenizer.mask_token}"
    return substituted(words, encoding, layout.owner, [[token]] * len(layout.owner))


def _remove(subject: Subject, encoding: Encoding, layout: Layout) -> Rows:
    return substituted("removed", encoding, layout.owner, [[]] * len(layout.owner), _start(subject, layout))


def _attention(subject: Subject, encoding: Encoding, layout: Layout) -> Rows:
    return hidden(subject, encoding, layout.owner, _start(subject, layout))


ABLATIONS: dict[str, Callable[[Subject, Encoding, Layout], Rows]] = {
    "auto": _auto,
    "mask_token": _mask,
    "remove": _remove,
    "neutral": Neutral().resolve,
    "attention": _attention,
}


def _replaced(words: str, subject: Subject, encoding: Encoding, layout: Layout, texts: Sequence[str]) -> Rows:
    """Rows in which each part gives way to a text, tokenised as it follows what stands before it."""
    instead: list[TokenIds] = [[]] * len(layout.part_of)
    for part, (text, (begin, _)) in enumerate(zip(texts, layout.parts, strict=True)):
        tokens = np.flatnonzero(layout.part_of == part)
        if not text or layout.player_of[part] < 0:
            continue
        first = int(tokens[0])
        end = min(encoding.spans[first - 1][1], begin) if first else 0
        before = layout.text[:end]  # of which the last word is enough
        ids = subject.following(before[before.rfind(" ") + 1 :], layout.text[end:begin] + text)
        subject.check_ids(np.array(ids), f"the replacement {text!r}")
        instead[first] = ids
    emptied = not any(len(ids) for ids in instead)
    return substituted(words, encoding, layout.owner, instead, _start(subject, layout) if emptied else None)


def _start(subject: Subject, layout: Layout) -> int | None:
    """The token that stands for a text of which nothing is left; None where something always is."""
    if (layout.owner < 0).any():
        return None
    start = subject.start
    if start is None:
        raise ValueError(
            f"with every player removed, {subject.name} would be given no token at all, and {subject.tokenizer_name} "
            "has no start or end token to stand in; protect a part of the text, as in protect='…', or set "
            "tokenizer.bos_token"
        )
    subject.check_ids(np.array([start]), "the start token")
    return start
