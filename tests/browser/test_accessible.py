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
    page.set_viewport_size({"width": 1280, "height": 2600})  # what is scrolled out of sight is judged less closely
    found = {"done": objections(page)}
    page.locator("[data-spex] tbody tr").first.click()
    for unit in (2, 5):
        page.locator("[data-spex] .spex-unit").nth(unit).click()
    for summary in page.locator("[data-spex] summary, [data-spex] [data-action=meaning]").all():
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


# Every control on screen that Tab should reach: of what is walked with arrows, units and rows, one.
CONTROLS = """() => {
    const root = document.querySelector('[data-spex]');
    const all = [...root.querySelectorAll('button, input, select, summary, a[href], [tabindex]')];
    window.controls = all.filter(e => e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true}));
    return window.controls.length;
}"""
# Which of them has the focus, and whether one sees it; -1 where it is none of them, null where it has left the widget.
FOCUSED = """() => {
    const at = document.activeElement;
    if (!document.querySelector('[data-spex]').contains(at)) return null;
    const style = getComputedStyle(at);
    return [(window.controls ?? []).indexOf(at), style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1];
}"""


def test_the_keyboard_alone_reaches_all_and_does_all(lab: Lab):
    page = shown(lab, "keyboard").page
    keyboard = page.keyboard
    page.locator("[data-spex] [data-action=add_budget]").focus()
    while page.evaluate(FOCUSED) is not None:  # out by its top, and in again
        keyboard.press("Shift+Tab")
    keyboard.press("Tab")
    count = page.evaluate(CONTROLS)
    reached = []
    while (at := page.evaluate(FOCUSED)) is not None and len(reached) <= count:
        reached.append(at)
        keyboard.press("Tab")
    assert reached == [[i, True] for i in range(count)]

    # Units: by arrows, out by Enter, back by the space bar.
    unit = page.locator("[data-spex] .spex-unit")
    page.locator("[data-spex] .spex-unit[tabindex='0']").focus()
    keyboard.press("Home")
    for _ in range(3):
        keyboard.press("ArrowRight")
    keyboard.press("Enter")
    page.wait_for_selector("[data-spex] .spex-unit[data-player='3'][aria-pressed=true]")
    keyboard.press("ArrowLeft")
    keyboard.press("Enter")
    page.wait_for_selector("[data-spex] .spex-unit[data-player='2'][aria-pressed=true]")
    keyboard.press("ArrowRight")
    keyboard.press("Space")
    page.wait_for_selector("[data-spex] .spex-unit[data-player='3'][aria-pressed=false]")
    keyboard.press("End")
    assert unit.last.evaluate("unit => unit === document.activeElement")

    # Rows: by arrows, chosen by Enter, let go by Enter.
    page.locator("[data-spex] tbody tr[tabindex='0']").focus()
    for _ in range(10):
        keyboard.press("ArrowUp")
    keyboard.press("ArrowDown")
    second = page.locator("[data-spex] tbody tr[data-rank='2']")
    assert second.evaluate("row => row === document.activeElement")
    keyboard.press("Enter")
    page.wait_for_selector("[data-spex] tbody tr[data-rank='2'][aria-selected=true]")
    assert second.evaluate("row => row === document.activeElement")
    keyboard.press("Enter")
    page.wait_for_selector("[data-spex] tbody tr[data-rank='2'][aria-selected=false]")
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length") == 3  # no cell was cut


# Notes whatever is animated in the widget, frame by frame.
MOTION = """() => {
    window.moved = [];
    const look = () => {
        const root = document.querySelector('[data-spex]');
        for (const animation of document.getAnimations())
            if (root?.contains(animation.effect?.target)) window.moved.push(animation.effect.target.className);
        requestAnimationFrame(look);
    };
    look();
}"""


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_nothing_moves_where_motion_is_not_wanted(lab: Lab, motion: str):
    notebook = lab.open(lab.write(f"motion-{motion}.ipynb", [DEMO, "view"]))
    page = notebook.page
    page.emulate_media(reduced_motion=motion)
    page.evaluate(MOTION)
    for cell in range(2):
        notebook.run(cell)
    page.wait_for_selector("[data-spex][data-state=done]")
    page.locator("[data-spex] .spex-unit").first.click()
    page.wait_for_selector("[data-spex] .spex-unit[aria-pressed=true]")
    moved = page.evaluate("() => window.moved")
    assert (len(moved) > 0) == (motion == "no-preference")
