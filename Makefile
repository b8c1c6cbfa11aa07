# Two commands do everything on a fresh machine with Python 3.11, make, g++ and perl:
#   make demo    install into .venv, run the l1-anomaly study, print where the report is
#   make test    install into .venv, run lint, types and tests
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SHELL  := /bin/bash

.PHONY: demo test quick docs tools clean
.DEFAULT_GOAL := help

help:
	@sed -n '1,3p' Makefile

tools:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "nanosieve needs Python 3.11 or newer as $(PYTHON); set PYTHON=/path/to/python3.11"; exit 1; }
	@for tool in g++ perl; do command -v $$tool >/dev/null || \
	  { echo "$$tool is missing: Verilator needs it; on Debian or Ubuntu: apt-get install g++ make perl"; exit 1; }; done

$(BIN)/.installed: pyproject.toml | tools
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[all,dev,docs]'
	touch $@

demo: $(BIN)/.installed
	$(BIN)/nanosieve study run l1-anomaly --size small --out out/l1-anomaly

test: $(BIN)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest

quick: $(BIN)/.installed
	$(BIN)/pytest -m 'not slow'

docs: $(BIN)/.installed
	$(BIN)/mkdocs build --strict

clean:
	rm -rf out site .pytest_cache .mypy_cache .ruff_cache
