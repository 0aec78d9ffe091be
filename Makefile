# SPDX-License-Identifier: Apache-2.0
# The commands of the project. Each makes what it needs first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

SUITE  ?= trixie

.PHONY: demo test lint format bench old-python test-hosts texts clean

demo: $(VENV)/.core          ## fill, expand and vary a photo through a daemon of its own
	$(BIN)/python -m bridge_server.cli.demo --out demo-output

test: $(VENV)/.dev           ## all tests that need neither a GPU nor a host program
	$(BIN)/python -m pytest

lint: $(VENV)/.dev           ## style, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.bench        ## the tables of docs/benchmarks.md; takes about three quarters of an hour
	$(BIN)/python -m bench

old-python: $(VENV)/.core    ## protocol and client on the oldest Python that a host may bring
	tests/old_python/run $(BIN)/python

test-hosts: $(VENV)/.dev     ## the real Krita, GIMP and Blender; SUITE=trixie (default) or sid
	@tests/hosts/provision $(SUITE) >/dev/null || [ $$? = 77 ]
	SUITE=$(SUITE) $(BIN)/python -m pytest tests/hosts --timeout=300

texts: $(VENV)/.dev          ## bring the plugins' catalogues of texts up to date
	$(BIN)/pybabel -q extract --no-location --sort-output -k _ -k ngettext:1,2 -o $(VENV)/cocreate.pot plugins/shared plugins/krita
	for po in plugins/shared/locale/*.po; do \
	  $(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -i $(VENV)/cocreate.pot -l $$(basename $$po .po) -o $$po; done

clean:
	rm -rf $(VENV) demo-output bench-output .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("bridge-server needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) -e .
	@touch $@

# with the diffusion engine, whose tests need torch; on Linux PyPI's is the one for NVIDIA, so for a smaller one:
# PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make test
$(VENV)/.dev: $(VENV)/.core
	$(PIP) -e ".[dev,diffusers]"
	@touch $@

$(VENV)/.bench: $(VENV)/.dev
	$(PIP) -e ".[bench]"
	@touch $@
