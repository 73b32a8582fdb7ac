# make run: from a fresh clone to a trained generator of letters in all colours, its sample sheet and its report.
# make test: everything that must hold. Both set up .venv by themselves and are quick the second time.
# make docs: the reference of the Python API, in build/docs. make wheel: a wheel, in dist.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TIME ?= 2m
RUN := runs/first

.PHONY: run test lint docs wheel setup clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sparring needs Python 3.11 or newer; make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m compileall -q src  # so that the first 'sparring --help' is as quick as the others
	touch $(READY)

run: setup
	test -e $(RUN)/recipe.yaml || $(BIN)/sparring train letters --time $(TIME) --out $(RUN)
	test -e $(RUN)/model/config.json || $(BIN)/sparring resume $(RUN)
	$(BIN)/sparring sample $(RUN) -n 100 --out $(RUN)/samples.png --overwrite
	@echo "Look at $(RUN)/samples.png, and open $(RUN)/report.html."

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: setup
	$(BIN)/python docs/reference.py build/docs
	@echo "Open build/docs/index.html."

wheel: setup
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean:
	rm -rf $(VENV) $(RUN) build dist
