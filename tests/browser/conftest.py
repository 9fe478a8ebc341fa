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
from urllib.parse import urlsplit

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

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


class Process:
    """A server of pages on this machine, and what it writes, in a folder of its own.

    Parameters
    ----------
    folder : Path
        Where its state and its log go.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = (folder / "server.log").open("w")

    def start(self, command: list[str], cwd: Path, environment: dict[str, str]) -> None:
        """Run the command, with whatever it starts in one group."""
        self.process = subprocess.Popen(
            command, cwd=cwd, env=environment, start_new_session=True, stdout=self.log, stderr=subprocess.STDOUT
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, address: str, seconds: float) -> None:
        """Wait until an address of it answers."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, Path(self.log.name).read_text()
            try:
                urllib.request.urlopen(f"{self.url}{address}", timeout=1)
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(Path(self.log.name).read_text())

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(20)
        self.log.close()


class Server(Process):
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
        super().__init__(folder)
        self.token = "spex"
        flags = [
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.ip=127.0.0.1",
            f"--IdentityProvider.token={self.token}",
            "--ServerApp.allow_root=True",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ]
        state = {f"JUPYTER_{name}_DIR": str(folder / f".{name.lower()}") for name in ("CONFIG", "DATA", "RUNTIME")}
        state |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / ".settings")}
        state |= {"JUPYTERLAB_WORKSPACES_DIR": str(folder / ".workspaces")}
        _decline_news(folder / ".settings")
        if KERNEL_PYTHON:
            _write_kernel(folder / ".kernel" / "kernels" / "python3", KERNEL_PYTHON)
            state |= {"JUPYTER_PATH": str(folder / ".kernel")}  # comes before the environment's own kernels
        # What would open the person's own browser notes the address instead.
        opener = folder / "open-browser"
        opener.write_text(f'#!/bin/sh\necho "$1" > {folder / "opened"}\n')
        opener.chmod(0o755)
        self.environment = {**os.environ, **state, **(environment or {}), "BROWSER": str(opener)}
        self.start(command(flags), cwd or folder, self.environment)

    def wait(self, seconds: float = 60) -> None:
        self.wait_for(f"/api?token={self.token}", seconds)

    def opened(self, seconds: float = 60) -> str:
        """The address that JupyterLab opened in the person's browser."""
        deadline = time.monotonic() + seconds
        while not (self.folder / "opened").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        return (self.folder / "opened").read_text().strip()


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


class Pages:
    """Pages of a server in a browser, and what goes wrong in them: errors, and requests that leave the machine."""

    def __init__(self, server: Process, browser: Browser | BrowserContext):
        self.server = server
        self.browser = browser
        self.pages: list[Page] = []
        self.wrong: list[str] = []

    def page(self, *, dark: bool = False) -> Page:
        page = self.browser.new_page()
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.set_default_timeout(60_000)
        page.on("pageerror", self._check_error)
        page.on("request", lambda request: self._check_address(request.url))
        page.on("websocket", lambda websocket: self._check_address(websocket.url))
        self.pages.append(page)
        if dark:
            page.emulate_media(color_scheme="dark")
        return page

    def _check_error(self, error: Error) -> None:
        """An error that arose in the host's own scripts alone is none of ours: Notebook 7 has one at every start."""
        scripts = re.findall(r"(?:https?|blob):[^)\s]+", error.stack)
        if not scripts or not all(re.search(r"^http[^?]*/(static|assets)/", script) for script in scripts):
            self.wrong.append(f"error: {error.stack}")

    def _check_address(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.wrong.append(f"request: {address}")

    def picture(self, name: str) -> None:
        """Keep what the pages look like."""
        OUTPUT.mkdir(exist_ok=True)
        name = re.sub(r"\W+", "-", name)
        for i, page in enumerate(self.pages):
            page.screenshot(path=OUTPUT / f"{name}-{i}.png")

    def close_pages(self) -> None:
        for page in self.pages:
            page.evaluate("async () => { await window.jupyterapp?.serviceManager.sessions.shutdownAll(); }")
            page.close()
        self.pages.clear()


class Lab(Pages):
    """Pages of a JupyterLab, in which notebooks are opened."""

    server: Server

    def write(self, name: str, cells: list[str]) -> str:
        """Write a notebook of code cells."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.server.folder / name)
        return name

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
        options = {"path": name, **({} if kernel else {"kernelPreference": {"shouldStart": False}})}
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
            options,
        )
        return Notebook(page, name)


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
    lab.picture(request.node.name)
    lab.close_pages()
