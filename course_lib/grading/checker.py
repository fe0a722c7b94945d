"""The instructor's side: runs a notebook's cells, the student's in a sandboxed kernel, the tests here.

In a test cell a name that the instructor's cells do not define is asked from the kernel: data comes as data, a function as
an `Answer`, a stand-in that sends its arguments and receives results. So tests and facts run as they are written, and
where they run no code of the student's ever is.
"""
import ast
import builtins
import contextlib
import ctypes
import importlib
import io
import json
import re
import resource
import signal
import socket
import symtable
import traceback

from course_lib.grading.channel import CannotCross, Channel, Violation
from course_lib.grading.misconceptions import Misconceptions
from course_lib.grading.remote import Answer, AnswerError, Kernel, KernelDied
from course_lib.grading.sandbox import Limits, address_space
from course_lib.grading.wire import decode

MAX_PRINTED, MAX_SHOWN = 20_000, 6 << 20                  # characters of a test cell, bytes of another cell


class TookTooLong(BaseException):
    """A cell used up its time."""


def python(source: str) -> str:
    """The cell without its magics, which are lines that start with % or !."""
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)
    return source


def names_in(source: str) -> tuple[set[str], set[str]]:
    """The global names that a cell reads, and those that it binds."""
    try:
        table = symtable.symtable(python(source), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(), set()
    read, bound, scopes = set(), set(), [table]
    for scope in scopes:
        for name in scope.get_symbols():
            if name.is_referenced() and (scope is table or name.is_global()):
                read.add(name.get_name())
            if (name.is_assigned() or name.is_imported()) and (scope is table or name.is_declared_global()):
                bound.add(name.get_name())
        scopes += scope.get_children()
    return read, bound


class Instructor:
    """The namespace of the instructor's cells, where the tests run."""

    def __init__(self, kernel: Kernel):
        self.kernel, self.namespace, self.wanted, self.answers = kernel, {"__name__": "__main__"}, set(), {}
        self.namespace |= {"display": lambda *objects, **_: print(*objects)}

    def run(self, source: str, name: str):
        """Runs a cell. Returns the value of its last line, where that is an expression."""
        read, bound = names_in(source)
        self.wanted |= read
        missing = sorted(n for n in self.wanted - bound if n not in self.namespace and not hasattr(builtins, n))
        self.answers = self._fetch(missing, read) if missing else {}
        self.namespace |= self.answers
        try:
            tree = ast.parse(python(source))
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, name, "exec"), self.namespace)
            return eval(compile(ast.Expression(last.value), name, "eval"), self.namespace) if last else None
        finally:
            for key, value in self.answers.items():
                if self.namespace.get(key) is value:
                    del self.namespace[key]

    def _fetch(self, names: list[str], needed: set[str]) -> dict:
        reply, data = self.kernel.ask({"do": "names", "names": names}, [])
        found, values = decode(reply.get("result"), data), {}
        for name in names:
            match found.get(name) if isinstance(found, dict) else None:
                case ("value", value):
                    values[name] = value
                case ("function", [*parameters]):
                    values[name] = Answer(self.kernel, name, parameters)
                case ("cannot", str(why)) if name in needed:
                    raise CannotCross(f"{name}: {why}"[:500])
        return values


def _alarm(*_):
    raise TookTooLong


@contextlib.contextmanager
def time_limit(seconds: float):
    signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def verdict(instructor: Instructor, cell: dict, limits: Limits, misconception) -> list[dict]:
    """The outputs of a test cell: an error, or what it displays as partial credit, and what was printed."""
    kernel, outputs, printed = instructor.kernel, [], io.StringIO()
    kernel.allow(limits.cell)
    try:
        with time_limit(limits.cell + 5), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            value = instructor.run(cell["source"], "test")
    except BaseException as error:
        if isinstance(error, TookTooLong):
            kernel.stop()                                  # it may have been cut off in the middle of a frame
        hint = misconception(cell, instructor.answers) if isinstance(error, Exception) else ""
        outputs.append(_failure(error, cell, limits, hint))
    else:
        if isinstance(value, int | float) and not isinstance(value, bool) and value == value:
            points = float(min(max(value, 0), cell["points"]))
            outputs.append({"output_type": "execute_result", "data": {"text/plain": repr(points)}, "metadata": {}, "execution_count": None})
    text = printed.getvalue()[:MAX_PRINTED] + "".join(a.printed for a in instructor.answers.values() if isinstance(a, Answer))
    if text:
        outputs.insert(0, {"output_type": "stream", "name": "stdout", "text": text[:MAX_PRINTED]})
    return outputs


def _failure(error: BaseException, cell: dict, limits: Limits, hint: str) -> dict:
    """What a student reads: the test's name, the message, and the line where it lies in the part that students see."""
    name, text = type(error).__name__, str(error)
    if isinstance(error, TookTooLong):
        name, text = "TimeoutError", f"this took more than {limits.cell:.0f} seconds"
    elif isinstance(error, KernelDied | AnswerError | Violation):
        name = "AnswerError"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "test"]
    seen = visible(cell).splitlines()
    where = f"in {cell['grade_id']}"
    if lines and lines[0] <= len(seen):
        where += f", line {lines[0]}:  {seen[lines[0] - 1].strip()}"
    text = clean(text) or ("a test of your answer failed" if name == "AssertionError" else "")
    trace = [f"{name}: {text}", where, *([hint] if hint else [])]
    return {"output_type": "error", "ename": name, "evalue": text, "traceback": trace}


PATHS = re.compile(r"(?:/[\w.+@-]+){2,}/?")


def clean(text: str) -> str:
    """Without control characters, lone surrogates, and paths of this machine; at most 3000 characters."""
    text = re.sub(r"[^\n\t\x20-\x7e\u00a0-\ud7ff\ue000-\U0010ffff]", "", text)
    return PATHS.sub(lambda found: "…/" + found.group().rstrip("/").rpartition("/")[2], text)[:3000]


def visible(cell: dict) -> str:
    """The part of a test cell that students see."""
    return cell["source"].split("### BEGIN HIDDEN TESTS")[0]


def catch_up(kernel: Kernel, source: str, unseen: list[tuple[set[str], str]]) -> None:
    """Runs in the kernel what students see of tests and pictures, where their own cell needs a name that was bound there."""
    needed = names_in(source)[0] & {name for bound, _ in unseen for name in bound}
    if not needed:
        return
    with contextlib.suppress(KernelDied, Violation):
        kernel.allow(kernel.limits.cell)
        reply, data = kernel.ask({"do": "missing", "names": sorted(needed)}, [])
        missing = decode(reply.get("result"), data)
        for bound, text in [entry for entry in unseen if isinstance(missing, list) and any(name in missing for name in entry[0])]:
            unseen.remove((bound, text))
            kernel.run(text)


def grade(job: dict, kernel: Kernel, limits: Limits) -> list[list[dict]]:
    """Runs all cells in order; the outputs of each."""
    instructor, results, room, unseen = Instructor(kernel), [], 4 * MAX_SHOWN, []
    with time_limit(limits.cell):
        theirs = {name for cell in job["cells"] if cell["role"] == "answer" for name in names_in(cell["source"])[1]}
    known = Misconceptions(job.get("answers"), instructor)
    for cell in job["cells"]:
        if cell["role"] in ("test", "picture"):
            results.append(verdict(instructor, cell, limits, known.name) if cell["role"] == "test" else [])
            unseen.append((names_in(visible(cell))[1], visible(cell)))
            continue
        if not cell["source"].strip():
            results.append([])
            continue
        catch_up(kernel, cell["source"], unseen)
        kernel.allow(limits.cell)
        try:
            shown = kernel.run(cell["source"])
            size = len(json.dumps(shown))
            room -= size
            results.append(shown if size < MAX_SHOWN and room > 0 else [{"output_type": "stream", "text": "… too much output …"}])
        except KernelDied as error:
            results.append([{"output_type": "error", "ename": "KernelDied", "evalue": str(error),
                             "traceback": [f"The cell did not finish: {error}"]}])
        if cell["role"] == "locked" or (cell["role"] == "given" and not names_in(cell["source"])[0] & theirs):
            with contextlib.suppress(Exception, KernelDied, Violation, TookTooLong), time_limit(limits.cell), \
                    contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                instructor.run(cell["source"], "given")
    return results


def prepare(settings: dict, servers: list[socket.socket]):
    """What the server of checkers runs in each fork: it reads a job from a socket, and writes the outputs back.

    The modules `checks` are imported before, and their function `warm` called, where they have one."""
    limits = Limits(**settings["limits"])
    for name in settings["checks"]:
        getattr(importlib.import_module(name), "warm", lambda: None)()

    def run(request: dict, fds: list[int]) -> None:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)          # PR_SET_PDEATHSIG: end with the server
        memory = address_space() + 2 * limits.memory                 # answers may be large, and fill the checker
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (int(limits.total) + 60,) * 2)
        channel = Channel(fds[0], fds[0])
        job, _ = channel.receive()
        kernel = Kernel(servers[0] if servers else None, settings["command"], limits)
        try:
            channel.send({"outputs": grade(job, kernel, limits)})
        finally:
            kernel.stop()
    return run
