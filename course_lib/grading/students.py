"""`nbgrader db student import` for the files that there are: with a byte-order mark, semicolons, in
Excel's encoding, and Moodle's, Canvas' or Blackboard's own tables.

nbgrader starts its Authenticator before it opens the file; the plugin puts a plain copy in the
file's place.
"""
import csv
import tempfile
from pathlib import Path

from nbgrader.apps.dbapp import DbStudentImportApp
from nbgrader.auth.base import NoAuthPlugin

from course_lib.grading.intake import is_student
from course_lib.grading.tables import Person, Table

COLUMNS = {"first_name": "first", "last_name": "last", "email": "email", "lms_user_id": "number"}


class Students(NoAuthPlugin):
    """In c.Authenticator.plugin_class: lets anybody in, as nbgrader does, and reads lists of
    students."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        app = getattr(self.parent, "parent", None)
        if isinstance(app, DbStudentImportApp) and len(app.extra_args) == 1 \
                and Path(app.extra_args[0]).is_file():
            self.folder = tempfile.TemporaryDirectory()
            try:
                app.extra_args = [self._plain(app, Path(app.extra_args[0]))]
            except (ValueError, OSError) as error:
                app.fail("%s", error)

    def _plain(self, app, path: Path) -> str:
        table, copy = Table.read(path), Path(self.folder.name, path.name)
        # a number of Moodle's is good for one assignment only, and so is kept in no column
        columns = [column for column, what in COLUMNS.items() if what in table.columns
                   and (table.kind, what) != ("moodle", "number")]
        if "name" in table.columns:
            columns = ["first_name", "last_name", *columns]
        with open(copy, "w", newline="") as file:       # as nbgrader opens it
            writer = csv.writer(file)
            writer.writerow(["id", *columns])
            for person in table.persons():
                if student := called(person):
                    writer.writerow([student, *(getattr(person, COLUMNS[c]) for c in columns)])
                else:
                    app.log.warning("%s, line %d: no student can be called %s.", path.name,
                                    person.row + 1, ascii(person.ids[:1]))
        return str(copy)


def called(person: Person) -> str:
    """The first of a person's ids that a student may have; nothing if there is none."""
    return next((name for name in person.ids if is_student(name)), "")
