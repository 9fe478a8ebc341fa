"""A wheel built from the tree holds what a user needs, so that installing needs no Node."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: info.file_size for info in archive.infolist()}


@pytest.mark.parametrize(
    "name",
    [
        "static/widget.js",
        "static/widget.css",
        "demo/sentiment/model.safetensors",
        "demo/sentiment/config.json",
        "demo/sentiment/tokenizer.json",
        "demo/answers/model.safetensors",
        "demo/answers/config.json",
        "demo/answers/tokenizer.json",
        "py.typed",
    ],
)
def test_the_wheel_holds_what_is_read_at_run_time(names, name):
    path = f"spex_widget/{name}"
    assert names[path] == (ROOT / path).stat().st_size


def test_the_wheel_holds_the_package_and_nothing_else(names):
    assert {name.split("/")[0].split("-")[0] for name in names} == {"spex_widget"}
    assert not [name for name in names if "test" in name or "node_modules" in name]
