"""The last state outlives the kernel."""

import re
import subprocess
import sys

import nbformat
import pytest

from conftest import Lab

GAME = """
import spex_widget as spex

game = spex.FunctionGame(
    lambda x: 2.0 * (x[:, 0] & x[:, 1] & x[:, 2]), 12,
    players=["<img src=x onerror=alert(1)>", "really", "bad", *(f"word{i}" for i in range(9))],
)
view = spex.explain(game, budget=300)
"""


def save(lab: Lab, name: str, *, with_state: bool) -> str:
    """A notebook in which a run has ended, saved, its kernel shut down."""
    notebook = lab.open(lab.write(name, [GAME, "view", "view.wait()"]))
    if with_state:
        notebook.command("@jupyter-widgets/jupyterlab-manager:saveWidgetState")
    for cell in range(3):
        notebook.run(cell)
    notebook.page.wait_for_selector("[data-spex][data-state=done]")
    notebook.save()
    lab.close_pages()
    assert ("widgets" in nbformat.read(lab.server.folder / name, 4).metadata) == with_state
    return name


@pytest.fixture
def saved(lab: Lab) -> str:
    """With the menu's "Save Widget State Automatically", which JupyterLab has off by default."""
    name = save(lab, "saved.ipynb", with_state=True)
    # It is a setting of the user's, so it is turned back.
    lab.open(name, kernel=False).command("@jupyter-widgets/jupyterlab-manager:saveWidgetState")
    lab.close_pages()
    return name


def test_while_it_lives_the_widget_hides_its_static_twin(lab: Lab):
    notebook = lab.open(lab.write("live.ipynb", [GAME, "view", "view.wait()"]))
    for cell in range(3):
        notebook.run(cell)
    notebook.page.wait_for_selector("[data-spex][data-state=done]")
    twin = notebook.page.locator("[class^=spex-static-]")
    assert twin.count() == 1
    assert not twin.is_visible()


def test_a_trusted_notebook_shows_the_last_state_with_no_kernel(lab: Lab, saved: str):
    subprocess.run(
        [sys.executable, "-m", "jupyter", "trust", saved], cwd=lab.server.folder, check=True, env=lab.server.environment
    )
    # The kernel that JupyterLab starts for it is a new one, which knows of no widget.
    page = lab.open(saved).page
    page.wait_for_selector("[data-spex][data-state=done]")
    row = page.locator("[data-spex] tbody tr").first
    assert row.get_attribute("data-members") == "0,1,2"
    assert not page.locator("[class^=spex-static-]").is_visible()


def test_without_saved_state_the_static_rendering_stands_in(lab: Lab):
    page = lab.open(save(lab, "stateless.ipynb", with_state=False), kernel=False).page
    twin = page.locator("[class^=spex-static-]")
    twin.wait_for(state="visible")
    assert "300 of 300 ablations" in twin.inner_text()


def test_an_untrusted_notebook_shows_the_static_rendering(lab: Lab, saved: str):
    path = lab.server.folder / saved
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        cell.metadata.pop("trusted", None)
    nbformat.write(notebook, lab.server.folder / "untrusted.ipynb")
    subprocess.run(
        [sys.executable, "-c", UNSIGN, "untrusted.ipynb"], cwd=lab.server.folder, check=True, env=lab.server.environment
    )
    page = lab.open("untrusted.ipynb", kernel=False).page
    twin = page.locator("[class^=spex-static-]")
    twin.wait_for(state="visible")
    text = twin.inner_text()
    assert "<img src=x onerror=alert(1)> · really · bad" in text
    assert "done (the budget is spent) · 300 of 300 ablations" in text
    assert page.locator("[data-spex]").count() == 0


def test_nbconvert_keeps_the_static_rendering(lab: Lab, saved: str):
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--embed-images", saved]
    subprocess.run(command, cwd=lab.server.folder, check=True, capture_output=True)
    html = (lab.server.folder / "saved.html").read_text(encoding="utf-8")
    twin = re.search(r'<div class="spex-static-\w+">.*?</div>', html, re.DOTALL)
    assert twin
    assert "&lt;img src=x onerror=alert(1)&gt; · really · bad" in twin.group()
    assert "300 of 300 ablations" in twin.group()


def test_a_notebook_that_is_executed_by_nbconvert_holds_the_end(lab: Lab):
    name = lab.write("executed.ipynb", [GAME, "view", "view.wait()"])
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", name]
    subprocess.run(command, cwd=lab.server.folder, check=True, capture_output=True)
    outputs = nbformat.read(lab.server.folder / name, 4).cells[1].outputs
    assert "application/vnd.jupyter.widget-view+json" in outputs[0].data
    assert "done (the budget is spent) · 300 of 300 ablations" in outputs[1].data["text/html"]


UNSIGN = """
import sys, nbformat
from nbformat.sign import NotebookNotary
NotebookNotary().unsign(nbformat.read(sys.argv[1], 4))
"""
