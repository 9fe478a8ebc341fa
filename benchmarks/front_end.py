"""The front end in a real JupyterLab: how soon, how surely and how smoothly what the kernel knows is on the page.

python benchmarks/front_end.py --minutes 10     the figures of RESULTS.md, in about a quarter of an hour
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from results import RESULTS, setting, table, write_section
from spex_widget.algorithms import FIRST, R2, Estimate, Mark
from spex_widget.snapshot import Snapshot, encode
from spex_widget.spectrum import SparseSpectrum

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))

from chromium import find
from conftest import CHROMIUM_FLAGS, Lab, Notebook, Server
from test_last_frame import FAST

RATE = 10  # frames a second
AIMS = {"median": 20, "p95": 100, "answer": 500, "bytes": 100_000, "script": 16}

FEED = """
import dataclasses, json, time
import spex_widget as spex

def feed(view, moments, frames):
    "Show moments of a run again, ten a second, and say when each was sent."
    sent, began = [], time.perf_counter()
    for k in range(frames):
        time.sleep(max(0, began + k / 10 - time.perf_counter()))
        moment = dataclasses.replace(moments[k % len(moments)], seq=1_000_000 + k, state="running")
        sent.append((moment.seq, 1000 * time.time()))
        view.show(moment)
    print(json.dumps(sent))

def watched(game, **options):
    view, moments = spex.explain(game, **options), []
    view.session.subscribe(lambda snapshot: moments.append(snapshot) if snapshot.estimate else None)
    return view, moments
"""
DEMO = """
model, tokenizer = spex.demo.load()
game = spex.TextGame(model, tokenizer, spex.demo.passage().text, target="POSITIVE")
view, moments = watched(game, budget={budget})
"""
LONG = """
import numpy as np

rng = np.random.default_rng(0)
alone = rng.normal(0, 0.1, 2000)
pairs = rng.integers(0, 1990, 60)

def long(x):
    return x @ alone + sum((-1.0) ** i * (x[:, at] & x[:, at + 3]) for i, at in enumerate(pairs))

view, moments = watched(spex.FunctionGame(long, 2000, players=[f"word{i}" for i in range(2000)]), budget=1000)
"""

ARRIVALS = """() => {
    const root = document.querySelector('[data-spex]');
    const note = () => window.arrived.push([Number(root.dataset.seq), performance.timeOrigin + performance.now()]);
    window.arrived = [];
    new MutationObserver(note).observe(root, {attributes: true, attributeFilter: ['data-seq']});
}"""
HEARD = """
window.heard = [];
window.WebSocket = class extends WebSocket {
    constructor(...args) {
        super(...args);
        this.addEventListener('message', ({data}) => {
            const now = performance.timeOrigin + performance.now();
            const text = data instanceof ArrayBuffer ? new TextDecoder('latin1').decode(data) : '';
            const seq = text.includes('"frame"') && text.match(/"seq":\\s?(\\d+)/);
            if (seq) window.heard.push([Number(seq[1]), now]);
        });
    }
};
"""
# Takes a unit out, and waits until the model's own value is there.
ASK = """player => new Promise((resolve, reject) => {
    const root = document.querySelector('[data-spex]');
    const line = root.querySelector('.spex-answer-line');
    const began = performance.now();
    const observer = new MutationObserver(() => {
        if (!/● model [+−\\d]/.test(line.textContent)) return;
        observer.disconnect();
        resolve(performance.now() - began);
    });
    observer.observe(line, {childList: true, characterData: true, subtree: true});
    root.querySelector(`.spex-unit[data-player="${player}"]`).click();
    setTimeout(() => reject(new Error('the model gave no answer')), 20000);
})"""


class HeardLab(Lab):
    """Notes on each page which frames reach it and when, before any other script has seen them."""

    def page(self, *, dark: bool = False) -> Page:
        page = super().page(dark=dark)
        page.add_init_script(HEARD)
        return page


def opened(lab: Lab, name: str, *cells: str) -> Notebook:
    """A notebook whose cells but the last have run."""
    notebook = lab.open(lab.write(f"{name}.ipynb", [FEED, *cells]))
    for cell in range(len(cells)):
        notebook.run(cell)
    return notebook


def stream(lab: HeardLab, minutes: float) -> dict[str, float]:
    """Frames of the demo's run: how late each is on the page, and how many never came."""
    frames = round(60 * RATE * minutes)
    notebook = opened(lab, "stream", DEMO.format(budget=400), "view", "view.wait()", f"feed(view, moments, {frames})")
    notebook.page.wait_for_selector("[data-spex][data-state=done]")
    notebook.page.evaluate(ARRIVALS)
    notebook.run(4)
    last = 1_000_000 + frames - 1
    notebook.page.wait_for_selector(f"[data-spex][data-seq='{last}']")
    sent = dict(json.loads(notebook.text_of(4)))
    heard, drawn = (dict(notebook.page.evaluate(f"() => window.{name}")) for name in ("heard", "arrived"))
    late = [drawn[seq] - sent[seq] for seq in sent.keys() & drawn.keys()]
    return {
        "frames": frames,
        "median": float(np.median(late)),
        "p95": float(np.quantile(late, 0.95)),
        "drawing": float(np.median([drawn[seq] - heard[seq] for seq in sent.keys() & heard.keys() & drawn.keys()])),
        "dropped": len(sent.keys() - heard.keys()),
        "undrawn": len(sent.keys() - drawn.keys()),
    }


def last_frames(lab: Lab, runs: int) -> int:
    """How many fast runs, of so many, are seen to end."""
    notebook = opened(lab, "fast", FAST)
    ended = 0
    wanted = [64 + 8 * i for i in range(10)]
    for _ in range(0, runs, len(wanted)):
        notebook.run(1)
        done = (
            "() => [...document.querySelectorAll('[data-spex][data-state=done]')].map(v => Number(v.dataset.ablations))"
        )
        notebook.page.wait_for_timeout(2000)  # ample: what has not arrived by then does not
        ended += len(set(wanted) & set(notebook.page.evaluate(done)))
    return ended


def answers(lab: Lab, asked: int) -> dict[str, float]:
    """Milliseconds from a click on a unit to the model's own value, while a run goes on and when it has ended."""
    took = {}
    for state, budget in (("running", 200_000), ("done", 400)):
        notebook = opened(lab, f"answers-{state}", DEMO.format(budget=budget), "view", "view.stop()")
        page = notebook.page
        page.wait_for_selector(f"[data-spex][data-state={state}] tbody tr")
        players = page.locator("[data-spex] .spex-unit:not(.spex-again)").count()
        # Each click adds a unit to those that are out, so that none has been asked about before.
        times = [page.evaluate(ASK, player) for player in range(min(asked, players - 1))]
        took[state] = float(np.quantile(times, 0.95))
        notebook.run(3)
    return took


def script(lab: Lab, frames: int) -> dict[str, float]:
    """Milliseconds a frame at 2,000 units: all scripts, the widget's own among them, layout, and styles."""
    notebook = opened(lab, "long", LONG, "view", "view.wait()", f"feed(view, moments, {frames})")
    page = notebook.page
    page.wait_for_selector("[data-spex][data-state=done]", timeout=300_000)
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")
    client.send("Profiler.enable")

    def spent() -> dict[str, float]:
        return {metric["name"]: metric["value"] for metric in client.send("Performance.getMetrics")["metrics"]}

    client.send("Profiler.start")
    before = spent()
    notebook.run(4)
    page.wait_for_selector(f"[data-spex][data-seq='{1_000_000 + frames - 1}']")
    after = spent()
    each = {
        name: 1000 * (after[f"{name}Duration"] - before[f"{name}Duration"]) / frames for name in ("Script", "Layout")
    }
    each["own"] = own_script(client.send("Profiler.stop")["profile"]) / frames
    each["Style"] = 1000 * (after["RecalcStyleDuration"] - before["RecalcStyleDuration"]) / frames
    return each


def own_script(profile: dict[str, Any]) -> float:
    """Milliseconds within the widget's module, which anywidget loads from a blob, and in what that calls."""
    own: dict[int, bool] = {}

    def walk(nodes: list[int], within: bool) -> None:
        for node in nodes:
            own[node] = within or by_id[node]["callFrame"]["url"].startswith("blob:")
            walk(by_id[node].get("children", []), own[node])

    by_id = {node["id"]: node for node in profile["nodes"]}
    walk([profile["nodes"][0]["id"]], False)
    samples = zip(profile["samples"], profile["timeDeltas"], strict=True)
    return sum(delta for node, delta in samples if own[node]) / 1000


def frame_bytes() -> int:
    """Of a frame of 2,000 players, 500 interactions among them."""
    rng = np.random.default_rng(0)
    terms = {(i,): float(rng.normal()) for i in range(2000)}
    while len(terms) < 2500:
        terms[tuple(sorted(rng.choice(2000, int(rng.integers(2, 6)), replace=False).tolist()))] = float(rng.normal())
    history = tuple(Mark(64 << k, R2(0.9, 0.8, 0.95), 0.5) for k in range(6))
    estimate = Estimate(FIRST, 7, 4000, SparseSpectrum.from_sets(2000, terms), False, history, {"process": 1.0})
    return len(encode(Snapshot(1, "done", "the budget is spent", 4000, 4000, 12.5, 0, estimate)))


def report(found: dict[str, dict[str, float]], ended: int, runs: int, version: str, args: argparse.Namespace) -> None:
    late, took, each = found["stream"], found["answers"], found["script"]
    command = f"python benchmarks/front_end.py --minutes {args.minutes:g}"
    rows = [
        ("kernel to page, median", f"{late['median']:.0f} ms", f"{AIMS['median']} ms"),
        ("kernel to page, 95 % of frames", f"{late['p95']:.0f} ms", f"{AIMS['p95']} ms"),
        ("of which in the page's scripts, median", f"{late['drawing']:.0f} ms", "–"),
        ("frames that the server dropped", f"{late['dropped']:.0f} of {late['frames']:,.0f}", "0"),
        ("frames that the page left out for a newer one", f"{late['undrawn']:.0f} of {late['frames']:,.0f}", "–"),
        ("fast runs whose last frame arrived", f"{ended} of {runs}", "all"),
        ("click to the model's answer, 95 %, while running", f"{took['running']:.0f} ms", f"{AIMS['answer']} ms"),
        ("click to the model's answer, 95 %, when done", f"{took['done']:.0f} ms", f"{AIMS['answer']} ms"),
        ("a frame of 2,000 players, 500 interactions", f"{frame_bytes():,} bytes", f"{AIMS['bytes']:,} bytes"),
        ("the widget's script a frame at 2,000 units", f"{each['own']:.1f} ms", f"{AIMS['script']} ms"),
        ("layout and style a frame at 2,000 units", f"{each['Layout'] + each['Style']:.1f} ms", "–"),
    ]
    lines = [
        setting(command, "anywidget", "jupyterlab", "ipykernel"),
        f"JupyterLab in Chromium {version}, without a GPU; kernel, server and browser share the cores.",
        "",
        f"Frames are sent {RATE} a second; a frame is on the page when the view's elements have changed.",
        "",
        *table(("what", "measured", "aim"), rows),
    ]
    write_section("Front end", lines, args.out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1, help="how long frames are streamed")
    parser.add_argument("--runs", type=int, default=100, help="fast runs, a multiple of ten")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    server = Server(folder, environment={"XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"})
    try:
        server.wait()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find(), args=CHROMIUM_FLAGS)
            lab = HeardLab(server, browser)
            found = {}
            for name, measure in (
                ("stream", lambda: stream(lab, args.minutes)),
                ("answers", lambda: answers(lab, 40)),
                ("script", lambda: script(lab, 100)),
            ):
                found[name] = measure()
                print(name, found[name], flush=True)
                lab.close_pages()
            ended = last_frames(lab, args.runs)
            print("last frames", ended, "of", args.runs)
            lab.close_pages()
            report(found, ended, args.runs, browser.version, args)
    finally:
        server.close()


if __name__ == "__main__":
    main()
