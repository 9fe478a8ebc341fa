"""Which characters a text may hold: those that a tokenizer takes for what they are."""

from __future__ import annotations


def check_characters(text: str, what: str) -> None:
    r"""ValueError where a text holds what is no character by itself, or what tokenizers drop.

    Examples
    --------
    >>> check_characters("a b", "a query")
    >>> check_characters("a\0b", "a query")
    Traceback (most recent call last):
    ValueError: a query must have no NUL character, got one at 1; tokenizers drop it or worse
    """
    if "\0" in text:
        raise ValueError(
            f"{what} must have no NUL character, got one at {text.index(chr(0))}; tokenizers drop it or worse"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{what} must be valid Unicode, got half a surrogate pair, {text[error.start]!r}, at {error.start}; "
            "text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace') repairs it"
        ) from None
