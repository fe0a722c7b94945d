"""Late work is decided anew in each run, and a date means what it says."""
import re
import shutil
from datetime import datetime
from types import SimpleNamespace

import nbformat
import pytest
from course import Course
from exercise import ROOT
from nbgrader.api import Gradebook
from nbgrader.converters.base import NbGraderException
from nbgrader.plugins import LateSubmissionPlugin
from test_release import TOY, notebook
from traitlets.config import Config, Configurable

from course_lib.grading import intake, late, moments, report
from course_lib.grading.intake import Submission

NAME, MAY = "ex96_toy", "2027-05-01 12:00"


@pytest.mark.parametrize("text,utc", [
    (MAY, "12:00"), (f"{MAY} UTC", "12:00"), (f"{MAY}Z", "12:00"),
    ("2027-05-01T12:00:00Z", "12:00"), ("2027-05-01-12-00-00", "12:00"),
    *((f"{MAY}{zone}", "10:00") for zone in (
        " CET", " CEST", " MEZ", " MESZ", " +0200", " +02:00", "+02", "+02:00", " UTC+2",
        " UTC+02:00", " GMT+0200", " Europe/Berlin", " SAST")),
    *((f"{MAY} {zone}", "11:00") for zone in ("BST", "WEST", "WET", "Europe/London", "+1")),
    *((f"{MAY} {zone}", "09:00") for zone in ("EEST", "EET", "Europe/Kyiv", "MSK")),
    *((f"{MAY} {zone}", "16:00") for zone in ("EDT", "America/New_York", "-0400", "−04:00", "AST")),
    *((f"{MAY} {zone}", "17:00") for zone in ("EST", "CDT", "America/Chicago")),
    *((f"{MAY} {zone}", "18:00") for zone in ("CST", "MDT", "America/Denver")),
    *((f"{MAY} {zone}", "19:00") for zone in ("MST", "PDT", "America/Phoenix", "pdt")),
    *((f"{MAY} {zone}", "20:00") for zone in ("PST", "AKDT")),
    *((f"{MAY} {zone}", "21:00") for zone in ("AKST",)), (f"{MAY} HST", "22:00"),
    *((f"{MAY} {zone}", "15:00") for zone in ("BRT", "America/Sao_Paulo", "ADT")),
    ("May 1, 2027 12:00 PM", "12:00"), ("1 May 2027 12:00 PM PDT", "19:00"),
])
def test_a_date_means_what_it_says(text, utc):
    assert moments.utc(text) == datetime.fromisoformat(f"2027-05-01 {utc}")


def test_winter_and_summer_differ_where_clocks_do():
    hour = lambda text: moments.utc(text).hour
    for zone in ("CET", "MEZ", "Europe/Berlin", "+0100"):
        assert hour(f"2027-12-01 12:00 {zone}") == 11
    assert hour("2027-12-01 12:00 America/New_York") == hour("2027-12-01 12:00 EST") == 17
    assert hour("2027-03-27 12:00 Europe/Berlin") == 11 != hour("2027-03-28 12:00 Europe/Berlin")
    assert moments.utc("2015-02-02 15:58:23.948203 UTC").microsecond == 948203


@pytest.mark.parametrize("text,why", [
    *((f"{MAY} {zone}", f"time zone “{zone}” is not known") for zone in (
        "XYZ", "Berlin", "Uhr", "Europe/Atlantis", "(CEST)")),
    (f"{MAY} IST", "India, Ireland and Israel"), (f"{MAY} +99", "no time zone"),
    (f"{MAY} +01:75", "no time zone"), ("01.05.2027 12:00", "several ways"),
    ("05/01/2027 12:00 CEST", "several ways"), ("2027-05-01", "with the time of day"),
    ("12:00 UTC", "several ways"), ("2027-10-31 02:30 Europe/Berlin", "the clocks are changed"),
    ("2027-03-28 02:30 CET", "the clocks are changed"),
])
def test_a_date_that_is_not_clear_is_an_error(text, why, tmp_path):
    with pytest.raises(moments.Unclear, match=re.escape(why)):
        moments.utc(text)
    folder = tmp_path / "ada" / NAME                       # so is a collector's time
    folder.mkdir(parents=True)
    (folder / "timestamp.txt").write_text(text)
    empty = nbformat.v4.new_notebook()
    nbformat.write(empty, folder / f"{NAME}.ipynb")
    assert why in intake.take(tmp_path, "ada", NAME, {NAME: empty}, {NAME: {}}).refused


@pytest.mark.parametrize("text", ["", "soon", "2027-13-01 12:00", "2027-05-01 24:61 UTC", "\0",
                                  f"{MAY} ../../etc/passwd", "9999-12-31 23:59 -12:00",
                                  "0001-01-01 00:00 Europe/Berlin", "9" * 99])
def test_what_is_no_date_is_an_error(text):
    with pytest.raises(ValueError, match="is no date"):
        moments.utc(text)


@pytest.mark.parametrize("zone,stops", [
    ("UTC", ""), ("CET", ""), ("Europe/Berlin", ""), ("EST", ""),
    ("CEST", "10:00:00 UTC"), ("PDT", "19:00:00 UTC"), ("+0200", "10:00:00 UTC"),
    ("+02:00", "10:00:00 UTC"), ("XYZ", "XYZ” is not known")])
def test_nbgraders_command_stops_for_what_nbgrader_misreads(zone, stops):
    for argv in ([f"--duedate={MAY} {zone}"], ["--duedate", f"{MAY} {zone}"],
                 [f"--DbAssignmentAddApp.duedate={MAY} {zone}"]):
        argv = ["nbgrader", "db", "assignment", "add", NAME, *argv]
        if stops:
            with pytest.raises(SystemExit, match=stops):
                moments.refuse_misread(argv)
        else:
            moments.refuse_misread(argv)


class Daily(LateSubmissionPlugin):
    """Two points a day."""

    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 2 * -(-total_seconds_late // 86400)


class Broken(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        raise KeyError(student_id)


class Semester:
    """A gradebook with one submission of 10 points and one question that a person marks."""

    def __init__(self, folder):
        self.dir = SimpleNamespace(db_url=f"sqlite:///{folder}/gradebook.db", course_id="course")
        self.root, self.assignment, self.said = folder, NAME, lambda student: []
        with self.book() as book:
            book.add_assignment(NAME)
            book.add_notebook(NAME, NAME)
            for question in ("test", "written"):
                book.add_grade_cell(question, NAME, NAME, max_score=10, cell_type="code")
            book.add_student("ada")
            book.add_submission(NAME, "ada")
        self.mark("test", 10)

    def book(self):
        return Gradebook(self.dir.db_url, self.dir.course_id)

    def mark(self, question: str, points: float) -> None:
        with self.book() as book:
            book.find_grade(question, NAME, NAME, "ada").manual_score = points
            book.db.commit()

    def row(self, time: str, plugin="nbgrader.plugins.LateSubmissionPlugin", method="none") -> dict:
        config = Config(AssignLatePenalties={"plugin_class": plugin},
                        LateSubmissionPlugin={"penalty_method": method})
        status = late.settle(self.dir, NAME, {"ada": time}, Configurable(config=config))
        row, = report.rows(self, {"ada": Submission("ada", {}, [])}, status)
        return row


def test_what_changes_is_applied_in_the_next_run(tmp_path):
    it, time = Semester(tmp_path), "2027-05-02 13:00:00"
    score = lambda *args: it.row(*args)["score"]
    assert score(time, Daily) == "10" and late.said_due(it.dir, NAME, {}) == ""
    late.set_due(it.dir, NAME, "2027-05-01 12:00 Europe/Berlin")
    row = it.row(time, Daily)
    assert (row["score"], row["late_penalty"], row["days_late"]) == ("6", "4", "1.12")
    assert "handed in 2027-05-02 13:00 UTC, 1.1 days late; 4 points off" in row["why"]
    said = late.said_due(it.dir, NAME, {"NbGraderAPI": {"timezone": "Europe/Berlin"}})
    assert said == f"{NAME} is due 2027-05-01 10:00 UTC (2027-05-01 12:00 UTC+02:00)"
    late.extend(it.dir, NAME, "ada", "1 day", ())               # the extension
    row = it.row(time, Daily)
    assert row["score"] == "8" and "extended to 2027-05-02 10:00 UTC" in row["why"]
    late.extend(it.dir, NAME, "ada", "2027-05-02 16:00 CEST", ())
    assert score(time, Daily) == "10"
    late.extend(it.dir, NAME, "ada", "0", ())
    assert score(time, Daily) == "6"
    assert score("2027-05-01 10:00:00", Daily) == "10"          # the collector's time
    assert score("2027-05-01 10:00:01", Daily) == "8"
    assert score("", Daily) == "10" and it.row("", Daily)["handed_in"] == ""
    assert score(time, Daily) == "6" and score(time) == "10"    # the plugin
    late.set_due(it.dir, NAME, "2027-05-03 12:00 EST")          # the due date
    assert score(time, Daily) == "10"


def test_a_mark_given_after_a_penalty_stays_consistent(tmp_path):
    it, plugin = Semester(tmp_path), "nbgrader.plugins.LateSubmissionPlugin"
    late.set_due(it.dir, NAME, f"{MAY} CEST")
    zero = lambda: it.row("2027-05-02 13:00:00", plugin, "zero")
    assert zero()["score"] == "0"
    it.mark("written", 5)
    row = zero()
    assert (row["score"], row["late_penalty"]) == ("0", "15")
    app = SimpleNamespace(coursedir=it.dir)
    it.mark("written", 7)
    export = late.Export(to=str(tmp_path / "marks.csv"))        # nbgrader's own, too
    export.parent = Configurable(config=Config(LateSubmissionPlugin={"penalty_method": "zero"}))
    export.parent.coursedir = app.coursedir
    with it.book() as book:
        export.export(book)
    assert "17.0,17.0,0.0" in (tmp_path / "marks.csv").read_text()


def test_mistakes_are_told(tmp_path):
    it = Semester(tmp_path)
    with pytest.raises(ValueError, match="no due date that could be extended"):
        late.extend(it.dir, NAME, "ada", "1 day", ())
    with it.book() as book:
        book.grant_extension(NAME, "ada", days=1)
    with pytest.raises(NbGraderException, match="has extensions, but no due date"):
        it.row("")
    late.set_due(it.dir, NAME, f"{MAY} CEST")
    for text, why in (("soon", "is no date"), ("2 moons", "is no extension"), ("5", "is no ext"),
                      (f"{MAY} XYZ", "not known"), ("2027-04-01 12:00 CET", "before the due")):
        with pytest.raises(ValueError, match=why):
            late.extend(it.dir, NAME, "ada", text, ())
    with pytest.raises(ValueError, match="Nobody is called 'adda'"):
        late.extend(it.dir, NAME, "adda", "1 day", ("ada",))
    late.extend(it.dir, NAME, "bob", "2 weeks", ("bob",))       # who has handed in, ungraded
    row = it.row("2027-06-02 13:00:00", Broken)
    assert row["status"] == "failed: the plugin for late work ended with KeyError: 'ada'"
    with pytest.raises(NbGraderException, match="plugin_class"):
        it.row("2027-06-02 13:00:00", "nobody.Has")


@pytest.mark.loop
def test_both_forms_apply_what_changed(tmp_path):
    course, folder = Course.there(tmp_path, NAME), tmp_path / "solutions" / NAME
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    nbformat.write(notebook(*TOY), folder / f"{NAME}.ipynb")
    course.nbgrader("generate_assignment", NAME)
    course.submit("ada", course.master())
    (course.handed_in("ada") / "timestamp.txt").write_text("2027-05-02 12:00 CEST")
    with pytest.raises(AssertionError, match='write --duedate="2027-05-01 10:00:00 UTC"'):
        course.nbgrader("db", "assignment", "add", NAME, f"--duedate={MAY} CEST")
    zero = "--LateSubmissionPlugin.penalty_method=zero"
    said = course.grade("--due", f"{MAY} CEST")
    assert f"{NAME} is due 2027-05-01 10:00 UTC" in said and " 4/4 " in said
    with open(tmp_path / "nbgrader_config.py", "a") as file:
        file.write('c.LateSubmissionPlugin.penalty_method = "zero"\n')
    row = course.grade().splitlines()[-1]
    assert row.split()[:4] == ["ada", "as", "before", "0/4"] and "1 days late" in row
    said = course.grade("--extend", "ada", "2 days")
    assert "as before" in said and " 4/4 " in said
    course.nbgrader("db", "assignment", "add", NAME, "--duedate=2027-04-01 12:00 UTC")
    said = course.nbgrader("autograde", NAME, zero)
    assert " 0/4 " in said and "is due 2027-04-01 12:00 UTC" in said
