# Everything runs in .venv, made from pyproject.toml with the python3 that is there (3.11 or later).
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test lint bench record reproduce-all package clean

demo: $(VENV)/.installed
	$(BIN)/why403 demo

test: $(VENV)/.tested lint
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.tested
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m tests.bench

# Plays every ticket in a real browser again: needs chromium, firefox-esr and npm.
record: $(VENV)/.tested
	$(BIN)/python -m fixtures.record

# Every ticket from its capture back to a refusal in a real browser, and its first fix.
reproduce-all: $(VENV)/.tested
	$(BIN)/python -m tests.reproduce_all

# Wheel and source distribution, installed and used in clean environments of each of PYTHONS.
PYTHONS ?= $(PYTHON)
package: $(VENV)/.tested
	$(BIN)/python -m pip install --quiet --group package
	$(BIN)/python -m tests.packaging $(PYTHONS)

clean:
	rm -rf $(VENV) why403-demo.html

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group test --group lint
	touch $@
