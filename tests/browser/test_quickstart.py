"""`make lab` ends with the quickstart open, and running it shows an explanation that streams and is right."""

import shutil
from pathlib import Path

import pytest

import spex_widget as spex
from conftest import Lab, Notebook, Server

ROOT = Path(__file__).parents[2]
QUICKSTART = "notebooks/01_quickstart.ipynb"

# Notes what each frame showed, from the moment that the widget is there.
WATCH = """() => {
    window.shown = [];
    const note = () => {
        const root = document.querySelector('[data-spex]');
        if (!root) return;
        const frame = {frames: root.dataset.frames, state: root.dataset.state};
        if (JSON.stringify(frame) !== JSON.stringify(window.shown.at(-1))) window.shown.push(frame);
    };
    new MutationObserver(note).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


def check_that_it_streams_and_is_right(notebook: Notebook) -> None:
    page = notebook.page
    page.evaluate(WATCH)
    notebook.run_all()
    page.wait_for_selector("[data-spex][data-state=done]", timeout=120_000)
    shown = page.evaluate("() => window.shown")
    assert len({frame["frames"] for frame in shown}) >= 5
    # The convergence line has every round, also one that the next overtook before a frame was due.
    line = page.locator("[data-spex] .spex-line").get_attribute("d")
    r2 = [1 - float(point.split()[1]) for point in line.removeprefix("M").split("L")]
    assert r2[-1] >= r2[0] + 0.1
    rows = page.locator("[data-spex] tbody tr").evaluate_all("rows => rows.map(row => row.dataset.members)")
    triple = next(p.members for p in spex.demo.passage().planted if len(p.members) == 3)
    assert ",".join(map(str, triple)) in rows[:3]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_quickstart_streams_and_finds_the_planted_triple(lab: Lab, dark: bool):
    shutil.copy(ROOT / QUICKSTART, lab.server.folder)
    notebook = lab.open("01_quickstart.ipynb", dark=dark)
    check_that_it_streams_and_is_right(notebook)
    last = notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length") - 1
    notebook.page.wait_for_function(
        """last => window.jupyterapp.shell.currentWidget.content.widgets[last].model.executionCount !== null""",
        arg=last,
    )
    # The charts are drawn, with no network.
    notebook.page.wait_for_function("() => document.querySelectorAll('.vega-embed').length === 3")
    errors = notebook.page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']")
    assert errors.count() == 0
    notebook.page.evaluate("() => document.querySelector('[data-spex]').scrollIntoView({block: 'center'})")


def test_make_lab_ends_with_the_quickstart_open(browser, tmp_path):
    server = Server(tmp_path, cwd=ROOT, command=lambda flags: ["make", "lab", f"LAB={' '.join(flags)}"])
    try:
        server.wait(600)
        lab = Lab(server, browser)
        page = lab.page()
        page.goto(server.opened())
        page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.context?.path")
        path = page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path")
        assert path == Path(QUICKSTART).name  # JupyterLab's root is the folder of the file that it was given
        page.evaluate(
            """async () => {
                const panel = window.jupyterapp.shell.currentWidget;
                await panel.context.ready;
                await panel.sessionContext.ready;
                await panel.sessionContext.session.kernel.info;
            }"""
        )
        check_that_it_streams_and_is_right(Notebook(page, path))
        lab.close_pages()
    finally:
        server.close()
