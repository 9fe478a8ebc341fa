"""The page has the model asked about what the surrogate says, also while a cell runs."""

import pytest

from conftest import Lab, kernel_version

GAME = """
import time
import spex_widget as spex

seconds, gone = 0.0, False

def model(x):
    if gone:
        raise OSError("no route to the model")
    time.sleep(seconds * len(x))
    return 2.0 * (x[:, 0] & x[:, 1] & x[:, 2]) - 1.0 * (x[:, 3] | x[:, 4]) + 0.1 * x[:, 5]

view = spex.explain(spex.FunctionGame(model, 30, players=[f"word{i}" for i in range(30)]), budget=400)
"""
VERIFY = "[data-spex] [data-action=verify]"


@pytest.mark.skipif(kernel_version() < (7,), reason="ipykernel 6 has no subshells: a busy cell blocks the page")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_verifying_from_the_page_while_a_cell_sleeps(lab: Lab, dark: bool):
    asleep, counted = "time.sleep(8); print('slept')", "print(view.session.log.count('verify'))"
    cells = [GAME, "view", "view.wait(); seconds = 0.002", asleep, counted, "gone = True"]
    notebook = lab.open(lab.write(f"verify-{dark}.ipynb", cells), dark=dark)
    for cell in range(3):
        notebook.run(cell)
    page = notebook.page
    page.wait_for_selector("[data-spex][data-state=done]")
    assert "on the model itself" in page.get_attribute(VERIFY, "title")

    notebook.run(3, wait=False)
    page.click(VERIFY)
    page.wait_for_function("query => /verifying [1-9]/.test(document.querySelector(query).textContent)", arg=VERIFY)
    page.wait_for_selector(f"{VERIFY}:not([aria-busy])")
    row = page.locator('[data-spex] tr[data-members="0,1,2"] .spex-status')
    assert row.inner_text() == "confirmed"
    assert "measured: +2.00" in row.get_attribute("title")
    assert "in 16 contexts" in row.get_attribute("title")
    assert "slept" not in notebook.text_of(3), "the cell should still have been sleeping"
    notebook.run(4)
    said = page.locator("[data-spex] .spex-done").inner_text()
    assert f"· {int(notebook.text_of(4)):,} more to measure" in said

    notebook.run(5)
    page.click(VERIFY)
    page.get_by_text("measuring failed: OSError: no route to the model").wait_for()
    assert page.get_attribute("[data-spex]", "data-state") == "done"
