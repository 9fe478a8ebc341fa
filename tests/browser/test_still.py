"""The text holds still while the run goes on; and what opens out of sight comes into it for who has opened it."""

from conftest import Lab

DEMO = """
import spex_widget as spex

model, tokenizer = spex.demo.load()
text = "\\n".join(review.text for review in list(spex.demo.passages().values())[:2])
game = spex.TextGame(model, tokenizer, text, target="POSITIVE")
view = spex.explain(game, budget=2000)
view.pause()
"""
# Notes, frame by frame, the state of the run and how high the text is.
WATCH = """() => {
    window.seen = [];
    const look = () => {
        const root = document.querySelector('[data-spex]');
        if (root) window.seen.push([root.dataset.state, root.querySelector('.spex-running').offsetHeight]);
        requestAnimationFrame(look);
    };
    look();
}"""


def test_the_text_holds_still_from_the_first_ablation_to_the_end(lab: Lab):
    notebook = lab.open(lab.write("still.ipynb", [DEMO, "view", "view.resume()"]))
    page = notebook.page
    for cell in range(2):
        notebook.run(cell)
    page.wait_for_selector("[data-spex][data-state=paused]")
    page.evaluate(WATCH)
    notebook.run(2)
    page.wait_for_selector("[data-spex][data-state=done] .spex-dots")
    page.wait_for_function("() => window.seen.filter(([state]) => state === 'done').length > 10")
    states, heights = (set(seen) for seen in zip(*page.evaluate("() => window.seen"), strict=True))
    assert {"paused", "running", "done"} <= states
    assert len(heights) == 1


SHOWN = """() => {
    const {bottom} = document.querySelector('[data-spex] .spex-card').getBoundingClientRect();
    return bottom <= document.querySelector('.jp-WindowedPanel-outer').getBoundingClientRect().bottom + 1;
}"""


def test_on_a_narrow_page_the_card_comes_into_sight_for_who_chose_it(lab: Lab):
    notebook = lab.open(lab.write("narrow.ipynb", [DEMO, "view", "view.resume(); view.wait()"]))
    page = notebook.page
    page.set_viewport_size({"width": 1000, "height": 900})
    for cell in range(3):
        notebook.run(cell)
    page.wait_for_selector("[data-spex][data-state=done]")
    page.click("[data-spex] tbody tr[data-rank='1']")
    page.wait_for_selector("[data-spex] .spex-card:not([hidden])")
    page.wait_for_function(SHOWN)
