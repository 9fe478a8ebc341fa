"""While a cell runs, the ranking goes on and the buttons answer."""

import re

import pytest

from conftest import Lab, kernel_version

SUBSHELLS = kernel_version() >= (7,)

# The game's own cost makes the run long: a model that takes 20 ms an ablation.
SLOW_GAME = """
import time
import ipykernel
import spex_widget as spex

def slow(x):
    time.sleep(0.02 * len(x))
    return 2.0 * (x[:, 0] & x[:, 1] & x[:, 2]) - 1.0 * (x[:, 3] | x[:, 4]) + 0.1 * x[:, 5]

game = spex.FunctionGame(slow, 40, players=[f"word{i}" for i in range(40)])
view = spex.explain(game, budget=2000)
print(ipykernel.__version__)
"""


@pytest.fixture
def busy(lab: Lab):
    """A run that is streaming, and a cell that sleeps for ten seconds."""
    name = lab.write("busy.ipynb", [SLOW_GAME, "view", "time.sleep(10); print('slept')", "print(view.session.state)"])
    notebook = lab.open(name)
    notebook.run(0)
    assert notebook.text_of(0).strip() == ".".join(map(str, kernel_version())), "the kernel that was meant runs"
    notebook.run(1)
    notebook.page.wait_for_selector("[data-spex] tbody tr")
    notebook.run(2, wait=False)
    notebook.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
    )
    return notebook


# Clicks, and notes when the page first shows the answer and when the run has ended.
CLICK = """action => new Promise(resolve => {
    const root = document.querySelector('[data-spex]');
    const began = performance.now();
    let acknowledged = null;
    const look = () => {
        const state = root.dataset.state;
        if (acknowledged === null && ['stopping', 'stopped', 'paused'].includes(state))
            acknowledged = performance.now() - began;
        if (['stopped', 'paused'].includes(state)) {
            observer.disconnect();
            resolve({acknowledged, ended: performance.now() - began});
        }
    };
    const observer = new MutationObserver(look);
    observer.observe(root, {attributes: true});
    document.querySelector(`[data-spex] [data-action="${action}"]`).click();
    setTimeout(() => { observer.disconnect(); resolve({acknowledged, ended: null}); }, 8000);
})"""


@pytest.mark.skipif(not SUBSHELLS, reason="ipykernel 6 has no subshells: a busy cell blocks the page's messages")
def test_the_ranking_goes_on_and_stop_answers_while_a_cell_sleeps(busy):
    page = busy.page
    before = page.get_attribute("[data-spex]", "data-r2")
    page.wait_for_function("before => document.querySelector('[data-spex]').dataset.r2 !== before", arg=before)
    times = page.evaluate(CLICK, "stop")
    print(times)
    assert times["acknowledged"] is not None
    assert times["acknowledged"] < 200
    assert times["ended"] is not None
    assert "slept" not in busy.text_of(2), "the cell should still have been sleeping"
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
    )
    busy.run(3)
    assert "stopped" in busy.text_of(3)


@pytest.mark.skipif(not SUBSHELLS, reason="ipykernel 6 has no subshells: a busy cell blocks the page's messages")
def test_pause_answers_while_a_cell_sleeps_and_the_run_holds_still(busy):
    page = busy.page
    times = page.evaluate(CLICK, "pause")
    print(times)
    assert times["acknowledged"] is not None
    assert times["acknowledged"] < 200
    page.wait_for_selector("[data-spex][data-state=paused] [data-action=resume]")
    page.click("[data-spex] [data-action=resume]")
    page.wait_for_selector("[data-spex][data-state=running]")


@pytest.mark.skipif(SUBSHELLS, reason="ipykernel 7 answers beside a busy cell; `make test-kernels` runs this under 6")
def test_without_subshells_the_widget_says_that_it_waits_and_streaming_goes_on(busy):
    page = busy.page
    page.click("[data-spex] [data-action=stop]")
    page.get_by_text("it will act when the cell ends").first.wait_for()
    before = int(page.get_attribute("[data-spex]", "data-ablations"))
    page.wait_for_function(
        "before => Number(document.querySelector('[data-spex]').dataset.ablations) > before", arg=before
    )
    assert "slept" not in busy.text_of(2), "the cell should still have been sleeping"
    page.wait_for_selector("[data-spex][data-state=stopped]")
    assert page.get_by_text("it will act when the cell ends").count() == 0


def test_wait_can_be_interrupted_and_the_run_goes_on(lab: Lab):
    name = lab.write("wait.ipynb", [SLOW_GAME, "view", "view.wait()", "print(view.session.state)"])
    notebook = lab.open(name)
    notebook.run(0)
    notebook.run(1)
    notebook.page.wait_for_selector("[data-spex] tbody tr")
    notebook.run(2, wait=False)
    notebook.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
    )
    notebook.interrupt()
    notebook.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
    )
    assert "KeyboardInterrupt" in notebook.text_of(2)
    notebook.run(3)
    assert re.search("running", notebook.text_of(3))
    before = int(notebook.page.get_attribute("[data-spex]", "data-ablations"))
    notebook.page.wait_for_function(
        "before => Number(document.querySelector('[data-spex]').dataset.ablations) > before", arg=before
    )
