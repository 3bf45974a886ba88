# Linli. Two commands do it all on a fresh machine with Python 3.11: `make run` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help run test check demo prove bench lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

run: $(INSTALLED)  ## everything for development: servers, cast, WeChat sandbox, worker, API
	@$(BIN)/linli run

test: $(INSTALLED)  ## all tests, on servers of their own
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(INSTALLED)  ## all but the tests: format, lint, types, imports (the tests check the migrations)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

demo: $(INSTALLED)  ## play "a lamp is mended" over HTTP against a running `make run`
	@$(BIN)/linli demo

prove: $(INSTALLED)  ## the slow proofs for a release
	@$(BIN)/python -m pytest -m prove

bench: $(INSTALLED)  ## measure the hot paths (nothing is judged by it)
	@$(BIN)/python -m bench

lock:  ## renew the hash-locked requirements (needs uv)
	@uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.txt
	@uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements-dev.txt

clean:  ## remove the environment and the development data
	@rm -rf .venv .linli

$(INSTALLED): requirements-dev.txt
	@echo "linli · making .venv and installing what is locked (a minute or two) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Linli needs Python 3.11 or newer")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $(INSTALLED)
