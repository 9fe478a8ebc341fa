# make lab   opens JupyterLab on the quickstart, from nothing
# make test  installs what the tests need and runs them all

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help lab test install install-tests lint unit front-end notebooks browser binder wheel test-kernels build picture clean

help:
	@echo "make lab           open JupyterLab on the quickstart"
	@echo "make test          run every test"
	@echo "make test-kernels  run the busy-cell tests under other versions of ipykernel"
	@echo "make build         rebuild the front end after a change in js/"

lab: .venv/lab.stamp
	$(BIN)/jupyter lab $(LAB) notebooks/01_quickstart.ipynb

test: lint unit front-end wheel binder notebooks browser
	@echo "all tests passed"

# What is installed ---------------------------------------------------------------------------------------------

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/lab.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing spex_widget and JupyterLab (about two minutes and 1.5 GB the first time: PyTorch is most of it)"
	$(PIP) --constraint constraints.txt --editable ".[lab]"
	@touch $@

.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing spex_widget and what its tests need (about two minutes and 1.5 GB the first time)"
	$(PIP) --constraint constraints.txt --editable ".[dev]"
	@touch $@ .venv/lab.stamp

.venv/chromium.stamp: .venv/dev.stamp
	@echo "looking for a Chromium for the browser tests (about half a minute where it must be installed)"
	$(BIN)/python tests/browser/chromium.py --install
	@touch $@

js/node_modules/.package-lock.json: js/package.json js/package-lock.json
	@echo "installing the front end's npm packages (about 15 seconds)"
	npm ci --prefix js --no-fund --no-audit
	@touch $@

# What is checked -----------------------------------------------------------------------------------------------

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: .venv/dev.stamp
	$(BIN)/python -m pytest

front-end: js/node_modules/.package-lock.json
	npm run --prefix js check
	npm run --prefix js lint
	npm run --prefix js test
	@echo "rebuilding the front end: what is committed must be what its source gives"
	npm run --prefix js build
	git diff --exit-code --stat -- spex_widget/static

wheel: .venv/dev.stamp
	$(BIN)/python -m pytest tests/wheel

binder: .venv/dev.stamp
	@test -x .venv-binder/bin/jupyter-repo2docker || { echo "installing repo2docker (about 20 seconds)"; \
	  $(PYTHON) -m venv .venv-binder && .venv-binder/bin/python -m pip install -q --disable-pip-version-check jupyter-repo2docker; }
	$(BIN)/python -m pytest tests/binder

notebooks: .venv/dev.stamp
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=300 notebooks

browser: .venv/chromium.stamp js/node_modules/.package-lock.json
	$(BIN)/python -m pytest tests/browser

test-kernels: .venv/chromium.stamp
	$(BIN)/python tests/browser/kernels.py

# What is built -------------------------------------------------------------------------------------------------

build: js/node_modules/.package-lock.json
	npm run --prefix js build

picture: .venv/chromium.stamp
	$(BIN)/python tests/browser/picture.py

clean:
	rm -rf .venv .venv-* js/node_modules dist build tests/output
