"""A fast run ends between two frames, and the last one always arrives."""

from conftest import Lab

FAST = """
import spex_widget as spex

def f(x):
    return 1.0 * (x[:, 0] & x[:, 1]) - 0.5 * x[:, 2]

views = [spex.explain(spex.FunctionGame(f, 12), budget=64 + 8 * i, seed=i) for i in range(10)]
for view in views:
    display(view)
for view in views:
    view.wait()
"""


def test_the_last_frame_of_ten_fast_runs_arrives(lab: Lab):
    notebook = lab.open(lab.write("fast.ipynb", [FAST]))
    notebook.run(0)
    notebook.page.wait_for_function(
        "() => document.querySelectorAll('[data-spex][data-state=done]').length === 10", timeout=10_000
    )
    ablations = notebook.page.locator("[data-spex]").evaluate_all(
        "views => views.map(v => Number(v.dataset.ablations))"
    )
    assert ablations == [64 + 8 * i for i in range(10)]
