"""Runs the busy-cell tests under other versions of ipykernel than the installed one: `make test-kernels`."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = ("6.31.0", "7.3.0", "7.4.0")


def kernel_python(version: str) -> Path:
    """A Python with this ipykernel before all that this one has."""
    folder = ROOT / f".venv-ipykernel-{version}"
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing ipykernel {version}", flush=True)
        venv.create(folder, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", f"ipykernel=={version}"], check=True)
        (site,) = folder.glob("lib/python*/site-packages")
        # Behind the environment's own packages, so that its ipykernel is found first.
        (site / "rest.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
    return python


def main() -> int:
    """Test under each version; the exit status says whether all passed."""
    failed = []
    for version in VERSIONS:
        print(f"ipykernel {version}", flush=True)
        command = [sys.executable, "-m", "pytest", "-q", str(ROOT / "tests/browser/test_busy_cell.py")]
        environment = {**os.environ, "SPEX_KERNEL_PYTHON": str(kernel_python(version))}
        if subprocess.run(command, cwd=ROOT, env=environment).returncode:
            failed.append(version)
    print(f"failed under ipykernel {', '.join(failed)}" if failed else "passed under every version")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
