# `make demo`: install into .venv and run the main job on the bundled recordings. `make test`: everything that CI checks.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests wait now and then for a server or a clock: one process more than CI has processors. PYTEST="-n 16" uses a larger machine.
SIDE_BY_SIDE := 3
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Images of Python set it; the tests start the program hundreds of times, and each would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-storage test-crash bench lint install clean test-remote

demo: $(VENV)/.installed
	$(BIN)/transcribe run examples/audio --model demo --output-format json,srt,vtt,txt
	@echo; echo "What it wrote:"; ls examples/audio
	@echo; echo "examples/audio/aula.srt begins:"; head -12 examples/audio/aula.srt

test: lint
	$(BIN)/python -m pytest -n $(SIDE_BY_SIDE) $(PYTEST)

# The same promises against Ceph, which is S3 in earnest, and the emulators of Azure and Google Cloud.
test-storage: $(VENV)/.installed-storage
	tools/with_ceph.sh $(VENV)/ceph $(BIN)/python -m pytest -n $(SIDE_BY_SIDE) -m "emulators or not emulators" tests/storage $(PYTEST)

$(VENV)/.installed-storage: $(VENV)/.installed-tests
	$(PIP) install --no-compile gcsfs adlfs gcp-storage-emulator
	npm install --silent --prefix $(VENV)/azurite azurite
	@touch $@

# Thirty times kill -9 over two runs at once, with the counts that docs/reliability.md has; a few minutes.
test-crash: $(VENV)/.installed-tests
	CRASH_KILLS=30 $(BIN)/python -m pytest -s tests/cli/test_crash.py

# The worker with RunPod's real SDK. It brings a hundred packages (215 MB), and a botocore that s3fs cannot live beside: a venv of its own.
# Without it `make test` runs our handler in a loop of the tests, and all of the client.
test-remote: $(VENV)/.installed-tests .venv-worker/.installed
	$(BIN)/python -m pytest tests/backends tests/worker $(PYTEST)

.venv-worker/.installed: pyproject.toml
	@test -x .venv-worker/bin/python || $(PYTHON) -m venv .venv-worker
	.venv-worker/bin/python -m pip --disable-pip-version-check --quiet install --editable '.[worker]'
	@touch $@

# All of it takes hours; BENCH="--cases short --on demo --scale 0.2" takes a minute. See benchmarks/README.md.
bench: $(VENV)/.installed-tests
	$(BIN)/python -m benchmarks $(BENCH)

lint: $(VENV)/.installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/write_schema.py --check

install: $(VENV)/.installed

# The base install has no PyTorch.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "transcribe-cli needs Python 3.11 or newer."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Install Python's venv module: apt-get install python3-venv"; exit 1; }
	$(PIP) install --editable .
	@touch $@

$(VENV)/.installed-tests: $(VENV)/.installed
	@tools/system_packages.sh chromium espeak-ng ffmpeg g++ python3-config=python3-dev
	$(PIP) install --no-compile --requirement tools/test-requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) .venv-worker dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
