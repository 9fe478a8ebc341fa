"""In each host the widget shows itself and streams, what is pressed reaches the kernel, and nothing leaves the machine.

JupyterLab, Notebook 7, and marimo as an editor and as an app: the hosts that run here with no account.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import indent

import pytest
from playwright.sync_api import Browser, Page

from conftest import Lab, Notebook, Pages, Process, Server

# A model that takes 10 ms an ablation. The kernel notes in a file what it hears of what the person took out.
GAME = """
import time
from pathlib import Path
import spex_widget as spex

def slow(x):
    time.sleep(0.01 * len(x))
    return 2.0 * (x[:, 0] & x[:, 1] & x[:, 2]) - 1.0 * (x[:, 3] | x[:, 4]) + 0.1 * x[:, 5]

view = spex.explain(spex.FunctionGame(slow, 12, players=[f"<b>{i}" for i in range(12)]), budget=300)
view.pause()
view.observe(lambda change: Path("heard").write_text(str(list(change.new))), "what_if")
"""


class Marimo(Process):
    """A marimo with an app of these two cells.

    Parameters
    ----------
    folder : Path
        Where all of it is.
    mode : {"edit", "run"}
        The editor, or the app alone.
    """

    def __init__(self, folder: Path, mode: str):
        super().__init__(folder)
        cell = "\n@app.cell\ndef _({}):\n{}\n    return ({})\n"
        cells = cell.format("", indent(GAME, "    "), "view,") + cell.format("view", "    view", "")
        (folder / "app.py").write_text(f"import marimo\n\napp = marimo.App()\n{cells}")
        settings = folder / ".config" / "marimo" / "marimo.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text("[runtime]\nauto_instantiate = true\n")
        homes = {f"XDG_{name}_HOME": str(folder / f".{name.lower()}") for name in ("CONFIG", "STATE", "DATA")}
        command = [sys.executable, "-m", "marimo", mode, "app.py", "--headless", "--no-token", f"--port={self.port}"]
        self.start(command, folder, {**os.environ, **homes, "MARIMO_SKIP_UPDATE_CHECK": "1"})


class Notebook7(Lab):
    """Pages of a Notebook 7, a notebook each."""

    def open(self, name: str) -> Notebook:
        page = self.page()
        page.goto(f"{self.server.url}/notebooks/{name}?token={self.server.token}")
        page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel")
        page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.info; }")
        return Notebook(page, name)


def run_through(page: Page, heard: Path) -> None:
    """Do with the widget what a person does, from a run that is paused to more ablations at its end."""
    root = page.locator("[data-spex]")
    page.wait_for_selector("[data-spex][data-state=paused]")
    page.click("[data-spex] [data-action=resume]")
    page.wait_for_selector("[data-spex][data-state=running] tbody tr")
    page.click("[data-spex] [data-action=pause]")
    page.wait_for_selector("[data-spex][data-state=paused]")
    assert 0 < int(root.get_attribute("data-ablations")) < 300
    frames = int(root.get_attribute("data-frames"))
    unit = page.locator("[data-spex] .spex-unit").nth(4)
    assert unit.inner_text() == "<b>4"
    unit.click()
    page.click("[data-spex] [data-action=resume]")
    page.wait_for_selector("[data-spex][data-state=done]")
    assert int(root.get_attribute("data-frames")) > frames + 3
    assert root.get_attribute("data-ablations") == "300"
    assert heard.read_text() == "[4]"
    assert page.locator("[data-spex] tbody tr").first.get_attribute("data-members") == "0,1,2"
    unit.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-spex] .spex-unit[data-player='5'][aria-pressed=true]")
    for key in "ddxjk":  # in a notebook these would delete a cell, cut one, and go to the next
        page.keyboard.press(key)
    page.keyboard.press("Space")
    page.wait_for_selector("[data-spex] .spex-unit[data-player='5'][aria-pressed=false]")
    page.locator("[data-spex] tbody tr").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-spex] tbody tr[data-rank='2'][aria-selected=true]")
    page.click("[data-spex] [data-action=add_budget]")
    page.wait_for_selector("[data-spex][data-state=done]:not([data-ablations='300'])")


def test_in_jupyterlab(lab: Lab):
    notebook = lab.open(lab.write("hosts.ipynb", [GAME, "view"]))
    for cell in range(2):
        notebook.run(cell)
    run_through(notebook.page, lab.server.folder / "heard")
    assert not lab.wrong


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[Pages], None]]:
    """Says which pages are visited; they go at the end, with their server."""
    visited: list[Pages] = []
    yield visited.append
    for pages in visited:
        pages.picture(request.node.name)
        pages.close_pages()
        pages.server.close()


def test_in_notebook_7(browser: Browser, visit: Callable[[Pages], None], tmp_path: Path):
    server = Server(tmp_path, command=lambda flags: [sys.executable, "-m", "notebook", *flags])
    pages = Notebook7(server, browser)
    visit(pages)
    server.wait()
    notebook = pages.open(pages.write("hosts.ipynb", [GAME, "view"]))
    for cell in range(2):
        notebook.run(cell)
    run_through(notebook.page, tmp_path / "heard")
    assert not pages.wrong


@pytest.mark.parametrize("mode", ["edit", "run"])
def test_in_marimo(browser: Browser, visit: Callable[[Pages], None], tmp_path: Path, mode: str):
    server = Marimo(tmp_path, mode)
    pages = Pages(server, browser)
    visit(pages)
    server.wait_for("/health", 60)
    page = pages.page()
    page.goto(server.url)
    run_through(page, tmp_path / "heard")
    assert not pages.wrong
