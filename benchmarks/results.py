"""RESULTS.md, in which every script writes sections of its own, and charts beside it."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
CHARTS = HERE / "charts"


def write_section(title: str, lines: Iterable[str], path: Path = RESULTS) -> None:
    """Replace the section of this title (## title), or append it; all else stays as it is."""
    text = (
        path.read_text(encoding="utf-8") if path.exists() else "# Results\n\nEach script writes a section of its own.\n"
    )
    section = f"## {title}\n\n" + "\n".join(lines).strip() + "\n"
    found = re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    before, after = (text[: found.start()], text[found.end() :]) if found else (text, "")
    text = f"{before.rstrip()}\n\n{section}\n{after}"
    path.write_text(text.rstrip() + "\n", encoding="utf-8")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A table in Markdown; fractions to three digits."""
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(_cell(value) for value in row) for row in rows]
    return [f"| {line} |" for line in lines]


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def setting(command: str, *packages: str) -> str:
    """With what, and on what, the figures below were measured."""
    found = []
    for package in ("numpy", "scikit-learn", "lightgbm", "torch", *packages):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return (
        f"`{command}` on {os.cpu_count()} CPU cores ({platform.machine()}, {gpu()}), one thread a library, "
        f"Python {platform.python_version()}, {', '.join(found)}."
    )


def gpu() -> str:
    """The GPU's name; none is used where torch is not loaded."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch and torch.cuda.is_available() else "no GPU"


def save_chart(chart: Any, name: str) -> None:
    """Keep a chart as Vega-Lite, and as a picture where vl-convert is installed."""
    CHARTS.mkdir(exist_ok=True)
    chart.save(CHARTS / f"{name}.json")
    try:
        chart.save(CHARTS / f"{name}.svg")
    except ImportError:
        print("vl-convert-python is not installed: no picture of", name)
