"""nbgrader's source is solutions/, its release is exercises/.

Students' code runs in a sandbox (course_lib.grading).
"""
from pathlib import Path

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.course_id = "generative-models"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.Validator.width = 300                      # Validate shows a message whole
c.ExportApp.plugin_class = "nbgrader.plugins.export.CsvExportPlugin"

c.GenerateAssignment.preprocessors = [       # nbgrader's own, and one more
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.InstantiateTests",
    "course_lib.grading.hooks.Release",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearSolutions",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
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
    "nbgrader.preprocessors.GetGrades",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
c.ExchangeFactory.collect = "course_lib.grading.collect.Collect"
c.ZipCollectApp.extractor_plugin = "course_lib.grading.downloads.Extract"
