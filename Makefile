# Needs only Python 3.11 or newer, git and make. `make run` and `make test` set up the rest in .venv by themselves.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SPARK_READY := $(VENV)/.spark-ready
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# Every file in constraints.txt carries its hashes; nothing that is not listed there is ever installed.
INSTALL := $(PIP) install --require-hashes --no-deps
# Packages younger than this are not taken into constraints.txt: a poisoned release is usually found within days.
AGE_DAYS := 7
ARGS ?=

.PHONY: help run test test-all lint format types tidy spark bench mutation constraints clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(READY)  ## the demo ward: invented and published patients, replayed; open the printed address
	@$(BIN)/leeward ward $(ARGS)

test: $(READY)  ## the tests (without those marked slow or spark)
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

test-all: $(READY)  ## the tests with the slow ones
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q -m "not spark" $(ARGS)

spark: $(SPARK_READY)  ## the case tables and rules once more on Spark in local mode (needs Java 17)
	@command -v java >/dev/null || { echo "Spark needs Java 17 (Debian: apt-get install openjdk-17-jre-headless)"; exit 1; }
	@$(BIN)/python -m pytest -q -m spark $(ARGS)

lint: $(READY)  ## ruff: rules and layout
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(READY)  ## ruff: mend what can be mended by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(READY)  ## mypy, strict
	@$(BIN)/mypy

tidy: $(READY)  ## sizes, import directions, sources of numbers, hazards and promises with their tests
	@$(BIN)/python -m pytest -q tests/test_tidy.py tests/test_hazards.py $(ARGS)

bench: $(READY)  ## measure beside peers and write docs/performance.md
	@$(BIN)/python bench/run.py $(ARGS)

mutation: $(READY)  ## change rules and numbers one at a time; a change no test notices is printed
	@$(BIN)/python tests/mutation.py $(ARGS)

# Dependencies are pinned for every platform and Python from 3.11 on, with hashes and without naming a host.
PIN = $(VENV)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links --upgrade \
	--exclude-newer "$$(date -u -d '$(AGE_DAYS) days ago' +%Y-%m-%d)"
constraints: $(READY)  ## choose dependency versions afresh (nothing younger than a week)
	@test -x $(VENV)/uv/bin/uv || { $(BIN)/python -m venv $(VENV)/uv && $(VENV)/uv/bin/python -m pip install --quiet uv; }
	@printf 'setuptools>=77\nwheel\n' > $(VENV)/build.in
	@$(PIN) --extra dev pyproject.toml $(VENV)/build.in --output-file constraints.txt
	@$(PIN) --extra spark pyproject.toml --constraint constraints.txt --output-file $(VENV)/spark.txt
	@$(BIN)/python -c "import re,pathlib; \
	blocks=re.split(r'\n(?=\S)', pathlib.Path('$(VENV)/spark.txt').read_text().strip()); \
	pathlib.Path('constraints-spark.txt').write_text('\n'.join(b for b in blocks if re.match('py4j|pyspark',b))+'\n')"

clean:  ## remove what make has built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info

# The first interpreter that is new enough; `make PYTHON=/path/to/python3.12 test` overrides.
$(BIN)/python:
	@set -e; for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then chosen=$$candidate; break; fi; \
	done; \
	test -n "$$chosen" || { echo "Leeward needs Python 3.11 or newer; none was found."; exit 1; }; \
	echo "Setting up .venv with $$($$chosen --version) (once; a minute or two) ..."; \
	$$chosen -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module is missing (Debian: apt-get install python3-venv)."; exit 1; }

$(READY): constraints.txt pyproject.toml | $(BIN)/python
	@$(INSTALL) --only-binary :all: -r constraints.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(SPARK_READY): constraints-spark.txt $(READY)
	@$(INSTALL) --no-build-isolation -r constraints-spark.txt
	@touch $@
