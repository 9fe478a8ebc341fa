"""A run as one page: the widget's own module, the frames, and a model of ten lines instead of a kernel."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spex_widget.report.static import static_html
from spex_widget.snapshot import Recording

if TYPE_CHECKING:
    from spex_widget.report.result import Result

_STATIC = Path(__file__).parent.parent / "static"

_SCRIPT = """
const packed = Uint8Array.from(atob(document.querySelector("#run").textContent), (c) => c.charCodeAt(0));
const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
const { module, ...state } = await new Response(unpacked).json();
const { default: widget } = await import("data:text/javascript;base64," + module);
const heard = new EventTarget();
const model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; heard.dispatchEvent(new Event("change:" + name)); },
  on: (name, hear) => heard.addEventListener(name, hear),
  off: (name, hear) => heard.removeEventListener(name, hear),
  save_changes() {},
};
widget.render({ model, el: document.querySelector("#view") });
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
body {{ max-width: 1200px; margin: 0 auto; padding: 12px }}
{style}
</style>
</head>
<body>
<div id="view"></div>
<noscript>{static}</noscript>
<script type="text/plain" id="run">{run}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def page(result: Result) -> str:
    """A result as a page. What comes from the model or the text stands in it escaped, or in base64."""
    policy = {
        "default-src": "'none'",
        "script-src": f"'sha256-{_base64(hashlib.sha256(_SCRIPT.encode()).digest())}' data:",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
    }
    module = _base64((_STATIC / "widget.js").read_bytes())
    run = json.dumps({"module": module, **shown(result.recording)}).encode()
    return _PAGE.format(
        policy="; ".join(f"{name} {sources}" for name, sources in policy.items()),
        title=escape(f"{result.value} · {result.header.model}"),
        style=(_STATIC / "widget.css").read_text(encoding="utf-8"),
        static=static_html(result.header, result.snapshot, ""),
        run=_base64(gzip.compress(run, mtime=0)),
        script=_SCRIPT,
    )


def directive_body(recording: Recording) -> str:
    """What the module reads, as JSON that MyST takes for code: as text it takes a minute where it is 60 KB."""
    return "    " + json.dumps(shown(recording))


def shown(recording: Recording) -> dict[str, Any]:
    """What the module reads of its model, as JSON; frames are base64."""
    return {
        "header": {**asdict(recording.header), "uid": ""},
        "recording": {"frames": [_base64(frame) for frame in recording.frames], "seconds": list(recording.seconds)},
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
