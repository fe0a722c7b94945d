PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ASSIGNMENT ?= ex01_minimax
EXERCISES = $(notdir $(wildcard solutions/ex*))
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
	$(BIN)/python scripts/check.py
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
	OMP_NUM_THREADS=1 $(BIN)/python -m course_lib.recipes --all
bench: setup
	cd benchmarks && for script in bars minimax gan_digits diffusion_budget diffusion_losses ddim_steps guidance grading; do OMP_NUM_THREADS=1 ../$(BIN)/python $$script.py || exit 1; done
	cd benchmarks && for script in diffusion_speed diffusion_clock; do OMP_NUM_THREADS=2 ../$(BIN)/python $$script.py || exit 1; done

clean:
	rm -rf $(VENV) build *.egg-info .left-out .pytest_cache .ruff_cache
