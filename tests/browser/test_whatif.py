"""What a person asks of the model, also while a cell runs: a word taken out, a card's table, evidence, a flip."""

import re

import pytest

from conftest import Lab, kernel_version

RUN = """
import time
import spex_widget as spex

model, tokenizer = spex.demo.load()
review = spex.demo.passages()["negation"]
game = spex.TextGame(model, tokenizer, review.text, target=spex.Label("POSITIVE", scale="logodds"))
view = spex.explain(game)
"""
PRINT = """
def without(*players):
    return float(view.probe([i not in players for i in range(game.n)])[0])

top = [row["members"] for row in view.result.ranking("BII") if row["order"] == 2][0]
print(without(), without(top[0]), without(top[1]), without(*top), *top)
"""
LINE = "[data-spex] .spex-answer-line"


def number(said: str) -> float:
    return float(said.replace("−", "-"))


@pytest.mark.skipif(kernel_version() < (7,), reason="ipykernel 6 has no subshells: a busy cell blocks the page")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_person_asks_the_model_while_a_cell_sleeps(lab: Lab, dark: bool):
    asleep = "time.sleep(12); print('slept')"
    cells = [RUN, "view", "view.wait()", asleep, PRINT]
    notebook = lab.open(lab.write(f"whatif-{dark}.ipynb", cells), dark=dark)
    for cell in range(3):
        notebook.run(cell)
    page = notebook.page
    page.wait_for_selector("[data-spex][data-state=done]")
    notebook.run(3, wait=False)

    # A word is taken out: the surrogate answers at once, then the model.
    pair = page.locator("[data-spex] tbody tr").evaluate_all(
        "rows => rows.map(row => row.dataset.members.split(',')).find(members => members.length === 2)"
    )
    unit = f'[data-spex] .spex-unit[data-player="{pair[0]}"]'
    page.click(unit)
    page.wait_for_selector(f"{unit}[data-out]")
    assert "surrogate" in page.inner_text(LINE)
    page.wait_for_function("query => /● model [+−]/.test(document.querySelector(query).textContent)", arg=LINE)
    model = number(re.search(r"● model ([+−][\d.]+)", page.inner_text(LINE))[1])

    # A row is chosen: the card has the model's own values.
    page.click(f'[data-spex] tr[data-members="{",".join(pair)}"]')
    page.wait_for_function(
        "() => [...document.querySelectorAll('.spex-card tbody tr')].length === 4"
        " && !document.querySelector('.spex-card tbody').textContent.includes('…')"
    )
    table = page.locator(".spex-card tbody tr").evaluate_all("rows => rows.map(row => row.children[1].textContent)")

    # More evidence on it, marked as asked for.
    page.click(".spex-card [data-action=evidence]")
    page.wait_for_function("() => /64 of them/.test(document.querySelector('.spex-card').textContent)")

    # The smallest flip, verified on the model.
    page.click("[data-spex] [data-action=restore]")
    page.click("[data-spex] [data-action=flip]")
    page.wait_for_function("() => /on the model itself/.test(document.querySelector('.spex-flip').textContent)")
    page.click("[data-spex] [data-action=show-flip]")
    page.wait_for_function("query => /this flips/.test(document.querySelector(query).textContent)", arg=LINE)
    assert "slept" not in notebook.text_of(3), "the cell should still have been sleeping"

    notebook.run(4)
    everything, first, second, both, *members = map(float, notebook.text_of(4).split())
    assert [str(int(member)) for member in members] == pair
    assert model == pytest.approx(first, abs=0.01)
    shown = sorted(number(re.search(r"[+−][\d.]+", cell)[0]) for cell in table)
    assert shown == pytest.approx(sorted([everything, first, second, both]), abs=0.01)
