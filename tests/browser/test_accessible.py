"""axe-core finds nothing to object to, all can be done with the keyboard alone, and nothing moves where none should."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from conftest import Lab, Notebook

AXE = Path(__file__).parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DEMO = """
import spex_widget as spex

model, tokenizer = spex.demo.load()
game = spex.TextGame(model, tokenizer, spex.demo.passage().text, target=["POSITIVE", "NEGATIVE"])
view = spex.explain(game, budget=400)
"""
RUN_AXE = """async tags => {
    const found = await axe.run(document.querySelector('[data-spex]'), {runOnly: {type: 'tag', values: tags}});
    return found.violations.flatMap(({id, help, nodes}) =>
        nodes.map(node => `${id} (${help}): ${node.html}\\n  ${node.failureSummary}`));
}"""


def objections(page: Page) -> str:
    """What axe-core has to say against the widget, as it is now."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    return "\n".join(page.evaluate(RUN_AXE, TAGS))


def shown(lab: Lab, name: str, **options) -> Notebook:
    """A run of the demo that is done."""
    notebook = lab.open(lab.write(f"{name}.ipynb", [DEMO, "view", "view.add_budget(20_000)"]), **options)
    for cell in range(2):
        notebook.run(cell)
    notebook.page.wait_for_selector("[data-spex][data-state=done]")
    return notebook


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_violation(lab: Lab, dark: bool):
    notebook = shown(lab, f"axe-{dark}", dark=dark)
    page = notebook.page
    found = {"done": objections(page)}
    page.locator("[data-spex] tbody tr").first.click()
    for unit in (2, 5):
        page.locator("[data-spex] .spex-unit").nth(unit).click()
    for summary in page.locator("[data-spex] summary").all():
        summary.click()
    page.wait_for_selector("[data-spex] tbody tr[aria-selected=true]")
    found["all open"] = objections(page)
    lab.picture(f"axe-open-{dark}")
    notebook.run(2)
    page.wait_for_selector("[data-spex][data-state=running]")
    found["running"] = objections(page)
    page.click("[data-spex] [data-action=stop]")
    page.wait_for_selector("[data-spex][data-state=stopped]")
    found["stopped"] = objections(page)
    assert found == dict.fromkeys(found, "")
