# make book: environment, training, rendered book.  make test: environment, all tests.
PYTHON ?= python3.11
PYTHONS ?= $(PYTHON)+train
TRAIN ?= published
WORKERS ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile
STAMP := $(VENV)/.installed
unexport PYTHONDONTWRITEBYTECODE  # without bytecode every kernel and worker would compile its imports anew

.DEFAULT_GOAL := help
.PHONY: help install demo book pdf release test lint bench wheels cluster cluster-test litert serve clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) $$(grep '^torch==' requirements.lock)
	$(PIP) --no-deps -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

install: $(STAMP)  ## the environment alone, in .venv

demo: $(STAMP)  ## a published student labels recordings of a person it never saw: demo/index.html, no training
	$(BIN)/mixkd demo
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" = Darwin ]; then \
	  $(BIN)/python -m webbrowser -t "file://$(CURDIR)/demo/index.html" >/dev/null; fi

book: $(STAMP)  ## the book from the published runs, three trained anew, in _build/html (TRAIN=quick: two people, TRAIN=full: all)
	$(BIN)/mixkd book --train $(TRAIN) --workers $(WORKERS)

pdf: book  ## the whole book as one file, _build/html/mixkd.pdf; needs Chromium
	$(BIN)/python -m mixkd.book.pdf _build/html

release: pdf  ## the book as /vX.Y/ beside its other versions, in VERSIONS (default _build/versions)
	$(BIN)/python -m mixkd.book.editions $(VERSIONS)

test: lint  ## all tests, the notebooks with nbval included
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  echo "no Chromium found: the browser test is skipped (Debian: apt-get install chromium)"
	$(BIN)/pytest -n 2

lint: $(STAMP)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)  ## measure topology, training, steps, latency, parsing, predict and int8; rewrites benchmarks/records
	$(BIN)/python -m benchmarks.topology
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.steps
	$(BIN)/python -m benchmarks.latency
	$(BIN)/python -m benchmarks.parsing
	$(BIN)/python -m benchmarks.predict
	$(BIN)/python -m benchmarks.int8

wheels: $(STAMP)  ## install the wheel into fresh environments of PYTHONS and use it; adds to benchmarks/records/wheels.json
	$(BIN)/python -m benchmarks.wheels $(PYTHONS)

.venv-cluster/.installed: workflow/requirements.txt
	$(PYTHON) -m venv .venv-cluster
	.venv-cluster/bin/pip install --quiet --disable-pip-version-check -r workflow/requirements.txt
	@touch $@

cluster: $(STAMP) .venv-cluster/.installed  ## Snakemake, in .venv-cluster, for `mixkd sweep --on`

cluster-test: cluster  ## sweeps through Snakemake and a Slurm on this machine, with jobs and engines killed
	@command -v slurmctld >/dev/null || { echo "no Slurm found; on Debian: apt-get install slurm-wlm"; exit 1; }
	KILLS=20 SEEDS=3 $(BIN)/pytest -n 0 -s tests/test_cluster.py

.venv-litert/.installed: workflow/litert.txt
	$(PYTHON) -m venv .venv-litert
	.venv-litert/bin/pip install --quiet --disable-pip-version-check -r workflow/litert.txt
	@touch $@

litert: $(STAMP) .venv-litert/.installed  ## the converter to LiteRT, in .venv-litert, for `mixkd export --to litert`

serve: book  ## the book on http://localhost:8000
	$(BIN)/python -m http.server --directory _build/html 8000

clean:  ## remove the book and its stage; the store of trained runs (.mixkd) stays
	rm -rf _build
