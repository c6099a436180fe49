# Two commands for most people: `make book` and `make test`. They need Python 3.11 or newer, nothing else.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: help book test notebooks lab lint linkcheck lock bench validate clean
help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# The environment is made again whenever the lock or the package metadata changes.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

book: $(READY)  ## make the practice study, execute every notebook, render the book
	$(BIN)/mriworkbook data get practice --stage anatomy
	$(BIN)/mriworkbook data get practice --stage functional
	$(BIN)/python book/_ext/execute_once.py
	$(BIN)/jupyter-book build . --all -W --keep-going --quiet
	@echo "Open $(CURDIR)/_build/html/index.html"

test: $(READY)  ## run all tests
	$(BIN)/mriworkbook data get practice --stage anatomy
	$(BIN)/mriworkbook data get practice --stage functional
	$(BIN)/python -m pytest -n 2 --dist worksteal

notebooks: $(READY)  ## write the learner edition beside each source
	$(BIN)/mriworkbook editions build

lab: $(READY)  ## open the learner notebooks in JupyterLab
	$(BIN)/mriworkbook data get practice
	$(BIN)/jupyter lab --notebook-dir notebooks

lint: $(READY)  ## check style and that the editions are in sync
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mriworkbook editions build --check

linkcheck: $(READY)  ## check links to other hosts (needs the net)
	$(BIN)/jupyter-book build . --builder linkcheck -W --keep-going --quiet

lock: $(READY)  ## compile the pins again from pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --no-emit-index-url --no-header --no-annotate --upgrade --quiet pyproject.toml -o requirements.lock

bench: $(READY)  ## side-by-side measurements, printed as ratios
	$(BIN)/python benchmarks/brain_mask.py
	$(BIN)/python benchmarks/fetch_throughput.py
	$(BIN)/python benchmarks/serve_clients.py

validate: $(READY)  ## long statistical validations (minutes)
	$(BIN)/python benchmarks/n4_curve.py --write
	$(BIN)/python benchmarks/realism.py --write
	$(BIN)/python benchmarks/registration_error.py --write
	$(BIN)/python benchmarks/segmentation_scores.py --write
	$(BIN)/python benchmarks/interval_coverage.py --write
	$(BIN)/python benchmarks/bold_realism.py --write
	$(BIN)/python benchmarks/coupling_recovery.py --write
	$(BIN)/python benchmarks/group_strategies.py --write
	$(BIN)/python benchmarks/kill_loop.py --write
	$(BIN)/python benchmarks/fetch_kill_loop.py --write

clean:  ## remove the environment and everything built
	rm -rf .venv _build
