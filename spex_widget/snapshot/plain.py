"""The house's values as JSON and arrays, and back: dataclasses, tuples, mappings, numbers, text, arrays.

What is made of a file's JSON is decided by the types that the reader names, never by the file: reading runs no code.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

Arrays = list[npt.NDArray[Any]]


def to_plain(value: Any, arrays: Arrays) -> Any:
    """A value as JSON; its arrays are appended to `arrays`, and stand in the JSON as their positions there.

    Examples
    --------
    >>> arrays = []
    >>> to_plain({(0, 2): np.zeros(3)}, arrays), len(arrays)
    ([[[0, 2], 0]], 1)
    """
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name), arrays) for field in fields(value)}
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return len(arrays) - 1
    if isinstance(value, Mapping):
        return [[to_plain(key, arrays), to_plain(item, arrays)] for key, item in value.items()]
    if isinstance(value, (tuple, list)):
        return [to_plain(item, arrays) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def from_plain(kind: Any, value: Any, arrays: Arrays) -> Any:
    """A value of a type, from what `to_plain` made of it.

    Raises
    ------
    ValueError, TypeError, LookupError
        If it is nothing of that type.

    Examples
    --------
    >>> from_plain(Mapping[tuple[int, ...], float | None], [[[0, 2], 0.5], [[1], None]], [])
    {(0, 2): 0.5, (1,): None}
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if value is None else from_plain(inner[0], value, arrays)
    if isinstance(kind, type) and is_dataclass(kind):
        known = get_type_hints(kind)
        return kind(**{name: from_plain(known[name], item, arrays) for name, item in _of(dict, value).items()})
    if origin is np.ndarray:
        array = arrays[_of(int, value)]
        (scalar,) = get_args(inner[1])
        if not np.issubdtype(array.dtype, scalar):
            raise ValueError(f"an array of {scalar.__name__} was expected, and is one of {array.dtype}")
        return array
    if origin is Mapping:
        pairs = [_of(list, pair) for pair in _of(list, value)]
        return {from_plain(inner[0], key, arrays): from_plain(inner[1], item, arrays) for key, item in pairs}
    if origin is tuple:
        items = _of(list, value)
        kinds = [inner[0]] * len(items) if inner[-1] is Ellipsis else inner
        return tuple(from_plain(each, item, arrays) for each, item in zip(kinds, items, strict=True))
    return float(_of((int, float), value)) if kind is float else _of(kind, value)


def _of(kind: Any, value: Any) -> Any:
    """The value, which is to be of a type that JSON has."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{str(value)[:80]!r} is not what was expected there")
    return value
