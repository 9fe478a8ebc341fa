"""Takes the picture in the README: `make picture`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from chromium import find
from conftest import CHROMIUM_FLAGS, Lab, Server

ROOT = Path(__file__).parents[2]
TEXT = "document.querySelector('{}').textContent"


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    shutil.copy(ROOT / "notebooks" / "01_quickstart.ipynb", folder)
    server = Server(folder)
    try:
        server.wait()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find(), args=CHROMIUM_FLAGS)
            lab = Lab(server, browser.new_context(device_scale_factor=2))
            notebook = lab.open("01_quickstart.ipynb")
            notebook.page.set_viewport_size({"width": 1440, "height": 1500})  # all of the widget, at once
            for cell in (1, 3):
                notebook.run(cell)
            widget = notebook.page.wait_for_selector("[data-spex][data-state=done]")
            widget.scroll_into_view_if_needed()  # before the pointer is there, which would be left behind
            # A pair is chosen, and a word of it taken out.
            notebook.page.click('[data-spex] tbody tr[data-rank="2"]')
            notebook.page.wait_for_function(f"() => !/…/.test({TEXT.format('.spex-card tbody')})")
            notebook.page.click("[data-spex] .spex-unit[data-marked] >> nth=0")
            notebook.page.wait_for_function(f"() => /● model [+−]/.test({TEXT.format('.spex-whatif')})")
            notebook.page.mouse.move(0, 0)
            (ROOT / "docs").mkdir(exist_ok=True)
            widget.screenshot(path=ROOT / "docs" / "widget.png")
            lab.close_pages()
    finally:
        server.close()


if __name__ == "__main__":
    main()
