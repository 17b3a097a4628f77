# Everything a person does here. Needs Python 3.11 or newer and make; no root, no compiler.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
RESOLVE := uv pip compile --quiet --universal --python-version 3.11 \
  --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links
STAMP := $(VENV)/.ready
DEV_STAMP := $(VENV)/.ready-for-development
TRIED := $(VENV)/.default-model-tried
TRAIN := .venv-train
TRAIN_STAMP := $(TRAIN)/.ready
MUTANTS := .venv-mutants
MUTANTS_STAMP := $(MUTANTS)/.ready
PEERS := .venv-peers
PEERS_STAMP := $(PEERS)/.ready
DEPLOY := .venv-deploy
DEPLOY_STAMP := $(DEPLOY)/.ready
# Tests run in four processes of about the same length: these, and one with all the rest.
BESIDE := first second third
first := tests/browser tests/media tests/models tests/recordings tests/store
second := tests/decoder tests/server/auth tests/server/jobs tests/server/metering
third := tests/server $(addprefix --ignore ,$(second))

.DEFAULT_GOAL := help
.PHONY: help setup dev models-for-tests ray-for-tests demo run test test-long check format lock picture train mutants peers vendor image-steps clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 26

setup: $(STAMP) ## make the environment in .venv from locked versions, fetch the default model (550 MB)
	@rm -f $(TRIED)
	@$(MAKE) --no-print-directory $(TRIED)
	@echo "Ready. Now: make run"

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
# Python compiles what is used when it is first used; the rest would be 50 MB.
	$(PIP) install --no-compile --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-compile --no-deps --no-build-isolation --editable .
# Pythons before 3.12 put it into each environment, and nothing here needs it.
	@$(PIP) uninstall --quiet --yes setuptools 2>/dev/null || true
	@touch $@

dev: $(DEV_STAMP) ## add what tests, checks and benchmarks need (350 MB)

$(DEV_STAMP): $(STAMP) requirements-dev.lock
	@echo "Fetching what tests, checks and benchmarks need (350 MB) …"
	@$(PIP) install --quiet --no-compile --require-hashes -r requirements-dev.lock
	@touch $@

# Tried once for each environment, and by `make setup` again: the model lies in the user's own folder
# of models, for all clones, and nothing fails without it.
$(TRIED): $(STAMP)
	@$(BIN)/rasr models pull --if-possible moonshine-tiny-en
	@touch $@

models-for-tests: $(DEV_STAMP) ## fetch Whisper base, its packages and a voice, for the tests that need them
	$(PIP) install --no-build-isolation --editable '.[whisper]'
	$(BIN)/rasr models pull --if-possible whisper-base
	$(BIN)/rasr models pull --if-possible piper-en-joe

ray-for-tests: $(DEV_STAMP) ## install Ray Serve (500 MB), for the tests and the benchmark that need it
	$(PIP) install --no-build-isolation --editable '.[ray]'

demo: $(TRIED) ## stream recordings to a server of its own and watch the text appear
	$(BIN)/rasr demo

run: $(TRIED) ## start the server on 127.0.0.1
	$(BIN)/rasr serve

test: $(TRIED) $(DEV_STAMP) ## the whole test suite, but for what takes long
# Browsers mostly wait, for people who speak, and so do servers, for databases: their tests run
# beside the others. A shell's jobs hear no Ctrl-C: they are ended by the shell.
	@rm -f $(VENV)/*-tests.log
	@beside=; trap 'kill $$beside; wait; exit 130' INT TERM; \
	$(foreach group,$(BESIDE),$(BIN)/python -m pytest -m 'not long' $($(group)) \
	  > $(VENV)/$(group)-tests.log 2>&1 & beside="$$beside $$!";) \
	$(BIN)/python -m pytest -m 'not long' \
	  $(addprefix --ignore ,$(filter tests/%,$(first) $(second) $(third))); failed=$$?; \
	for process in $$beside; do wait $$process || failed=1; done; \
	cat $(VENV)/*-tests.log; \
	exit $$failed

test-long: $(TRIED) $(DEV_STAMP) ## the tests that `make test` leaves out: kills, breaks, benchmarks, more values (half an hour)
	$(BIN)/python -m pytest -m long

check: $(DEV_STAMP) $(DEPLOY_STAMP) ## format, lint, types (mypy strict), import rules, container files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(DEPLOY)/bin/python -m tools.check_deploy

$(DEPLOY_STAMP): deploy/requirements.lock
	$(PYTHON) -m venv $(DEPLOY)
	$(DEPLOY)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements.lock
	@touch $@

image-steps: $(DEPLOY_STAMP) ## run the Dockerfile's steps without a container engine, try the server (Linux)
	$(DEPLOY)/bin/python -m tools.image_steps

vendor: $(STAMP) ## make the files of other projects in rasr/web anew (needs npm)
	$(BIN)/python -m tools.vendor

format: $(DEV_STAMP) ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The others have of the first one's versions those that running needs: alone, and in an image, where
# a store in PostgreSQL, buckets and traces want their packages.
lock: ## resolve pyproject.toml anew into the files of locked versions (needs uv)
	$(RESOLVE) pyproject.toml --group dev --upgrade -o requirements-dev.lock
	$(RESOLVE) pyproject.toml --group install --upgrade --constraint requirements-dev.lock -o requirements.lock
	$(RESOLVE) pyproject.toml --group install --extra postgresql --extra buckets --extra otel --upgrade --constraint requirements-dev.lock -o requirements-image.lock
	$(RESOLVE) deploy/requirements.in --upgrade -o deploy/requirements.lock

picture: $(DEV_STAMP) ## take the documents' pictures of the page and the console anew (needs Chromium)
	$(BIN)/python -m pytest -q tests/browser -k 'picture_of_the_readme or picture_of_the_document'
	cp pictures/readme.png docs/page.png
	cp pictures/console.png docs/console.png

train: $(TRAIN_STAMP) ## train the small Mandarin model of the package anew (about an hour on two cores)
	$(TRAIN)/bin/python -m bench.training

# PyTorch's CPU build is enough, and smaller by gigabytes than the one for GPUs.
$(TRAIN_STAMP): pyproject.toml
	$(PYTHON) -m venv $(TRAIN)
	$(TRAIN)/bin/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(TRAIN)/bin/pip install --quiet --disable-pip-version-check --editable . --group train
	@touch $@

mutants: $(MUTANTS_STAMP) ## put 300 faults into the pure rooms, see which no test finds (half an hour)
	$(MUTANTS)/bin/python -m bench.mutation

$(MUTANTS_STAMP): requirements-dev.lock Makefile
	$(PYTHON) -m venv $(MUTANTS)
	$(MUTANTS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(MUTANTS)/bin/pip install --quiet --disable-pip-version-check cosmic-ray==8.7.0
	@touch $@

peers: $(PEERS_STAMP) ## install the servers that `python -m bench whisper-peers` compares (gigabytes)

# whisper-live wants a package that only compiles, and others of its client and of engines that are
# not compared: its server runs without them.
$(PEERS_STAMP): Makefile
	$(PYTHON) -m venv $(PEERS)/whisperlivekit
	$(PEERS)/whisperlivekit/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 whisperlivekit==0.2.26
	$(PYTHON) -m venv $(PEERS)/whisper-live
	$(PEERS)/whisper-live/bin/pip install --quiet --disable-pip-version-check --no-deps whisper-live==0.10.0
	$(PEERS)/whisper-live/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 faster-whisper==1.2.0 \
	  tokenizers==0.20.3 'numpy<2.5' 'onnxruntime<2' websockets fastapi uvicorn python-multipart
	@touch $@

clean: ## remove the environments and caches
	rm -rf $(VENV) $(TRAIN) $(MUTANTS) $(PEERS) $(DEPLOY) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist pictures
