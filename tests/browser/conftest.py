"""A real JupyterLab in a real Chromium."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from chromium import find

OUTPUT = Path(__file__).parents[1] / "output"
# Chromium looks for its maker's hosts at every start; these keep it at home.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# The Python whose ipykernel runs the notebooks, where it is not the one that runs the tests; see kernels.py.
KERNEL_PYTHON = os.environ.get("SPEX_KERNEL_PYTHON")


def kernel_version() -> tuple[int, ...]:
    """The version of ipykernel that runs the notebooks."""
    command = [KERNEL_PYTHON or sys.executable, "-c", "import ipykernel; print(ipykernel.__version__)"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in printed.strip().split(".")[:3])


def _write_kernel(folder: Path, python: str) -> None:
    folder.mkdir(parents=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3 (ipykernel)", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))


def _decline_news(settings: Path) -> None:
    file = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    file.parent.mkdir(parents=True)
    file.write_text('{"fetchNews": "false", "checkForUpdates": false}')


class Server:
    """A JupyterLab, its state in a folder of its own.

    Parameters
    ----------
    folder : Path
        Where its state goes, and its notebooks unless `cwd` is given.
    command : callable, optional
        Makes the command from JupyterLab's flags.
    """

    def __init__(
        self,
        folder: Path,
        *,
        cwd: Path | None = None,
        command: Callable[[list[str]], list[str]] = lambda flags: [sys.executable, "-m", "jupyterlab", *flags],
        environment: dict[str, str] | None = None,
    ):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.token = "spex"
        flags = [
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.ip=127.0.0.1",
            f"--IdentityProvider.token={self.token}",
            "--ServerApp.allow_root=True",
            "--LabApp.expose_app_in_browser=True",
        ]
        self.log = (folder / "jupyter.log").open("w")
        state = {f"JUPYTER_{name}_DIR": str(folder / f".{name.lower()}") for name in ("CONFIG", "DATA", "RUNTIME")}
        state |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / ".settings")}
        state |= {"JUPYTERLAB_WORKSPACES_DIR": str(folder / ".workspaces")}
        _decline_news(folder / ".settings")
        if KERNEL_PYTHON:
            _write_kernel(folder / ".kernel" / "kernels" / "python3", KERNEL_PYTHON)
            state |= {"JUPYTER_PATH": str(folder / ".kernel")}  # comes before the environment's own kernels
        self.environment = {**os.environ, **state, **(environment or {})}
        # What would open the person's own browser notes the address instead.
        opener = folder / "open-browser"
        opener.write_text(f'#!/bin/sh\necho "$1" > {folder / "opened"}\n')
        opener.chmod(0o755)
        self.environment |= {"BROWSER": str(opener)}
        self.process = subprocess.Popen(
            command(flags),
            cwd=cwd or folder,
            env=self.environment,
            start_new_session=True,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, Path(self.log.name).read_text()
            try:
                urllib.request.urlopen(f"{self.url}/api?token={self.token}", timeout=1)
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(Path(self.log.name).read_text())

    def opened(self, seconds: float = 60) -> str:
        """The address that JupyterLab opened in the person's browser."""
        deadline = time.monotonic() + seconds
        while not (self.folder / "opened").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        return (self.folder / "opened").read_text().strip()

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(20)
        self.log.close()


class Notebook:
    """A notebook that is open in a page."""

    def __init__(self, page: Page, path: str):
        self.page = page
        self.path = path

    def run(self, cell: int, *, wait: bool = True) -> None:
        """Run one cell; `wait` until it has ended."""
        script = """async ([cell, wait]) => {
            const panel = window.jupyterapp.shell.currentWidget;
            panel.content.activeCellIndex = cell;
            panel.content.deselectAll();
            const done = window.jupyterapp.commands.execute('notebook:run-cell');
            if (wait) await done;
        }"""
        self.page.evaluate(script, [cell, wait])

    def run_all(self) -> None:
        self.page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def command(self, name: str) -> None:
        self.page.evaluate("async name => { await window.jupyterapp.commands.execute(name); }", name)

    def interrupt(self) -> None:
        self.page.evaluate(
            "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt(); }"
        )

    def text_of(self, cell: int) -> str:
        """The text of a cell's outputs."""
        script = """cell => {
            const area = window.jupyterapp.shell.currentWidget.content.widgets[cell];
            return area.outputArea ? area.outputArea.node.innerText : '';
        }"""
        return self.page.evaluate(script, cell)

    def save(self) -> None:
        self.command("docmanager:save")


class Lab:
    """A browser on a server."""

    def __init__(self, server: Server, browser: Browser | BrowserContext):
        self.server = server
        self.browser = browser
        self.pages: list[Page] = []

    def write(self, name: str, cells: list[str]) -> str:
        """Write a notebook of code cells."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.server.folder / name)
        return name

    def page(self, *, dark: bool = False) -> Page:
        page = self.browser.new_page()
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.set_default_timeout(60_000)
        self.pages.append(page)
        if dark:
            page.emulate_media(color_scheme="dark")
        return page

    def open(self, name: str, *, dark: bool = False, kernel: bool = True) -> Notebook:
        """Open a notebook in a page of its own; with a kernel it is ready to run."""
        page = self.page(dark=dark)
        # A workspace a page, or it opens what the last one had open.
        page.goto(f"{self.server.url}/lab/workspaces/{len(self.pages)}-{time.time_ns()}?token={self.server.token}")
        page.wait_for_function("() => window.jupyterapp && window.jupyterapp.shell")
        page.evaluate("async () => { await window.jupyterapp.restored; }")
        if dark:
            page.evaluate(
                "async () => { await window.jupyterapp.commands.execute('apputils:change-theme',"
                " {theme: 'JupyterLab Dark'}); }"
            )
        options = json.dumps({"path": name, **({} if kernel else {"kernelPreference": {"shouldStart": False}})})
        page.evaluate(
            """async options => {
                const app = window.jupyterapp;
                const panel = await app.commands.execute('docmanager:open', {...options, factory: 'Notebook'});
                await panel.context.ready;
                await panel.revealed;
                app.shell.activateById(panel.id);
                const wanted = !options.kernelPreference || options.kernelPreference.shouldStart !== false;
                if (wanted) { await panel.sessionContext.ready; await panel.sessionContext.session.kernel.info; }
            }""",
            json.loads(options),
        )
        return Notebook(page, name)

    def close_pages(self) -> None:
        for page in self.pages:
            page.evaluate("async () => { await window.jupyterapp?.serviceManager.sessions.shutdownAll(); }")
            page.close()
        self.pages.clear()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find()
    assert path, "no Chromium: `make browser` installs one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("lab"))
    try:
        server.wait()
        yield server
    finally:
        server.close()


@pytest.fixture
def lab(server: Server, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Lab]:
    lab = Lab(server, browser)
    yield lab
    OUTPUT.mkdir(exist_ok=True)
    name = re.sub(r"\W+", "-", request.node.name)
    for i, page in enumerate(lab.pages):
        page.screenshot(path=OUTPUT / f"{name}-{i}.png")
    lab.close_pages()
