"""What was computed once is kept: one JSON object a line, found again by what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEYS = ("method", "version", "game", "n", "seed", "noise", "m", "fingerprint")
KEPT = Path(__file__).with_name("peers.jsonl")
"""What the peers answered, which takes hours: kept with the project, without its seconds, which are a machine's own."""
SECONDS = ("wall", "cpu")


class Cache:
    """Records in a file that is only ever appended to, so that a run that was stopped goes on where it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.reload()

    def reload(self) -> None:
        """Read what is kept with the project, and what another process has appended since."""
        for path in (KEPT, self.path):
            for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
                try:
                    record = json.loads(line)
                except json.JSONDecodeError:  # the last line of a run that was stopped
                    continue
                self._records[_key(record)] = record

    def get(self, **key: Any) -> dict[str, Any] | None:
        return self._records.get(_key(key))

    def put(self, record: dict[str, Any]) -> None:
        self._records[_key(record)] = record
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def keep(self, methods: tuple[str, ...]) -> None:
        """Write the records of these methods to the file that stays with the project."""
        kept = sorted((key, record) for key, record in self._records.items() if record["method"] in methods)
        bare = [{name: value for name, value in record.items() if name not in SECONDS} for _, record in kept]
        KEPT.write_text("".join(json.dumps(record) + "\n" for record in bare), encoding="utf-8")

    def newest(self, methods: tuple[str, ...]) -> str:
        """The version of the last record of one of these methods; "" where there is none."""
        versions = [r["version"] for r in self._records.values() if r["method"] in methods]
        return versions[-1] if versions else ""

    def __len__(self) -> int:
        return len(self._records)


def _key(record: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(record[name] for name in KEYS)
