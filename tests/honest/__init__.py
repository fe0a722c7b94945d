"""Honest but unusual submissions: changes to the solved notebook that must cost no point."""
import importlib
import json
from collections.abc import Callable
from pathlib import Path

from course import cell
from nbformat.v4 import new_code_cell

NAME = "ex01_minimax"
MODULES = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
UNUSUAL: dict[str, Callable] = {}          # student -> change
TOGETHER = (  # changes that go into one notebook, for each takes a second or two
    "type_hints type_checked_classes unicode_names",
    "lambdas class_with_call partial_closure_and_decorator constants_of_the_notebook",
    "warns_on_stderr logs imports_in_the_notebook helper_deleted_afterwards",
    "caches threads_in_the_answer numpy_and_scipy proof_as_a_tuple_built_by_code",
    "torch_func_and_compile namedtuple_of_bounds function_with_its_own_gradient",
    "inference_mode_and_no_grad progress_bars_and_plots_in_the_training",
    "own_cells_everywhere empty_and_raw_cells",
    "plots widgets shows_many_kinds",
    "magics other_magics",
    "asynchronous threads_and_processes data_loaders_with_workers",
    "writes_files seeds_and_default_dtype own_training",
    "asks_for_input_and_fails debuggers no_network",
    "builtins_overwritten names_of_the_instructor_reused_at_the_end",
    "other_cell_ids_and_metadata byte_order_mark",
    "moved_cells stored_outputs",
    "texts_deleted deleted_test_and_pictures",
    "helper_in_an_own_cell names_that_tests_use_as_loop_variables windows_line_ends",
    "slow_but_within_the_limit constants_changed_for_a_trial renamed",
    "generators_and_recursion uses_what_a_test_cell_defined in_a_zip",
    "function_from_a_written_module uses_what_a_picture_cell_defined "
    "folder_in_a_zip_with_checkpoints",
    "main_guard_and_globals answer_twice_first_blank zip_from_a_mac_or_a_memory_stick",
    "torch_module_and_bound_method setup_cell_with_an_import zip_in_capitals",
    "answer_in_an_own_cell_without_the_stub named_in_capitals",
    "cells_split_by_the_editor helper_in_a_picture_cell name_with_umlauts",
    "displays_numbers scratch_then_a_copy_of_the_setup name_with_an_apostrophe",
    "restarts_the_kernel name_is_an_address",
    "magics_in_answers tests_and_texts_edited",
    "changes_the_folder_and_goes_back own_trials_below_the_answer",
    "large_data_under_short_names without_cell_ids",
    "own_tests_with_the_course_tools marks_of_nbgrader_lost",
    "answer_in_an_own_cell_below_the_stub warnings_are_errors",
    "question_moved_to_the_end_with_its_helper shows_much",
    "answer_and_test_merged prints_a_lot",
    "devices_and_settings copies_of_cells",
    "compiles lines_that_cannot_work_in_grading",
)
AS: dict[str, str] = {}  # change -> student, where a folder's name is what is unusual


def unusual(change):
    """Registers a change to the solved notebook; it may return a file's bytes instead, or (name,
    bytes)."""
    assert change.__name__ not in UNUSUAL, change.__name__
    UNUSUAL[change.__name__] = change
    return change


def load() -> dict[str, Callable]:
    for name in MODULES:
        importlib.import_module(f"honest.{name}")
    for names in TOGETHER:
        parts, joint = names.split(), "-".join(names.split())
        UNUSUAL[joint] = _chain([UNUSUAL.pop(part) for part in parts])
        for part in set(parts) & AS.keys():
            AS[joint] = AS[part]
    return UNUSUAL


def _chain(changes: list[Callable]) -> Callable:
    def change(notebook):
        *others, last = changes
        for other in others:
            other(notebook)
        return last(notebook)
    return change


def hand_in(course, student: str) -> None:
    """Puts the submission of that name into the course."""
    made = UNUSUAL[student](notebook := course.master())
    if made is None:
        course.submit(AS.get(student, student), notebook)
        return
    name, data = made if isinstance(made, tuple) else (f"{NAME}.ipynb", made)
    (course.handed_in(AS.get(student, student)) / name).write_bytes(data)


def place(notebook, grade_id: str) -> int:
    return notebook.cells.index(cell(notebook, grade_id))


def before(notebook, grade_id: str, *cells) -> None:
    at = place(notebook, grade_id)
    made = [new_code_cell(source) if isinstance(source, str) else source for source in cells]
    notebook.cells[at:at] = made


def answer(notebook, grade_id: str, source: str) -> None:
    cell(notebook, grade_id).source = source


def inside(notebook, line: str, grade_id: str = "game_value") -> None:
    """Puts a line first into the body of an answer."""
    c = cell(notebook, grade_id)
    c.source = c.source.replace("    ### BEGIN SOLUTION\n", f"    {line}\n    ### BEGIN SOLUTION\n")


def saved(notebook, **options) -> bytes:
    return json.dumps(notebook, **options).encode()
