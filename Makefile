# Two commands do everything on a fresh machine with Python 3.11 or newer, make, g++ and perl:
#   make demo    install into .venv, run the l1-anomaly study, print where the report is
#   make test    install into .venv, run lint, types and tests
# Also: make quick (tests without the slow ones), make long (ten thousand random graphs, hours),
# make bench (speed beside other tools), make docs (site/), make clean.

SHELL  := /bin/bash
VENV   := .venv
BIN    := $(VENV)/bin
OUT    ?= out/l1-anomaly
SIZE   ?= small
# the first Python that is new enough; choose another with make PYTHON=/path/to/python
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
            $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)

.DEFAULT_GOAL := help
.PHONY: help tools demo test quick long bench docs clean

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

tools:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "nanosieve needs Python 3.11 or newer; choose one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) has no venv; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@for tool in g++ perl; do command -v $$tool >/dev/null || \
	  { echo "$$tool is missing, and Verilator needs it; on Debian or Ubuntu: apt-get install g++ perl" >&2; exit 1; }; done

# the stamp is written last, so that an interrupted installation is made again
$(BIN)/.installed: pyproject.toml | tools
	@echo "Installing nanosieve and its tools into $(VENV): some minutes, about 2 GB"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --no-input --progress-bar off -e '.[all,dev,docs]'
	@touch $@

demo: $(BIN)/.installed | tools
	$(BIN)/nanosieve study run l1-anomaly --size $(SIZE) --out $(OUT)
	@echo "The report: $(abspath $(OUT))/report.html"

test: $(BIN)/.installed | tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

quick: $(BIN)/.installed | tools
	$(BIN)/pytest -m 'not slow'

long: $(BIN)/.installed | tools
	$(BIN)/pytest -m long -q tests/compiler

# benchmarks beside other tools, in an environment of their own
$(VENV).bench/.installed: pyproject.toml benchmarks/requirements.txt | tools
	@echo "Installing the tools of the benchmarks into $(VENV).bench: some minutes, about 2 GB"
	$(PYTHON) -m venv $(VENV).bench
	$(VENV).bench/bin/python -m pip install --disable-pip-version-check --no-input --progress-bar off \
	  -e '.[train,hardware,events,serve]' -r benchmarks/requirements.txt
	@touch $@

bench: $(VENV).bench/.installed
	$(VENV).bench/bin/python benchmarks/emulation.py
	$(VENV).bench/bin/python benchmarks/load_to_verified.py
	$(VENV).bench/bin/python benchmarks/hardware.py
	$(VENV).bench/bin/python benchmarks/crossings.py
	$(VENV).bench/bin/python benchmarks/menu.py
	$(VENV).bench/bin/python benchmarks/farm.py
	$(VENV).bench/bin/python benchmarks/service.py

docs: $(BIN)/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The documentation: $(abspath site)/index.html"

clean:
	rm -rf out site .pytest_cache .mypy_cache .ruff_cache .hypothesis
