# The course and its library. `make` alone says what there is to do.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STRICT ?=

# How many tests, notebooks and pages run at a time. Each has one thread, so two keep two cores busy.
JOBS ?= 2
QUIET_AND_SINGLE := TQDM_DISABLE=1 OMP_NUM_THREADS=1
PYTEST := $(QUIET_AND_SINGLE) $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

# Idle threads sleep instead of spinning: two notebooks on one small machine would else take turns
# in waiting for each other, at a tenth of the speed.
export OMP_WAIT_POLICY := passive

.DEFAULT_GOAL := help
.PHONY: help book test test-notebooks test-wheel test-site check chapter readme references screenshot lab study bench lint lock hooks clean

help:  ## Say what there is to do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- The environment: made once, and again only when the requirements change ---

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "The course needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Making the environment in $(VENV) ..."
	@# Half an environment would be taken for a whole one the next time.
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.course: requirements.txt requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the requirements of the course (about 6 GB with the default build of torch) ..."
	$(PIP_INSTALL) -r requirements.txt
	$(PIP_INSTALL) --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.course
	@echo "Installing what the tests need ..."
	$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

# --- What people type ---

book: $(VENV)/.course  ## Run the notebooks and build the site in _build/html (STRICT=1: no warning passes)
	$(BIN)/python tools/fetch_assets.py $(if $(STRICT),--strict)
	$(QUIET_AND_SINGLE) JOBS=$(JOBS) $(BIN)/jupyter-book build . $(if $(STRICT),--all -W -n --keep-going)
	@echo "The book is in $(CURDIR)/_build/html: open index.html there in a browser."

test: $(VENV)/.dev  ## Check the library, say how much of it the tests reach, and execute every notebook
	$(PYTEST) tests -m "not site and not wheel" --durations=5 --cov --cov-report=term
	$(MAKE) --no-print-directory test-notebooks

test-notebooks: $(VENV)/.dev  ## Execute every notebook (nbval), and nothing else
	$(PYTEST) --nbval-lax --nbval-cell-timeout=300 notebooks book/article.ipynb --durations=5

test-wheel: $(VENV)/.dev  ## Build the wheel and use it in fresh environments (needs the network)
	$(QUIET_AND_SINGLE) $(BIN)/python -m pytest tests/packaging -m wheel

test-site: $(VENV)/.dev  ## Check the built site in a browser (after make book)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup tests/book -m site --durations=5

check: $(VENV)/.dev  ## All that concerns one chapter, in about three minutes: make check CHAPTER=warmup
	@test -n "$(CHAPTER)" || { echo "Which one? make check CHAPTER=warmup"; exit 2; }
	@ls notebooks/[0-9]*_$(CHAPTER).ipynb >/dev/null 2>&1 || { \
		echo "There is no notebooks/NN_$(CHAPTER).ipynb. There are: $$(ls notebooks | sed -n 's/^[0-9]*_\(.*\)\.ipynb$$/\1/p' | xargs)"; exit 2; }
	$(MAKE) --no-print-directory readme references lint
	$(PYTEST) tests -m "not site and not wheel" -k "$(CHAPTER) or test_layers or test_requirements or test_sources"
	$(PYTEST) --nbval-lax --nbval-cell-timeout=300 $(wildcard notebooks/[0-9]*_$(CHAPTER).ipynb notebooks/solutions/[0-9]*_$(CHAPTER).ipynb)
	COURSE_EXECUTE=off $(BIN)/jupyter-book build . --path-output _build/check --all -W -n --keep-going

chapter: $(VENV)/.course  ## Lay out the files of a new chapter: make chapter SLUG=grid_mask SLOT=augment
	@test -n "$(SLUG)" -a -n "$(SLOT)" || { echo "Of what? make chapter SLUG=grid_mask SLOT=augment"; exit 2; }
	$(BIN)/python tools/new_chapter.py $(SLUG) $(SLOT) $(if $(TITLE),--title "$(TITLE)")

readme: $(VENV)/.course  ## Write the list of chapters into README.md
	$(BIN)/python tools/readme.py --picture

references: $(VENV)/.dev  ## Write the works of all bibliographies into book/references.md
	$(BIN)/python tools/references.py

screenshot: $(VENV)/.dev  ## Photograph a chapter for README.md (after make book)
	$(BIN)/python tools/screenshot.py

lab: $(VENV)/.course  ## Open the course in JupyterLab (the settings are for this course alone)
	JUPYTER_CONFIG_PATH="$(CURDIR)/tools/jupyter" $(BIN)/jupyter lab start.ipynb

study: $(VENV)/.course  ## Record what is missing of the studies (one: CHAPTER=warmup; all runs again: FRESH=1; side by side: WORKERS=4)
	$(BIN)/python -m tricks_lib record $(CHAPTER) $(if $(FRESH),--fresh) $(if $(WORKERS),--workers $(WORKERS))

bench: $(VENV)/.dev  ## Measure the speed of the tricks beside their peers (book/speed.md), and of the data path
	$(BIN)/python benchmarks/tricks.py --page book/speed.md
	$(BIN)/python benchmarks/data_path.py

lint: $(VENV)/.dev  ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: $(VENV)/.dev  ## Pin again all that the requirements bring along (UPGRADE=1: at its newest)
	sed '/^-/d' requirements.txt requirements-dev.txt | $(BIN)/uv pip compile - --quiet --universal \
		--python-version 3.11 --annotation-style line --custom-compile-command "make lock" \
		$(if $(UPGRADE),--upgrade) --output-file requirements.lock

hooks: $(VENV)/.dev  ## Let git check style, types and notebooks before each commit
	$(BIN)/pre-commit install

clean:  ## Remove the built site and the execution cache (not the environment)
	rm -rf _build
