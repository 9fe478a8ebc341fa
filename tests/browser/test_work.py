"""The header says what the run has taken of the model and what zooming had spent, and nothing moves when it does."""

import pytest

from conftest import Lab

ZOOMED = """
import spex_widget as spex

model, tokenizer = spex.demo.load()
text = "\\n\\n".join(review.text for review in list(spex.demo.passages().values())[1:4])
game = spex.TextGame(model, tokenizer, text, units="paragraph", target="POSITIVE")
zoomed = spex.zoom(game, ["sentence", "word"], keep=2, budget=100)
view = spex.explain(zoomed, budget=600)
view.pause()
"""
SAID = """
view.wait()
snapshot = view.session.snapshot()
print(f"{snapshot.ablations:,} / {snapshot.budget:,} ablations · {snapshot.before} of them to zoom")
print(snapshot.took.replace(" %", "\\u00a0%"))
print(f"passes: {snapshot.work.passes:,}, tokens: {snapshot.work.tokens:,}")
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_what_the_run_took_is_on_the_page(lab: Lab, dark: bool):
    notebook = lab.open(lab.write(f"work-{dark}.ipynb", [ZOOMED, "view", "view.resume()", SAID]), dark=dark)
    page = notebook.page
    # Within the widget: the notebook itself scrolls to the cell that runs.
    top = """() => document.querySelector('[data-spex] .spex-text').getBoundingClientRect().top
        - document.querySelector('[data-spex]').getBoundingClientRect().top"""
    for cell in range(2):
        notebook.run(cell)
    page.wait_for_selector("[data-spex][data-state=paused]")
    before = page.evaluate(top)
    for cell in (2, 3):
        notebook.run(cell)
    page.wait_for_selector("[data-spex][data-state=done]")
    ablations, took, passes = notebook.text_of(3).strip().splitlines()
    assert page.locator("[data-spex] .spex-done").inner_text() == ablations
    work = page.locator("[data-spex] .spex-work")
    assert work.inner_text() == took
    assert passes in work.get_attribute("title")
    assert page.evaluate(top) == before
