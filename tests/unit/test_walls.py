"""The house stands as ARCHITECTURE.md draws it: rooms import downwards, and importing the package is quick."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "spex_widget"

# A room may import only from those before it. `demo` stands apart: from games alone.
ROOMS = ["spectrum", "games", "algorithms", "snapshot", "report", "session", "widget"]
ALLOWED = {room: set(ROOMS[: i + 1]) for i, room in enumerate(ROOMS)}
ALLOWED["demo"] = {"demo", "games"}
ALLOWED["algorithms"] -= {"games"}

HEAVY = {"torch", "transformers", "lightgbm", "altair", "sklearn"}


def imports(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that the walls can be read"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_entered(source: str) -> set[str]:
    parts = [name.split(".") for name in imports(ast.parse(source))]
    return {part[1] for part in parts if part[0] == "spex_widget" and len(part) > 1}


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_a_room_imports_only_from_rooms_below_it(file):
    room = file.relative_to(PACKAGE).parts[0]
    if room == "__init__.py":
        return
    assert room in ALLOWED, f"{room} is no room of the house"
    assert rooms_entered(file.read_text(encoding="utf-8")) <= ALLOWED[room]


def test_the_test_of_the_walls_sees_a_breach():
    assert rooms_entered("from spex_widget.widget import explain") == {"widget"}
    assert rooms_entered("def f():\n    import spex_widget.session.log") == {"session"}
    assert not rooms_entered("from spex_widget.session import log") <= ALLOWED["games"]


@pytest.mark.parametrize("statement", ["import spex_widget", "from spex_widget import FunctionGame, explain, TextGame"])
def test_importing_loads_nothing_heavy(statement):
    code = f"{statement}\nimport sys\nprint(sorted({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    import spex_widget as spex

    assert set(spex.__all__) <= set(dir(spex))
    for name in spex.__all__:
        assert getattr(spex, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        spex.nothing  # noqa: B018


def test_no_room_keeps_an_attic():
    attics = {"utils", "helpers", "manager", "common", "misc"}
    assert not [f for f in PACKAGE.rglob("*") if f.stem in attics]


def test_the_module_that_every_notebook_stores_is_at_most_90_kb():
    assert (PACKAGE / "static" / "widget.js").stat().st_size <= 90_000
    assert (PACKAGE / "static" / "widget.css").stat().st_size <= 20_000
