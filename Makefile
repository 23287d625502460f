# Two commands do everything: `make run` and `make test`. Neither asks a question; both can be repeated.
# What has been set up is remembered by stamps in .venv, so a second call starts at once.

PYTHON ?= python3
PORT ?= $(or $(DIWAN_PORT),8000)
WORKERS ?= 2
ARGS ?=
STATE := $(or $(DIWAN_HOME),instance)
ASSETS := core/static/dist/manifest.json
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
# Once and for all, also where Python is told to write no bytecode: a start takes a third of the time.
BYTECODE := $(BIN)/python -m compileall -q -j 0 $(VENV)/lib core plugins || true
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11

.DEFAULT_GOAL := help
.PHONY: help run test check lint types bench faults demo lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp $(ASSETS) ## set up, make the demo where there is no association, start server and worker (PORT=8000 WORKERS=2)
	@ls $(STATE)/associations/*/association.toml >/dev/null 2>&1 || \
	{ echo "Making two demo associations; this takes a minute …"; $(BIN)/diwan demo --port $(PORT) >/dev/null; }
	@$(BIN)/diwan worker & worker=$$!; \
	$(BIN)/diwan serve --port $(PORT) --workers $(WORKERS) & server=$$!; \
	trap 'kill $$worker $$server 2>/dev/null' INT TERM HUP; \
	wait $$server; status=$$?; trap '' INT TERM HUP; \
	kill $$worker $$server 2>/dev/null; wait; [ $$status -lt 128 ] && exit $$status || exit 0

test: $(VENV)/test.stamp $(ASSETS) ## set up what is needed, then all tests on both engines and in the browser (ARGS="-k name")
	@$(BIN)/python -m tests.support.prepare
	@scratch=$$($(BIN)/python -m tests.support.scratch $$$$) && trap "rm -rf $$scratch 2>/dev/null || { sleep 2; rm -rf $$scratch; }" EXIT && TMPDIR=$$scratch $(BIN)/python -m pytest -n auto $(ARGS)

check: lint types ## the quick checks

lint: $(VENV)/test.stamp ## style and import arrows
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports

types: $(VENV)/test.stamp ## types, strictly in core
	@$(BIN)/mypy

bench: $(VENV)/bench.stamp $(ASSETS) ## measure beside a floor and a peer taken in the same run (ARGS="--sizes 10k --only list,search")
	@$(BIN)/python -m benchmarks $(ARGS)

faults: $(VENV)/test.stamp ## kill, fill, cut and restart on purpose, and compare with what was acknowledged (ARGS="--rounds 200 --only kill_all")
	@$(BIN)/python -m tests.faults $(ARGS)

demo: $(VENV)/run.stamp ## make the demo associations and print their sign-ins
	@$(BIN)/diwan demo --port $(PORT)

lock: $(VENV)/test.stamp ## resolve the requirements anew
	$(COMPILE) -U -o requirements.txt requirements.in
	$(COMPILE) -U -o requirements-test.txt requirements-test.in
	$(COMPILE) -U -o requirements-bench.txt requirements-bench.in

clean: ## remove what was built and installed; the data in instance/ stays
	rm -rf $(VENV) node_modules core/static/dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find core plugins templates -name '*.mo' -delete

$(ASSETS): package-lock.json core/assets.py $(wildcard core/static/src/*) | $(VENV)/run.stamp
	@$(BIN)/python -m core.assets build
	@touch $@

$(VENV)/run.stamp: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing what Diwan runs on …"
	@$(INSTALL) --require-hashes -r requirements.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@$(BYTECODE)
	@touch $@

$(VENV)/test.stamp: requirements-test.txt $(VENV)/run.stamp
	@echo "Installing what the tests need …"
	@$(INSTALL) --require-hashes -r requirements-test.txt
	@$(BYTECODE)
	@touch $@

$(VENV)/bench.stamp: requirements-bench.txt $(VENV)/test.stamp
	@echo "Installing what the benchmark measures Diwan beside …"
	@$(INSTALL) --require-hashes -r requirements-bench.txt || echo "Django could not be installed: the peer will not be measured." >&2
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Diwan needs Python 3.11 or newer. Name one that is installed: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	{ echo "This Python cannot make environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
