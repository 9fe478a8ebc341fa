"""The folder that mybinder.org reads builds what the package needs, and the quickstart fits into its memory."""

import re
import subprocess
from pathlib import Path

import nbclient
import nbformat
import pytest

try:
    import tomllib
except ImportError:  # Python 3.10, where pytest brings it
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
REPO2DOCKER = ROOT / ".venv-binder" / "bin" / "jupyter-repo2docker"
MEMORY = 900  # MB; mybinder.org promises 1 GB

ON_CONDA_FORGE = {"torch": "pytorch-cpu"}


@pytest.fixture(scope="module")
def dockerfile():
    done = subprocess.run([REPO2DOCKER, "--no-build", "--debug", "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("step", ["env update .*binder/environment.yml", "binder/postBuild"])
def test_repo2docker_takes_the_folder(dockerfile, step):
    assert re.search(step, dockerfile)


def test_the_environment_holds_every_dependency_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    environment = (ROOT / "binder" / "environment.yml").read_text()
    listed = {re.split("[>=]", line.strip(" -"))[0] for line in environment.splitlines() if line.startswith("  - ")}
    names = {re.split("[>=]", line)[0] for line in project["dependencies"]}
    assert {ON_CONDA_FORGE.get(name, name) for name in names} <= listed


def test_the_kernel_of_the_quickstart_fits_into_binders_memory(tmp_path, record_property):
    notebook = nbformat.read(ROOT / "notebooks" / "01_quickstart.ipynb", 4)
    peak = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    notebook.cells.append(nbformat.v4.new_code_cell(peak))
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    used = int(notebook.cells[-1].outputs[0].text)
    print(f"the quickstart's kernel used {used} MB at its peak")
    assert used < MEMORY
