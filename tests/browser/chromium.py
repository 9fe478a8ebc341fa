"""Finds a Chromium for the browser tests: the system's, else the distribution's package, else playwright's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of a Chromium on this machine; None where there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def install() -> str:
    """Find one or bring one."""
    if path := find():
        return path
    if shutil.which("apt-get"):
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([*sudo, "apt-get", "update", "-qq"], env=environment)
        subprocess.run([*sudo, "apt-get", "install", "-y", "-qq", "chromium"], env=environment)
        if path := find():
            return path
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])
    if path := find():
        return path
    raise SystemExit("no Chromium could be found or installed; install one, and run this again")


if __name__ == "__main__":
    print(install() if "--install" in sys.argv else find() or "none")
