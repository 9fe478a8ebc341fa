"""Look at the widget without Jupyter: a page that plays synthetic runs, and screenshots of it in every state.

`python js/dev/harness.py` builds tests/output/harness.html (open it with ?text=long&theme=dark&play=1) and takes the
screenshots beside it.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from spex_widget.algorithms import FIRST, R2, Estimate, Mark
from spex_widget.algorithms.evidence import Foretold
from spex_widget.snapshot import Measured, Ranked, Snapshot, encode
from spex_widget.spectrum import SparseSpectrum

ROOT = Path(__file__).parents[2]
OUT = ROOT / "tests" / "output"
THEMES = Path(sys.prefix) / "share/jupyter/lab/themes/@jupyterlab"
SHORT = (
    "I expected a dull evening at the cinema, but the plot was not bad at all: nobody thought the acting was wooden, "
    "the music was really lovely, and yeah right, the ending was so clever that we left before it."
)
HEBREW = "ציפיתי לערב משעמם בקולנוע, אבל העלילה לא הייתה רעה בכלל: איש לא חשב שהמשחק עץ. " * 3
PLANTED = [("not", "bad"), ("nobody", "wooden"), ("really", "lovely"), ("yeah", "right,", "clever"), ("dull", "but")]
PLANTED += [("not", "bad", "nobody", "wooden"), ("music", "really", "lovely"), ("plot", "bad"), ("so", "clever")]
PAGE = """<!doctype html><meta charset="utf-8"><style>{theme_light} {theme_dark} {css}
body {{ margin: 0; padding: 12px; background: var(--jp-layout-color0) }}</style>
<body><div id="view"></div><script type="module">
const runs = {runs};
const ask = Object.fromEntries(new URLSearchParams(location.search));
document.body.dataset.jpThemeLight = String(ask.theme !== "dark");
document.querySelector("#view").style.width = (ask.width ?? 900) + "px";
const run = runs[ask.text ?? "short"];
const bytes = (frame) => new DataView(Uint8Array.from(atob(frame), (c) => c.charCodeAt(0)).buffer);
const heard = {{}}, traits = {{ header: run.header, frame: new DataView(new ArrayBuffer(0)) }};
const model = {{ get: (k) => traits[k], on: (e, f) => (heard[e] = f), off() {{}}, send: (m) => console.log(m),
  set: (k, v) => (traits[k] = v), save_changes() {{}} }};
window.show = (i) => {{ traits.frame = bytes(run.frames[i]); heard["change:frame"]?.(); }};
const {{ default: widget }} = await import("data:text/javascript;base64,{module}");
const last = run.states.lastIndexOf(ask.state ?? "done");
if (last >= 0 && !ask.play) traits.frame = bytes(run.frames[ask.state === "running" ? Math.round(0.4 * last) : last]);
widget.render({{ model, el: document.querySelector("#view") }});
if (ask.play) run.frames.forEach((_, i) => setTimeout(() => window.show(i), 120 * i));
</script>"""


def surrogate(words: list[str], rng: np.random.Generator, noise: float) -> SparseSpectrum:
    """A spectrum in which planted words act together, blurred by what is not known yet."""
    n, bare = len(words), [w.strip(",.:").lower() for w in words]
    terms: dict[tuple[int, ...], float] = {(): 0.0}
    for i in range(n):
        terms[(i,)] = float(np.sin(7.0 * i) ** 5 * 0.3 + rng.normal(0, 0.2 * noise))
    for k, planted in enumerate(PLANTED):
        start = k * (n // 40) // len(PLANTED) * 38  # in a longer text, each in another copy of the sentence
        found = tuple(sorted({bare.index(w.strip(","), start) for w in planted if w.strip(",") in bare}))
        terms[found] = terms.get(found, 0.0) + (-1) ** k * 0.9 / (k + 1) + rng.normal(0, 0.3 * noise)
    sets = np.random.default_rng(7)  # the same in each round, or the ranking would never hold still
    for _ in range(120):
        near = sets.integers(max(1, n - 60)) + np.arange(min(n, 60))
        members = tuple(sorted(int(i) for i in sets.choice(near, sets.integers(2, 5), replace=False)))
        terms[members] = float(sets.normal(0, 0.05) + rng.normal(0, 0.1 * noise))
    return SparseSpectrum.from_sets(n, terms)


def play(text: str, *, faithful: float = 0.93, exact: bool = False, between: str = r"(\s+)") -> dict[str, object]:
    """A whole run as the page meets it: the header, the frames, and the state of each."""
    cut, rng = re.split(between, text.strip()), np.random.default_rng(1)
    words, pieces = cut[::2], [[p, i // 2 if i % 2 == 0 else -1] for i, p in enumerate(cut)]
    header = {"players": words, "outputs": ["POSITIVE"], "pieces": [["[CLS] ", -1], *pieces], "lens": "TextGame"}
    header |= {"model": "tiny-bert-reviews", "value": "log-odds", "ablation": "words replaced by [MASK]", "uid": "u1"}
    header |= {"answer": [], "threshold": 0.0}
    header["log"] = "/home/me/.cache/spex/4f1d.sqlite"
    budget, estimate, history, frames, foretold = 1 << len(words) if exact else 800, None, (), [], ()
    truth, mixture = surrogate(words, rng, 0.0), {"parities": 0.62, "process": 0.27, "lasso": 0.11}
    for done in range(0, budget + 1, budget // 32):
        if done and not exact and done % (budget // 16) == 0:
            noise = (50 / done) ** 0.7
            r2, wide = faithful - noise / 1.1, 0.35 * noise + 0.02
            history += (Mark(done, R2(r2, r2 - wide, r2 + 0.5 * wide), 0.6 * faithful - noise / 2),)
            if estimate:
                x = rng.random((50, len(words))) < 0.5
                foretold += (Foretold(x, truth(x), estimate.spectrum, estimate.spectrum(x)),)
            known = surrogate(words, rng, noise)
            estimate = Estimate(FIRST, len(history), done, known, False, history[1:], mixture, foretold)
        rate = 1240.0 if done else 0.0
        frames.append(Snapshot(len(frames), "running", "", done, budget, rate, 0, estimate, max_order=3))
    middle, end = frames[len(frames) // 2], frames[-1]
    if exact:
        estimate = Estimate(FIRST, 1, budget, surrogate(words, rng, 0.0), exact=True)
        end = Snapshot(99, "done", "", budget, budget, 900.0, 0, estimate)
    for state, at in (("paused", middle), ("stopped", middle), ("done", end), ("failed", middle)):
        why = "CUDA out of memory" if state == "failed" else ""
        measured = verdicts(at) if state == "done" else {}
        last = Snapshot(99, state, why, at.ablations, at.budget, 0.0, 0, at.estimate, at.index, at.max_order, measured)
        frames.append(last)
    states = [snapshot.state for snapshot in frames]
    return {"header": header, "states": states, "frames": [base64.b64encode(encode(s)).decode() for s in frames]}


def verdicts(snapshot: Snapshot) -> dict[tuple[int, ...], Measured]:
    """The three largest interactions as if they had been measured: confirmed, contradicted, undecided."""
    if snapshot.estimate is None or snapshot.estimate.exact:
        return {}
    ranked = Ranked.of(snapshot.estimate.spectrum, snapshot.index, snapshot.max_order)
    largest = ranked.head(ranked.orders > 1, 3)
    spans = ((0.9, 1.1), (-1.2, -0.8), (-0.5, 1.5))
    ends = [sorted(float(effect) * end for end in span) for effect, span in zip(largest.effects, spans, strict=False)]
    return {p: Measured((low + high) / 2, low, high, 16) for p, (low, high) in zip(largest.sets(), ends, strict=True)}


def read(tab: Page) -> None:
    """Pin three rows early in a run and filter the rest, which change under the pointer."""
    tab.evaluate("show(4)")
    for rank in (2, 4, 9):
        tab.click(f'tr[data-rank="{rank}"] [data-action=pin]')
    tab.select_option("[data-filter=sign]", "+")
    tab.fill("[data-filter=least]", "0.1")
    tab.hover("tr[data-rank='3']")
    tab.evaluate("show(30)")


def build() -> None:
    """Build the page that plays the runs."""
    OUT.mkdir(parents=True, exist_ok=True)
    static = ROOT / "spex_widget" / "static"
    long = " ".join([SHORT] * 8) + "\n\n" + "<img src=x onerror=alert(1)> is only text. " * 4
    runs = {"short": play(SHORT), "long": play(long), "low": play(SHORT, faithful=0.45)}
    runs |= {"huge": play(" ".join([SHORT] * 51)), "rtl": play(HEBREW)}
    runs |= {"clauses": play(" ".join([SHORT] * 4), between=r"([,:.]\s+)")}
    runs |= {"exact": play("the plot was not really bad", exact=True)}
    theme = [(THEMES / f"theme-{t}-extension" / "index.css").read_text() for t in ("light", "dark")]
    dark = theme[1].replace(":root", 'body[data-jp-theme-light="false"]')
    module, css = base64.b64encode((static / "widget.js").read_bytes()).decode(), (static / "widget.css").read_text()
    page = PAGE.format(theme_light=theme[0], theme_dark=dark, css=css, runs=json.dumps(runs), module=module)
    (OUT / "harness.html").write_text(page)


def main() -> None:
    """Build the page and take the screenshots."""
    build()
    shots = [("short", s, 900) for s in ("empty", "running", "paused", "failed", "done")] + [("exact", "done", 900)]
    shots += [("short", "running", 500), ("long", "running", 900), ("long", "done", 500), ("low", "done", 900)]
    shots += [("huge", "done", 900), ("rtl", "done", 500), ("clauses", "done", 500)]
    shots += [("short", "reading", 900), ("short", "reading", 500), ("short", "done", 500), ("short", "done", 980)]
    with sync_playwright() as p:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
        browser = p.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        for theme_name in ("light", "dark"):
            for text, state, width in shots:
                tab = browser.new_page(viewport={"width": width + 24, "height": 300})
                tab.on("pageerror", lambda error: sys.exit(f"an error in the page: {error}"))
                tab.goto(f"file://{OUT}/harness.html?text={text}&state={state}&width={width}&theme={theme_name}")
                tab.wait_for_selector("[data-spex]")
                if state == "reading":
                    read(tab)
                tab.wait_for_timeout(300)
                tab.screenshot(path=OUT / f"{text}-{state}-{width}-{theme_name}.png", full_page=True)
                tab.close()


if __name__ == "__main__":
    main()
