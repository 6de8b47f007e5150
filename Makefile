# The course and its library. `make` alone says what there is to do.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STRICT ?=

# Idle threads sleep instead of spinning: two notebooks on one small machine would else take turns
# in waiting for each other, at a tenth of the speed.
export OMP_WAIT_POLICY := passive

.DEFAULT_GOAL := help
.PHONY: help book test test-site lab study bench lint clean

help:  ## Say what there is to do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- The environment: made once, and again only when the requirements change ---

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "The course needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Making the environment in $(VENV) ..."
	@# Half an environment would be taken for a whole one the next time.
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.course: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing the requirements of the course (about 6 GB with the default build of torch) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.course
	@echo "Installing what the tests need ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# --- What people type ---

book: $(VENV)/.course  ## Run the notebooks and build the site in _build/html (STRICT=1: no warning passes)
	$(BIN)/python tools/fetch_assets.py $(if $(STRICT),--strict)
	TQDM_DISABLE=1 $(BIN)/jupyter-book build . $(if $(STRICT),--all -W -n --keep-going)
	@echo "The book is in $(CURDIR)/_build/html: open index.html there in a browser."

test: $(VENV)/.dev  ## Check the library, and execute every notebook (nbval)
	TQDM_DISABLE=1 $(BIN)/python -m pytest --nbval-lax tests notebooks -m "not site" --durations=5

test-site: $(VENV)/.dev  ## Check the built site in a browser (after make book)
	$(BIN)/python -m pytest tests/book -m site --durations=5

lab: $(VENV)/.course  ## Open the course in JupyterLab
	$(BIN)/jupyter lab notebooks

study: $(VENV)/.course  ## Record the studies again (one: make study CHAPTER=warmup)
	$(BIN)/python -m tricks_lib record $(CHAPTER)

bench: $(VENV)/.dev  ## Measure the speed of the tricks beside their peers, and of the data path
	$(BIN)/python benchmarks/tricks.py
	$(BIN)/python benchmarks/data_path.py

lint: $(VENV)/.dev  ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:  ## Remove the built site and the execution cache (not the environment)
	rm -rf _build
