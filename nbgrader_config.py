"""nbgrader's source is solutions/, its release is exercises/.

Students' code runs in a sandbox (course_lib.grading).
"""
import contextlib
import sys
import warnings
from pathlib import Path

from course_lib.grading.waiting import in_commands

c = get_config()  # noqa: F821  (nbgrader defines it)

in_commands()                                # a locked gradebook is waited for
c.CourseDirectory.course_id = "generative-models"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.Validator.width = 300                      # Validate shows a message whole
c.ExportApp.plugin_class = "course_lib.grading.late.Export"

c.GenerateAssignment.exporter_class = "course_lib.grading.changes.Whole"
c.GenerateAssignment.preprocessors = [       # nbgrader's own, and one more
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.InstantiateTests",
    "course_lib.grading.hooks.Release",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearSolutions",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "course_lib.grading.changes.Save",       # in the place of nbgrader's SaveCells
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.ClearMarkScheme",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.exporter_class = "course_lib.grading.hooks.Intake"
c.Autograde.sanitize_preprocessors = [       # of a notebook that is rebuilt from the release
    "nbgrader.preprocessors.OverwriteCells",
]
c.Autograde.autograde_preprocessors = [
    "course_lib.grading.hooks.Grading",      # in the place of nbgrader's Execute
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
]
c.GenerateFeedback.exporter_class = "course_lib.grading.hooks.Feedback"
c.GenerateFeedback.preprocessors = [
    "course_lib.grading.hooks.HideTests",
    "nbgrader.preprocessors.AssignLatePenalties",       # a person may have given marks since
    "course_lib.grading.standing.Standing",
    "nbgrader.preprocessors.GetGrades",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
c.ExchangeFactory.collect = "course_lib.grading.collect.Collect"
c.ExchangeFactory.release_feedback = "course_lib.grading.collect.ReleaseFeedback"
c.ZipCollectApp.extractor_plugin = "course_lib.grading.downloads.Extract"
c.ZipCollectApp.collector_plugin = "course_lib.grading.platforms.Recognise"
c.Authenticator.plugin_class = "course_lib.grading.students.Students"    # reads lists of students

with contextlib.suppress(ImportError):       # where this file fails, nbgrader reads none of it
    from dateutil.parser import UnknownTimezoneWarning

    from course_lib.grading.moments import refuse_misread
    refuse_misread(sys.argv)                 # a due date that nbgrader would take for another
    warnings.filterwarnings("error", category=UnknownTimezoneWarning)    # formgrader's too
