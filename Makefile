ASKED := $(PYTHON)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ASSIGNMENT ?= ex01_minimax
EXERCISES = $(notdir $(wildcard solutions/ex*))
BENCHMARKS = $(filter-out %/common.py,$(wildcard benchmarks/*.py))
OUTSIDE := $(PATH)
export PATH := $(abspath $(BIN)):$(PATH)

TO ?= build/student
SECONDS ?= 90

.PHONY: setup venv lab test test-all release grade student-bundle weights bench tradeoffs docs clean
.DELETE_ON_ERROR:

setup: venv
	@$(BIN)/python scripts/install.py
venv: export PATH := $(OUTSIDE)
venv:     # made anew for the Python that PYTHON= asks for, after a move, and where it is broken
	@$(if $(ASKED),$(PYTHON) scripts/install.py --check)
	@test -x $(BIN)/python && $(BIN)/python scripts/install.py --fits $(ASKED) || \
		{ $(PYTHON) scripts/install.py --check && set -x && $(PYTHON) -m venv --clear $(VENV); }

lab: setup
	$(BIN)/python -m jupyterlab --ServerApp.root_dir=. lectures/00_start_here.ipynb

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
	OMP_NUM_THREADS=1 $(BIN)/python -m course_lib.recipes --all
bench: setup     # with one thread, unless a line "Threads: n" of its docstring says otherwise
	cd benchmarks && for script in $(notdir $(BENCHMARKS)); do \
	    threads=$$(sed -n 's/^Threads: //p' $$script); \
	    OMP_NUM_THREADS=$${threads:-1} ../$(BIN)/python $$script || exit 1; done
	$(MAKE) docs
tradeoffs: setup     # ROWS="DCGAN,GLOW" SEEDS="0 1": only these; it goes on where it stopped
	cd benchmarks && ../$(BIN)/python tradeoffs.py --seconds $(SECONDS) \
	    $(if $(ROWS),--rows "$(ROWS)") $(if $(SEEDS),--seeds $(SEEDS))
	$(BIN)/python scripts/docs.py
docs: setup
	$(BIN)/python scripts/docs.py

clean:
	rm -rf $(VENV) build *.egg-info .left-out .pytest_cache .ruff_cache
