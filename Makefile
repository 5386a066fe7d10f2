# One command a verb. Each makes what it needs: the environment in .venv is installed on the first use, and again only
# when pyproject.toml or constraints.txt have changed.
#
#   make demo        train on handwritten digits and draw the result, under cornu-demo/
#   make test        the tests, two at a time; ARGS is handed to pytest: make test ARGS="--backend jax tests/ops"
#   make test-long   the tests that take longer
#   make check       lint, layout, types, and who may import whom
#   make format      lay the code out as `make check` wants it
#   make bench       each workload against its peers; ARGS is handed to the benchmarks
#   make docs        the pages of the public names, under build/docs
#   make clean       remove what the verbs made, the environment excepted

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -c constraints.txt

# Stamps: what is installed in .venv. The demo needs no peer of Cornu's, and PyTorch only where it is asked for.
BASE := $(VENV)/.installed-base
TORCH := $(VENV)/.installed-torch
FULL := $(VENV)/.installed-full
DEMO := $(if $(filter torch,$(CORNU_BACKEND)),$(TORCH),$(BASE))

.PHONY: demo test test-long check lint layout floors types format bench docs clean
.DEFAULT_GOAL := test

demo: $(DEMO)
	$(BIN)/cornu demo $(ARGS)

test: $(FULL)
	$(BIN)/python -m pytest -n 2 -m "not long" $(ARGS)

test-long: $(FULL)
	$(BIN)/python -m pytest -n 2 -m long $(ARGS)

# four targets, so that `make -k check` reports all that is wrong at once
check: lint layout floors types

lint: $(FULL)
	$(BIN)/ruff check .

layout: $(FULL)
	$(BIN)/ruff format --check .

floors: $(FULL)
	$(BIN)/lint-imports --no-logo

types: $(FULL)
	$(BIN)/mypy

format: $(FULL)
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(FULL)
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(BASE)
	$(BIN)/python docs/build.py

clean:
	rm -rf build dist cornu-demo .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(BASE): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[data]'
	touch $@

$(TORCH): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[data,torch]'
	touch $@ $(BASE)

$(FULL): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[data,torch,tensorflow,peers,dev]'
	touch $@ $(TORCH) $(BASE)
