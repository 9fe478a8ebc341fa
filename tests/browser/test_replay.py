"""A run that is over, in pages with neither kernel nor network, and in a notebook without its model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

import spex_widget as spex
from conftest import OUTPUT, Lab

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "spex_widget" / "static"
AXE = ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "</style><b>bold</b>", "{{7*7}}")
N = 24


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory):
    def f(x: np.ndarray) -> np.ndarray:
        return 3.0 * (x[:, 0] & x[:, 1] & x[:, 2]) - 2.0 * (x[:, 5] | x[:, 6]) + x[:, 9]

    game = spex.FunctionGame(f, N, players=[*HOSTILE, *(f"word{i}" for i in range(len(HOSTILE), N))])
    view = spex.Session(game, budget=600, log=tmp_path_factory.mktemp("log") / "log")
    view.wait()
    return view.result


@pytest.fixture(scope="module")
def files(result, tmp_path_factory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("saved")
    return SimpleNamespace(
        page=result.save_html(folder / "why.html").as_uri(),
        json=result.save_json(folder / "why.json"),
        run=result.save(folder / "why.spex"),
    )


@pytest.fixture
def offline(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Opens pages that may read files alone; in the end nothing else was asked for, and nothing went wrong."""
    said: list[str] = []
    contexts: list[BrowserContext] = []

    def guard(route: Route) -> None:
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            said.append(f"asked for {route.request.url}")
            route.abort()

    def open_page(url: str, **options) -> Page:
        context = browser.new_context(viewport={"width": 1000, "height": 900}, **options)
        contexts.append(context)
        context.route("**/*", guard)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("dialog", lambda dialog: (said.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: said.append(f"an error: {error}"))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.goto(url)
        return page

    yield open_page
    OUTPUT.mkdir(exist_ok=True)
    for i, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=OUTPUT / f"{request.node.name}-{i}.png", full_page=True)
        context.close()
    assert not said


def moment(page: Page) -> int:
    return int(page.get_attribute("[data-spex]", "data-seq"))


def until_moment(page: Page, seq: int) -> None:
    page.wait_for_selector(f"[data-spex][data-seq='{seq}']")


def seqs(result) -> list[int]:
    from spex_widget.snapshot import decode

    return [decode(frame)[0]["seq"] for frame in result.recording.frames]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_shows_the_end_with_neither_kernel_nor_network(offline, files, result, scheme):
    page = offline(files.page, color_scheme=scheme)
    page.wait_for_selector("[data-spex][data-state=done]")
    assert moment(page) == seqs(result)[-1]
    row = page.locator("[data-spex] tr[data-members]").first
    first = next(row for row in result.ranking("BII") if row["order"] > 1)
    assert row.get_attribute("data-members") == ",".join(map(str, first["members"]))
    paper = page.locator("[data-spex]").evaluate("(root) => getComputedStyle(root).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 17, 17)"}[scheme]


def test_what_a_text_says_appears_as_itself(offline, files):
    page = offline(files.page)
    page.wait_for_selector("[data-spex][data-state=done]")
    text = page.locator("[data-spex] .spex-text").text_content()
    members = page.locator('[data-spex] tr[data-members="0,1,2"] .spex-members').text_content()
    for token in HOSTILE:
        assert token in text
    for token in HOSTILE[:3]:
        assert token in members
    assert page.locator("img, b").count() == 0
    assert page.locator("script").count() == 2


def test_moments_are_scrubbed_by_the_keyboard_and_stepped_through(offline, files, result):
    page = offline(files.page)
    page.wait_for_selector("[data-spex][data-state=done]")
    moments = seqs(result)
    slider = page.get_by_role("slider", name="moment of the run")
    slider.focus()
    for key, at in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("End", -1), ("ArrowLeft", -2)):
        page.keyboard.press(key)
        until_moment(page, moments[at])
    page.get_by_role("button", name="one moment back").click()
    until_moment(page, moments[-3])
    page.get_by_role("button", name="one moment forward").click()
    until_moment(page, moments[-2])
    assert slider.get_attribute("aria-valuetext").endswith(" of 600 ablations")


def test_it_plays_when_asked_to_and_not_before(offline, files, result):
    page = offline(files.page, reduced_motion="reduce")
    page.wait_for_selector("[data-spex][data-state=done]")
    assert page.get_attribute("[data-spex]", "data-frames") == "1"
    page.get_by_label("speed").select_option("4")
    play = page.locator("[data-spex] [data-action=play]")
    play.click()
    page.wait_for_selector("[data-spex][data-state=running]")
    until_moment(page, seqs(result)[-1])
    page.wait_for_function("() => document.querySelector('[data-action=play]').textContent === 'play'")
    drawn = int(page.get_attribute("[data-spex]", "data-frames"))
    assert drawn >= len(result.recording.frames), "each moment was drawn"


def test_what_if_is_answered_by_the_surrogate_of_the_moment(offline, files, result):
    page = offline(files.page)
    page.wait_for_selector("[data-spex][data-state=done]")
    without = np.ones((2, N), dtype=bool)
    without[1, 9] = False
    all_present, less = result.predict(without)
    page.locator("[data-spex] [data-player='9']").first.click()
    line = page.locator("[data-spex] .spex-answer-line")
    line.get_by_text("surrogate").wait_for()
    answered = (
        f"surrogate {less:+.2f} ({less - all_present:+.2f} from all present) · no model here: the surrogate alone"
    )
    assert answered.replace("-", "−") in line.inner_text()
    page.locator("[data-spex] [data-action=back]").click()
    page.get_by_role("slider", name="moment of the run").press("Home")
    line.get_by_text("There is no estimate yet.").wait_for()


@pytest.mark.parametrize(("kind", "begins"), [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_pictures_of_the_text_are_made_without_a_kernel(offline, files, kind, begins):
    page = offline(files.page)
    page.wait_for_selector("[data-spex][data-state=done]")
    with page.expect_download() as download:
        page.get_by_role("button", name=kind.upper(), exact=True).click()
    content = Path(download.value.path()).read_bytes()
    assert begins in content[:100]


def test_without_scripts_a_page_shows_the_static_rendering(offline, files):
    page = offline(files.page, java_script_enabled=False)
    text = page.locator("body").inner_text()
    assert "done (the budget is spent) · 600 of 600 ablations" in text
    assert HOSTILE[1] in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_controls_are_accessible(offline, files, scheme):
    page = offline(files.page, color_scheme=scheme)
    page.wait_for_selector("[data-spex][data-state=done]")
    page.evaluate(AXE.read_text())
    for where in ("'.spex-replay'", "document, {runOnly: ['document-title', 'html-has-lang', 'meta-viewport']}"):
        violations = page.evaluate(f"async () => (await axe.run({where})).violations")
        assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in violations] == []


# What MyST's theme does with an {anywidget} directive: the module and the style sheet come from its server, the JSON is
# the directive's body, the view is drawn in a shadow root, and the model cannot send, save or let go.
MYST = """<!doctype html><html class="%s"><title>MyST</title><body><div id="node"></div>
<script type="application/json" id="body">%s</script>
<script type="module">
const { default: widget } = await import("/widget.js");
class Model {
  #state; #target = new EventTarget();
  constructor(state) { this.#state = state; }
  get(name) { return this.#state[name]; }
  set(name, value) { this.#state[name] = value; this.#target.dispatchEvent(new CustomEvent("change:" + name)); }
  on(name, call) { this.#target.addEventListener(name, call); }
  off() { throw new Error("off"); }
  save_changes() { throw new Error("save_changes"); }
  send() { throw new Error("send"); }
}
const root = document.createElement("div");
document.querySelector("#node").attachShadow({ mode: "open" }).append(root);
const link = document.createElement("link");
link.rel = "stylesheet";
link.href = "/widget.css";
root.append(link);
const model = new Model(JSON.parse(document.querySelector("#body").textContent));
await widget.initialize?.({ model });
window.cleanUp = await widget.render({ model, el: root });
</script>"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_directive_of_mysts_takes_the_same_module_and_the_json(browser, files, result, theme):
    body = files.json.read_text().replace("<", "\\u003c")  # in MyST it does not stand in a page
    served = {"/": (MYST % (theme, body), "text/html")}
    for name, kind in (("widget.js", "text/javascript"), ("widget.css", "text/css")):
        served[f"/{name}"] = ((STATIC / name).read_text(encoding="utf-8"), kind)
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    said: list[str] = []

    def serve(route: Route) -> None:
        content, kind = served.get(route.request.url.removeprefix("https://myst.test"), (None, None))
        if content is None:
            said.append(route.request.url)
            route.abort()
        else:
            route.fulfill(body=content, content_type=f"{kind}; charset=utf-8")

    context.route("**/*", serve)
    page = context.new_page()
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.goto("https://myst.test/")
    page.wait_for_selector("[data-spex][data-state=done]")  # selectors look into open shadow roots
    page.locator("[data-action=back]").click()
    until_moment(page, seqs(result)[-2])
    row = page.locator("tr[data-members]").first
    row.click()
    page.wait_for_selector("tr[data-members][aria-selected=true]")
    page.locator("[data-player][tabindex='0']").press("Enter")  # the focus is within the shadow root
    page.locator(".spex-answer-line").get_by_text("the surrogate alone").wait_for()
    paper = page.locator("[data-spex]").evaluate("(root) => getComputedStyle(root).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 17, 17)"}[theme]
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / f"myst-{theme}.png", full_page=True)
    page.evaluate("window.cleanUp()")
    assert page.locator("[data-spex]").count() == 0
    context.close()
    assert said == [] or said == ["https://myst.test/favicon.ico"]


def test_a_recording_opens_in_a_notebook_without_its_model(lab: Lab, files, result):
    cells = [
        f"import spex_widget as spex\nview = spex.load({json.dumps(str(files.run))})\nview",
        "print(view.result.ranking('BII', top=1)[0]['members'])",
        "try:\n    view.probe([True] * 24)\nexcept RuntimeError as error:\n    print(error)",
    ]
    notebook = lab.open(lab.write("recorded.ipynb", cells))
    for cell in range(3):
        notebook.run(cell)
    page = notebook.page
    page.wait_for_selector("[data-spex][data-state=done]")
    assert notebook.text_of(1).strip() == str(result.ranking("BII", top=1)[0]["members"])
    assert "this is a recording, and the model is not here" in notebook.text_of(2)
    page.get_by_role("slider", name="moment of the run").focus()
    page.keyboard.press("Home")
    until_moment(page, seqs(result)[0])
    assert page.locator("[data-spex] .spex-buttons button").count() == 0
