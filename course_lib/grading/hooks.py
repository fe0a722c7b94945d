"""Where nbgrader meets the sandbox: classes that nbgrader_config.py names, and nothing of nbgrader
is changed.

`Release` writes into a release which names a student writes. `Intake` is the exporter of `nbgrader
autograde`: nbgrader makes one at the start of each run, and so submissions are read and rebuilt
before nbgrader looks at them. `Grading` runs the cells, in the place of nbgrader's Execute.
`HideTests` goes before feedback is made, and `Feedback` writes it.
"""
import atexit
import contextlib
import json
import re
from pathlib import Path

from nbconvert.exporters import HTMLExporter, NotebookExporter, TemplateExporter
from nbconvert.filters.highlight import Highlight2HTML
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Integer, Unicode

from course_lib.grading import beside, late, outputs, release, report, rubrics, version
from course_lib.grading.capitals import Variants
from course_lib.grading.cells import role, to_run
from course_lib.grading.course import Course
from course_lib.grading.engine import Settings, timed, warm_engine
from course_lib.grading.formulas import with_formulas
from course_lib.grading.intake import shown
from course_lib.grading.orders import Limits
from course_lib.grading.sandbox import TOOLBOX
from course_lib.hidden import answers

SCRIPT = r"(?s)<script\b.*?</script>"
NOTHING_LOADED = ('<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
                  'img-src data:; font-src data:; style-src \'unsafe-inline\'">')
PICTURE = r"<img(?![^>]*\salt=)"
HIDDEN_TESTS = r"(?ms)^[ \t]*### BEGIN HIDDEN TESTS.*?(### END HIDDEN TESTS[^\n]*\n?|\Z)"


class Release(NbGraderPreprocessor):
    """Writes into a release's metadata which names a student writes, and refuses tests that need
    others (in c.GenerateAssignment.preprocessors, before solutions are cleared)."""

    enabled = True

    def preprocess(self, nb, resources):
        release.check(nb, resources["nbgrader"]["notebook"])
        names, warnings = release.names(nb)
        for warning in [*warnings, *release.oracles(nb)]:
            self.log.warning(warning)
        nb.metadata["course"] = nb.metadata.get("course", {}) | {"answers": names}
        return nb, resources


class Intake(NotebookExporter):
    """The exporter of Autograde (c.Autograde.exporter_class)."""

    def __init__(self, parent=None, **kwargs):
        super().__init__(parent=parent, **kwargs)
        self.failed = failed = {}
        if isinstance(parent, Autograde):
            try:
                course = Course(parent.coursedir)
            except NbGraderException as error:      # of which nbgrader shows nothing
                parent.log.error("%s", error)
                raise
            taken = course.stage_all()
            failed |= late.settle(course.dir, course.assignment, course.times(taken), parent)
            for submission in taken.values():
                for why in [submission.refused] if submission.refused else submission.notes:
                    parent.log.warning("%s: %s", shown(submission.student), why)
            if isinstance(parent.parent, AutogradeApp):
                atexit.register(_say, parent.config, course, taken, failed)
            parent.coursedir = course.private()
            parent.post_convert_hook = lambda notebooks, **_: course.mark_done(
                taken[Path(notebooks[0]).parts[-3]])
            parent.init_notebooks()


def _say(config, course: Course, *known) -> None:
    with contextlib.suppress(SystemExit):       # of a gradebook that stays locked
        print(late.said_due(course.dir, course.assignment, config),
              report.table(report.rows(course, *known)), sep="\n")


class Grading(NbGraderPreprocessor):
    """Runs a notebook: the student's cells in a sandbox, the tests outside it (in
    c.Autograde.autograde_preprocessors)."""

    enabled = True
    sandbox = Unicode("bubblewrap", help=(
        "'bubblewrap'; or, weaker, a command line that starts the kernel in a container of yours "
        "and ends with 'python -m course_lib.grading.kernel'; or 'none'")).tag(config=True)
    memory = Integer(2048, help="MB that one submission may use").tag(config=True)
    scratch = Integer(256, help="MB of files that one submission may write").tag(config=True)
    processes = Integer(64, help="processes that one submission may start").tag(config=True)
    cell_timeout = Float(60, help="seconds a cell").tag(config=True)
    total_timeout = Float(900, help="seconds a notebook").tag(config=True)
    results = Unicode("", help=(
        "folder of results that are there already; the parallel form sets it")).tag(config=True)

    def settings(self, root: Path, released: Path, notebook) -> Settings:
        """Of an Engine for an exercise, which says in its metadata what it asks for."""
        asks_for = notebook.metadata.get("course", {}).get("asks_for", ())
        known, checks = answers(released.name), version.checks(released.name)
        has_checks = TOOLBOX.parent.joinpath(*checks.split(".")).with_suffix(".py").exists()
        limits = Limits(self.memory << 20, self.scratch << 20, self.processes,
                        int(self.total_timeout), self.cell_timeout, self.total_timeout)
        return Settings(limits, self.sandbox, asks_for=tuple(asks_for),
                        files=str(released) if released.is_dir() else "",
                        known_answers=str(known) if known.is_dir() else "",
                        checks=(checks,) if has_checks else (), course=str(root))

    def preprocess(self, nb, resources):
        name, notebook = (resources["nbgrader"][key] for key in ("assignment", "notebook"))
        course = self.parent.parent.coursedir
        root = Path(course.root)
        Variants(root, name).put(nb, resources["nbgrader"]["student"])
        result = root / self.results / f"{version.fingerprint(nb, name)}.json"
        if self.results and result.exists():
            found = json.loads(result.read_text(encoding="utf-8"))
        else:
            settings = self.settings(root, root / course.release_directory / name, nb)
            try:
                found = timed(warm_engine(settings), to_run(nb))
            except RuntimeError as error:
                getattr(self.parent, "failed", {})[resources["nbgrader"]["student"]] = (
                    f"failed: {error}")
                raise
        beside.without(nb)
        nb.metadata["grading"] = {"seconds": found["seconds"]}
        outputs.fill(nb, found["outputs"])
        rubrics.add(nb, root / course.source_directory / name / f"{notebook}.ipynb")
        return nb, resources


class HideTests(NbGraderPreprocessor):
    """Takes hidden tests and rubrics out of a notebook (in c.GenerateFeedback.preprocessors, before
    the others)."""

    enabled = True

    def preprocess(self, nb, resources):
        rubrics.remove(nb)
        for cell in nb.cells:
            if role(cell) == "test":
                cell.source = re.sub(HIDDEN_TESTS, "", cell.source)
        return nb, resources


class Feedback(HTMLExporter):
    """The exporter of GenerateFeedback (c.GenerateFeedback.exporter_class): nbconvert's HTML as its
    templates make it, but with nothing that is loaded or run: a student reads it offline, and
    formulas are MathML. HTMLExporter parses and prints it once more, only to name what a picture
    lacks, and that takes most of the time of a page."""

    def from_notebook_node(self, nb, resources=None, **kw):
        language = nb.metadata.get("language_info", {})
        lexer = language.get("pygments_lexer", language.get("name"))
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer=lexer, parent=self))
        page, resources = TemplateExporter.from_notebook_node(
            self, nb, self._init_resources(resources), **kw)
        page = re.sub(PICTURE, '<img alt="a picture without a description"', page)
        page = re.sub(SCRIPT, "", page).replace("<head>", f"<head>\n{NOTHING_LOADED}", 1)
        return with_formulas(page), resources
