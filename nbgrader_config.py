"""nbgrader's source is solutions/, its release is exercises/; nothing else is unusual."""
from pathlib import Path

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.course_id = "generative-models"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.ExecutePreprocessor.timeout = 120            # seconds a cell
c.Validator.width = 300                      # Validate shows a message whole
c.ExportApp.plugin_class = "nbgrader.plugins.export.CsvExportPlugin"
