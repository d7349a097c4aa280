# Everything that a newcomer types. Needs Python 3.11 or newer and git, nothing else.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# A worker for each core, at most four; on one core everything stays in one process.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal

.PHONY: demo test check fast bench clean

demo: $(STAMP)  ## index the bundled collection and search it
	@$(BIN)/everygrain demo

test: $(STAMP)  ## style, types and the whole test suite
	@$(BIN)/ruff check everygrain everygrain_papers tests benchmarks
	@$(BIN)/ruff format --check --quiet everygrain everygrain_papers tests benchmarks
	@$(BIN)/mypy
	@$(PYTEST)

fast: $(STAMP)  ## the tests without the slow ones
	@$(PYTEST) -m "not slow"

bench: $(STAMP)  ## every benchmark; needs the collections in ../shared/data, takes hours
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[bench,peers]"
	-@$(BIN)/pip install --quiet --constraint constraints.txt hnswlib  # needs a C++ compiler
	@for each in benchmarks/*.py benchmarks/rank/growth.py benchmarks/rank/late_speed.py; do $(BIN)/python $$each || exit 1; done
	@cd benchmarks && ../$(BIN)/python -m peers

# The exact versions come from constraints.txt; torch is pinned there to its build for the CPU.
$(STAMP): pyproject.toml constraints.txt
	@echo "Setting up .venv (a few minutes the first time) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Everygrain needs Python 3.11 or newer: make PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --editable ".[models,papers,dev,bench]"
	@touch $(STAMP)

clean:  ## remove what the targets made, but no index
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
