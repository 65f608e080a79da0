# Everything runs in .venv, made from pyproject.toml with the python3 that is there (3.11 or later).
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test lint bench fuzz record reproduce-all soak package clean

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

# Made-up input for every parser, for so long each: make fuzz SECONDS=60 TARGETS="har csp"
SECONDS ?= 60
fuzz: $(VENV)/.tested
	$(BIN)/python -m pip install --quiet --group fuzz || { \
	  echo "make fuzz: atheris cannot be installed for $$($(BIN)/python --version). It exists for" \
	    "Linux and a few versions of Python: make fuzz PYTHON=python3.11 VENV=.venv-fuzz"; exit 1; }
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(TARGETS)

# Plays every ticket in a real browser again: needs chromium, firefox-esr and npm.
record: $(VENV)/.tested
	$(BIN)/python -m fixtures.record

# Every ticket from its capture back to a refusal in a real browser, and its first fix.
reproduce-all: $(VENV)/.tested
	$(BIN)/python -m tests.reproduce_all

# A day's work for the addon: 100,000 flows, and everything that networks do.
soak: $(VENV)/.tested
	$(BIN)/python -m tests.soak

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
