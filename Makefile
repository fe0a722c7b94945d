PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ASSIGNMENT ?= ex01_minimax
EXERCISES = $(notdir $(wildcard solutions/ex*))
BENCHMARKS = $(filter-out %/common.py,$(wildcard benchmarks/*.py))
export PATH := $(abspath $(BIN)):$(PATH)

TO ?= build/student

.PHONY: setup lab test test-all release grade student-bundle weights bench clean
.DELETE_ON_ERROR:

setup: $(BIN)/python
	@$(BIN)/python scripts/install.py
$(BIN)/python:
	@$(PYTHON) scripts/install.py --check
	$(PYTHON) -m venv --clear $(VENV)

lab: setup
	$(BIN)/python -m jupyterlab lectures/00_start_here.ipynb

test: setup
	$(BIN)/python scripts/check.py $(if $(UNIT),--unit $(UNIT))
test-all: setup
	$(BIN)/python scripts/check.py --all

release: setup
	for name in $(EXERCISES); do $(BIN)/python -m nbgrader generate_assignment $$name --force || exit 1; done

grade: setup
	$(BIN)/python -m nbgrader generate_assignment $(ASSIGNMENT) --force
	$(BIN)/python -m course_lib.grading $(ASSIGNMENT)
	for step in "generate_feedback $(ASSIGNMENT)" export; do $(BIN)/python -m nbgrader $$step || exit 1; done
student-bundle: release
	$(BIN)/python scripts/bundle.py $(TO)

weights: setup
	for model in gan.gan diffusion.digits; do OMP_NUM_THREADS=1 $(BIN)/python -m course_lib.$$model || exit 1; done
bench: setup     # with two threads where a script says so in its first lines, else with one
	cd benchmarks && for script in $(notdir $(BENCHMARKS)); do \
	    threads=$$(grep -o -m1 'OMP_NUM_THREADS=[0-9]*' $$script || echo OMP_NUM_THREADS=1); \
	    env $$threads ../$(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) build *.egg-info .left-out .pytest_cache .ruff_cache
