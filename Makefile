# `make demo`: install into .venv and run the main job on the bundled recordings. `make test`: everything that CI checks.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests wait now and then for a server or a clock: one process more than CI has processors. PYTEST="-n 16" uses a larger machine.
TEST_PROCESSES := 3
# How long `make fuzz` runs. Its seed is the time, and is printed.
FUZZ_SECONDS ?= 3600
# Every package that development and CI install has the version of this file, also those that only build others.
LOCK := tools/constraints.txt
PIP := PIP_CONSTRAINT=$(LOCK) PIP_BUILD_CONSTRAINT=$(LOCK) $(BIN)/python -m pip --disable-pip-version-check --quiet

# Images of Python set it. The tests start the program hundreds of times, and each process would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-storage test-crash test-remote fuzz bench lint dist lock install clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | while IFS=$$'\t' read -r target text; do \
	    printf '  make %-13s %s\n' "$$target" "$$text"; done

demo: $(VENV)/.installed ## install into .venv and transcribe the bundled recordings
	$(BIN)/transcribe run examples/audio --model demo --output-format json,srt,vtt,txt
	@echo; echo "What it wrote:"; ls examples/audio
	@echo; echo "examples/audio/aula.srt begins:"; head -12 examples/audio/aula.srt

test: lint ## linters, types, import layers, tests: what CI runs
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) $(PYTEST)

lint: $(VENV)/.installed-tests ## ruff, mypy, import-linter, and the schema of the transcript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/write_schema.py --check

# The same promises against Ceph, which is S3 in earnest, and the emulators of Azure and Google Cloud.
test-storage: $(VENV)/.installed-storage ## the tests of buckets against Ceph and the emulators of two clouds
	tools/with_ceph.sh $(VENV)/ceph $(BIN)/python -m pytest -n $(TEST_PROCESSES) -m "emulators or not emulators" tests/storage tests/security/test_packed_objects.py $(PYTEST)

test-crash: $(VENV)/.installed-tests ## thirty times kill -9 over two runs at once; a few minutes
	CRASH_KILLS=30 $(BIN)/python -m pytest -s tests/cli/test_crash.py

# RunPod's SDK has a hundred dependencies (215 MB), and a botocore that conflicts with s3fs, so it needs its own venv.
# Without it `make test` runs our handler in a loop of the tests, and all of the client.
test-remote: $(VENV)/.installed-tests .venv-worker/.installed ## the tests of the worker with RunPod's SDK
	$(BIN)/python -m pytest tests/backends tests/worker $(PYTEST)

# Damaged recordings through the real decoder. What fails is kept in .fuzz/, and the exit code is 1.
fuzz: $(VENV)/.installed-tests ## damaged recordings through the decoder; an hour, or FUZZ_SECONDS=60
	nice -n 10 $(BIN)/python tools/fuzz_decoder.py --seconds $(FUZZ_SECONDS) $(FUZZ)

# All of it takes hours; BENCH="--cases short --on demo --scale 0.2" takes a minute. See benchmarks/README.md.
bench: $(VENV)/.installed-tests ## measure speed and accuracy; hours
	$(BIN)/python -m benchmarks $(BENCH)

dist: $(VENV)/.installed ## build sdist and wheel, check them, and run the demo from the installed wheel
	tools/build_dist.sh $(BIN)/python $(LOCK)

lock: ## resolve tools/constraints*.txt anew
	tools/write_constraints.sh $(PYTHON)

install: $(VENV)/.installed ## the package in .venv, without the tools for tests

clean: ## remove what the other targets installed or built
	rm -rf $(VENV) .venv-worker dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .fuzz

# The base install has no PyTorch.
$(VENV)/.installed: pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "transcribe-cli needs Python 3.11 or newer."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Install Python's venv module: apt-get install python3-venv"; exit 1; }
	$(PIP) install --editable .
	@touch $@

$(VENV)/.installed-tests: $(VENV)/.installed tools/test-requirements.txt
	@tools/system_packages.sh chromium espeak-ng ffmpeg g++ python3-config=python3-dev
	$(PIP) install --no-compile --requirement tools/test-requirements.txt
	@touch $@

$(VENV)/.installed-storage: $(VENV)/.installed-tests tools/storage-requirements.txt
	$(PIP) install --no-compile --requirement tools/storage-requirements.txt
	npm install --silent --prefix $(VENV)/azurite azurite@3.35.0
	@touch $@

.venv-worker/.installed: pyproject.toml tools/constraints-worker.txt
	@test -x .venv-worker/bin/python || $(PYTHON) -m venv .venv-worker
	PIP_CONSTRAINT=tools/constraints-worker.txt .venv-worker/bin/python -m pip --disable-pip-version-check --quiet install --editable '.[worker]'
	@touch $@
