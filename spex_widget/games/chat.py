"""A chat as the one text that its template makes of it, and where in that text its turns stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, TypeGuard

from spex_widget.games.model.subject import Subject
from spex_widget.games.units import Span

Message = Mapping[str, str]
TURN_UNITS = ("turn", "exchange")
_STAND_IN = "spexwidgetturn"  # a word that no template takes for anything


def is_chat(text: Any) -> TypeGuard[Sequence[Message]]:
    """Whether a text is given as messages."""
    return isinstance(text, Sequence) and bool(text) and all(isinstance(message, Mapping) for message in text)


def are_turns(units: Any) -> bool:
    """Whether units are whole turns of a chat."""
    return isinstance(units, str) and units in TURN_UNITS


@dataclass(frozen=True)
class Chat:
    """A chat as one text.

    Parameters
    ----------
    text : str
    turns : tuple of (role, (start, end))
        Whose each turn is that players may lie within, and where its content stands; in order.
    """

    text: str
    turns: tuple[tuple[str, Span], ...]

    @property
    def spans(self) -> list[Span]:
        """Where the contents of these turns stand."""
        return [span for _, span in self.turns]

    def divided(self, units: Any) -> Any:
        """Units that are whole turns as groups of spans, others as they are.

        Examples
        --------
        >>> chat = Chat("Hi! Hello. Bye! Bye.", (("user", (0, 3)), ("assistant", (4, 10)), ("user", (11, 15))))
        >>> chat.divided("turn")
        [[(0, 3)], [(4, 10)], [(11, 15)]]
        >>> chat.divided("exchange")
        [[(0, 3), (4, 10)], [(11, 15)]]
        >>> chat.divided("word")
        'word'
        """
        if not are_turns(units):
            return units
        groups: list[list[Span]] = []
        for role, (start, end) in self.turns:
            if self.text[start:end].strip():
                if units == "turn" or role == "user" or not groups:
                    groups.append([])
                groups[-1].append((start, end))
        return groups


def render_chat(subject: Subject, messages: Sequence[Message], turns: Any = None, units: Any = "word") -> Chat:
    """Write a chat as its template does, up to where the model is to answer.

    A last turn of the assistant's is left open: the model goes on from it.

    Parameters
    ----------
    subject : Subject
        A model, and a tokenizer with a chat template.
    messages : sequence of {"role": str, "content": str}
    turns : int, str, a sequence of these, or None
        The turns that players may lie within, by index or by role; None is the user's last or, where units are whole
        turns, those before it that are not the system's.
    units
        See `TextGame`.

    Raises
    ------
    TypeError, ValueError
        If a message is not as above, there is no such turn, the tokenizer has no chat template, or the template
        refuses the messages or does not show a turn just once.

    Examples
    --------
    >>> messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is 7 prime?"}]
    >>> render_chat(subject, messages)  # doctest: +SKIP
    Chat(text='<|system|>Be brief.</s><|user|>Is 7 prime?</s><|assistant|>', turns=(('user', (30, 41)),))
    """
    for i, message in enumerate(messages):
        if not all(isinstance(message.get(key), str) for key in ("role", "content")):
            raise TypeError(
                f"text must have a str for 'role' and for 'content' in each message, got {message!r} at {i}"
            )
    if not subject.tokenizer.chat_template:
        raise ValueError(
            f"text is a chat, and {subject.tokenizer_name} has no chat template to write it with; set "
            "tokenizer.chat_template, or give the text as one str"
        )
    chosen = _chosen(messages, turns, are_turns(units))
    text = _written(subject, messages)
    return Chat(text, tuple((messages[turn]["role"], _span_of(subject, messages, turn, text)) for turn in chosen))


def _chosen(messages: Sequence[Message], turns: Any, whole: bool) -> list[int]:
    """The indices of the turns that are asked for, in order, each once; by default those for whole turns or not."""
    roles = [message["role"] for message in messages]
    there = f"the {len(roles)} turns are by {', '.join(roles)}"
    if turns is None:
        if "user" not in roles:
            raise ValueError(f"turns must say in which turns the players lie where none is the user's; {there}")
        last = max(i for i, role in enumerate(roles) if role == "user")
        return [i for i in range(last) if roles[i] != "system"] if whole else [last]
    found: set[int] = set()
    for turn in [turns] if isinstance(turns, str) or not isinstance(turns, Iterable) else turns:
        if isinstance(turn, str):
            of_role = {i for i, role in enumerate(roles) if role == turn}
        elif isinstance(turn, Integral) and not isinstance(turn, bool):
            index = int(turn)
            of_role = {range(len(roles))[index]} if -len(roles) <= index < len(roles) else set()
        else:
            raise TypeError(f"turns must be indices or roles of messages, got {turn!r}")
        if not of_role:
            raise ValueError(f"turns must be indices or roles of messages, got {turn!r}; {there}")
        found |= of_role
    if not found:
        raise ValueError(f"turns must name at least one turn, got none; {there}")
    return sorted(found)


def _written(subject: Subject, messages: Sequence[Message]) -> str:
    from jinja2 import TemplateError

    goes_on = subject.generative and messages[-1]["role"] == "assistant"
    try:
        return str(
            subject.tokenizer.apply_chat_template(
                [dict(message) for message in messages],
                tokenize=False,
                add_generation_prompt=subject.generative and not goes_on,
                continue_final_message=goes_on,
            )
        )
    except ValueError as error:
        if not goes_on:
            raise
        raise ValueError(
            f"the chat template of {subject.tokenizer_name} does not write the last turn as it stands (it strips "
            "thoughts, say), so that the model cannot go on from it; give it without them, or the text as one str"
        ) from error
    except TemplateError as error:
        raise ValueError(f"the chat template of {subject.tokenizer_name} refuses these messages: {error}") from error


def _span_of(subject: Subject, messages: Sequence[Message], turn: int, text: str) -> Span:
    """Where a turn's content stands: what changes when another is put in its place."""
    others = [dict(message) for message in messages]
    others[turn]["content"] = _STAND_IN
    before, *rest = _written(subject, others).split(_STAND_IN)
    start, end = len(before), len(text) - len("".join(rest))
    if len(rest) != 1 or start > end or not (text.startswith(before) and text.endswith(rest[0])):
        raise ValueError(
            f"the chat template of {subject.tokenizer_name} does not show turn {turn} ({messages[turn]['role']}) just "
            "once, as a stretch of its own; choose other turns, or give the text as one str"
        )
    return start, end
