"""The view among other widgets: boxed, observed, linked with controls, with another view, and with an Altair chart."""

import shutil
from pathlib import Path

from conftest import Lab

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "06_compose.ipynb"

BAR = ".vega-embed path[aria-roledescription=bar]"

# A view's element by its place on the page.
VIEW = "[data-spex] >> nth={}"


def test_the_compose_notebook_links_what_it_says(lab: Lab):
    shutil.copy(NOTEBOOK, lab.server.folder)
    notebook = lab.open(NOTEBOOK.name)
    page = notebook.page
    outside = []
    page.on("request", lambda request: outside.append(request.url))
    notebook.run_all()
    page.wait_for_function("() => document.querySelectorAll('[data-spex][data-state=done]').length === 4")
    page.wait_for_selector(BAR)
    boxed, replaced, removed, beside_chart = (page.locator(VIEW.format(i)) for i in range(4))

    # Side by side they share the width, without being told to.
    left, right = (view.bounding_box() for view in (replaced, removed))
    assert left["x"] + left["width"] <= right["x"] + 1
    assert left["width"] == right["width"] > 300

    # Another output is chosen by a control, on the page alone, and the view shows it.
    page.locator(".widget-toggle-button", has_text="NEGATIVE").click()
    boxed.locator(".spex-what strong", has_text="NEGATIVE").wait_for()

    # What is chosen is observed in Python.
    # Another than the one that the notebook has chosen, which a click would let go.
    boxed.locator(".spex-now", has_text="done").wait_for()
    chosen = boxed.locator("tbody tr[aria-selected=false]").first.get_attribute("data-members")
    boxed.locator(f'tr[data-members="{chosen}"]').click()
    said = page.locator(".widget-html-content", has_text="all there")
    page.wait_for_function(
        "([said, many]) => said.textContent.split('without').length === many + 1",
        arg=[said.element_handle(), len(chosen.split(","))],
    )

    # A word that is taken out in one view is out in the other, and in the third, which is the first once more.
    taken = replaced.locator(".spex-unit[data-out]")
    assert taken.count() == 2
    assert removed.locator(".spex-unit[data-out]").count() == 2
    removed.locator('.spex-unit[data-player="0"]').click()
    replaced.locator('.spex-unit[data-player="0"][data-out]').wait_for()
    beside_chart.locator('.spex-unit[data-player="0"][data-out]').wait_for()

    # A bar that is clicked is chosen in the views, and the other way round.
    bars = page.locator(BAR)
    assert bars.count() == 12
    bars.nth(4).click()
    beside_chart.locator("tr[aria-selected=true]").wait_for()
    key = beside_chart.locator("tr[aria-selected=true]").get_attribute("data-members")
    removed_key = removed.locator(f'.spex-unit[data-player="{key.split(",")[0]}"][data-marked]')
    removed_key.wait_for()
    faint = f"() => [...document.querySelectorAll('{BAR}')].map(bar => bar.getAttribute('opacity') ?? '1')"
    page.wait_for_function(f"() => ({faint})().filter(opacity => opacity === '1').length === 1")
    assert page.evaluate(faint)[4] == "1"
    replaced.locator("tbody tr").nth(2).click()
    page.wait_for_function(f"() => ({faint})()[4] !== '1'")

    errors = page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']")
    assert errors.count() == 0
    assert [url for url in outside if not url.startswith((lab.server.url, "data:", "blob:"))] == []
