PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ASSIGNMENT ?= ex01_minimax
EXERCISES = $(notdir $(wildcard solutions/ex*))
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: setup lab test test-all release grade weights bench clean

setup: $(BIN)/python
	@$(BIN)/python scripts/install.py
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

lab: setup
	$(BIN)/jupyter lab lectures/01_minimax_game.ipynb

test: setup
	$(BIN)/python scripts/check.py
test-all: setup
	$(BIN)/python scripts/check.py --all

release: setup
	for name in $(EXERCISES); do $(BIN)/nbgrader generate_assignment $$name --force || exit 1; done

grade: setup
	$(BIN)/nbgrader autograde $(ASSIGNMENT) && $(BIN)/nbgrader generate_feedback $(ASSIGNMENT) && $(BIN)/nbgrader export

weights: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m course_lib.gan.gan
bench: setup
	cd benchmarks && for script in bars minimax gan_digits; do OMP_NUM_THREADS=1 ../$(BIN)/python $$script.py || exit 1; done

clean:
	rm -rf $(VENV) gradebook.db submitted autograded feedback
