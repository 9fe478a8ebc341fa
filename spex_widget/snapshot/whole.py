"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file, over one of that name; where that fails, what was there before stays.

    Raises
    ------
    TypeError
        If the path is none.
    FileNotFoundError
        If there is no such folder.
    IsADirectoryError
        If the path is a folder.
    """
    target = check_path(path)
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder; name a file in it")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent}; make it first")
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        part.write_bytes(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def check_path(path: Any) -> Path:
    """A path of a file, which need not be there; TypeError where it is none."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be that of a file, got {path!r}")
    return Path(path)
