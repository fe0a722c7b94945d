"""The instructor's side: runs a notebook, the student's cells in a sandbox, the tests here.

In a test cell a name that the instructor's cells do not define is asked from the kernel: data comes
as data, a function as an `Answer`, a stand-in that sends its arguments and receives results. So
tests and facts run as they are written, and where they run no code of the student's ever is.
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

from course_lib.grading.cells import Cell, python
from course_lib.grading.channel import CannotCross, Channel, Violation
from course_lib.grading.linux import PR_SET_PDEATHSIG
from course_lib.grading.misconceptions import Misconceptions
from course_lib.grading.remote import Answer, AnswerError, KernelDied, RemoteKernel
from course_lib.grading.sandbox import Limits, Orders, address_space
from course_lib.grading.wire import decode

MAX_PRINTED, MAX_SHOWN = 20_000, 6 << 20        # characters of a test cell, bytes of another cell


class TookTooLong(BaseException):
    """A cell used up its time."""


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
            binds = name.is_assigned() or name.is_imported()
            if binds and (scope is table or name.is_declared_global()):
                bound.add(name.get_name())
        scopes += scope.get_children()
    return read, bound


class Instructor:
    """The namespace of the instructor's cells, where the tests run. `fetched`: what the last of
    them had from the kernel."""

    def __init__(self, kernel: RemoteKernel):
        self.kernel, self.wanted, self.fetched = kernel, set(), {}
        self.namespace = {"__name__": "__main__", "display": lambda *objects, **_: print(*objects)}

    def run(self, source: str, name: str):
        """Runs a cell. Returns the value of its last line, where that is an expression."""
        read, bound = names_in(source)
        self.wanted |= read
        missing = sorted(name for name in self.wanted - bound
                         if name not in self.namespace and not hasattr(builtins, name))
        self.fetched = self._fetch(missing, read) if missing else {}
        self.namespace |= self.fetched
        try:
            tree = ast.parse(python(source))
            has_value = tree.body and isinstance(tree.body[-1], ast.Expr)
            last = tree.body.pop() if has_value else None
            exec(compile(tree, name, "exec"), self.namespace)
            if last:
                return eval(compile(ast.Expression(last.value), name, "eval"), self.namespace)
        finally:
            for key, value in self.fetched.items():
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


def verdict(instructor: Instructor, cell: Cell, limits: Limits,
            known: Misconceptions) -> list[dict]:
    """The outputs of a test cell: an error, or what it displays as partial credit, and what was
    printed."""
    kernel, outputs, printed = instructor.kernel, [], io.StringIO()
    kernel.allow(limits.cell)
    try:
        with (time_limit(limits.cell + 5), contextlib.redirect_stdout(printed),
              contextlib.redirect_stderr(io.StringIO())):
            value = instructor.run(cell.source, "test")
    except BaseException as error:
        if isinstance(error, TookTooLong):
            kernel.stop()                       # it may have been cut off in the middle of a frame
        hint = known.name(cell, instructor.fetched) if isinstance(error, Exception) else ""
        outputs.append(_failure(error, cell, limits, hint))
    else:
        if isinstance(value, int | float) and not isinstance(value, bool) and value == value:
            points = {"text/plain": repr(float(min(max(value, 0), cell.points)))}
            outputs.append({"output_type": "execute_result", "data": points, "metadata": {},
                            "execution_count": None})
    text = printed.getvalue()[:MAX_PRINTED]
    text += "".join(x.printed for x in instructor.fetched.values() if isinstance(x, Answer))
    if text:
        outputs.insert(0, {"output_type": "stream", "name": "stdout", "text": text[:MAX_PRINTED]})
    return outputs


def _failure(error: BaseException, cell: Cell, limits: Limits, hint: str) -> dict:
    """What a student reads: the test's name, the message, and the line where it lies in the part
    that students see."""
    name, text = type(error).__name__, str(error)
    if isinstance(error, TookTooLong):
        name, text = "TimeoutError", f"this took more than {limits.cell:.0f} seconds"
    elif isinstance(error, KernelDied | AnswerError | Violation):
        name = "AnswerError"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == "test"]
    seen = visible(cell).splitlines()
    where = f"in {cell.grade_id}"
    if lines and lines[0] <= len(seen):
        where += f", line {lines[0]}:  {seen[lines[0] - 1].strip()}"
    text = without_paths(text)
    if not text and name == "AssertionError":
        text = "a test of your answer failed"
    trace = [f"{name}: {text}", where, *([hint] if hint else [])]
    return {"output_type": "error", "ename": name, "evalue": text, "traceback": trace}


PATHS = re.compile(r"(?:/[\w.+@-]+){2,}/?")


def without_paths(text: str) -> str:
    """Without paths of this machine, control characters and lone surrogates; at most 3000
    characters."""
    text = re.sub(r"[^\n\t\x20-\x7e\u00a0-\ud7ff\ue000-\U0010ffff]", "", text)
    last = lambda path: "…/" + path.group().rstrip("/").rpartition("/")[2]
    return PATHS.sub(last, text)[:3000]


def visible(cell: Cell) -> str:
    """The part of a test cell that students see."""
    return cell.source.split("### BEGIN HIDDEN TESTS")[0]


def catch_up(kernel: RemoteKernel, source: str, skipped: list[tuple[set[str], str]]) -> None:
    """Runs in the kernel what students see of tests and pictures, where their own cell needs a name
    that was bound there. skipped: the names that each binds, and its source."""
    needed = names_in(source)[0] & {name for bound, _ in skipped for name in bound}
    if not needed:
        return
    with contextlib.suppress(KernelDied, Violation):
        kernel.allow(kernel.limits.cell)
        reply, data = kernel.ask({"do": "missing", "names": sorted(needed)}, [])
        missing = decode(reply.get("result"), data)
        missing = missing if isinstance(missing, list) else []
        for bound, text in [it for it in skipped if any(name in missing for name in it[0])]:
            skipped.remove((bound, text))
            kernel.run(text)


def run_notebook(cells: list[Cell], kernel: RemoteKernel, limits: Limits,
                 known_answers: str) -> list[list[dict]]:
    """Runs all cells in order; the outputs of each. known_answers: a folder, or ""."""
    instructor, results, room, skipped = Instructor(kernel), [], 4 * MAX_SHOWN, []
    with time_limit(limits.cell):
        theirs = {name for cell in cells if cell.role == "answer"
                  for name in names_in(cell.source)[1]}
    known = Misconceptions(known_answers, instructor)
    for cell in cells:
        if cell.role in ("test", "picture"):
            test = cell.role == "test"
            results.append(verdict(instructor, cell, limits, known) if test else [])
            skipped.append((names_in(visible(cell))[1], visible(cell)))
            continue
        if not cell.source.strip():
            results.append([])
            continue
        catch_up(kernel, cell.source, skipped)
        kernel.allow(limits.cell)
        try:
            outputs = kernel.run(cell.source)
            size = len(json.dumps(outputs))
            room -= size
            if size >= MAX_SHOWN or room <= 0:
                outputs = [{"output_type": "stream", "text": "… too much output …"}]
        except KernelDied as error:
            outputs = [{"output_type": "error", "ename": "KernelDied", "evalue": str(error),
                        "traceback": [f"The cell did not finish: {error}"]}]
        results.append(outputs)
        uses_theirs = names_in(cell.source)[0] & theirs
        if cell.role == "locked" or (cell.role == "given" and not uses_theirs):
            with (contextlib.suppress(Exception, KernelDied, Violation, TookTooLong),
                  time_limit(limits.cell), contextlib.redirect_stdout(io.StringIO()),
                  contextlib.redirect_stderr(io.StringIO())):
                instructor.run(cell.source, "given")
    return results


def prepare(orders: Orders, servers: list[socket.socket]):
    """What the server of checkers runs in each fork: it reads a notebook's cells from a socket, and
    writes the outputs back.

    The modules of checks are imported before, and their function `warm` called, where there is one.
    """
    limits = orders.limits
    for name in orders.checks:
        getattr(importlib.import_module(name), "warm", lambda: None)()

    def run(request: dict, fds: list[int]) -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)    # end with the server
        memory = address_space() + 2 * limits.memory    # answers may be large, and fill the checker
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (int(limits.total) + 60,) * 2)
        channel = Channel(fds[0], fds[0])
        work, _ = channel.receive()
        cells = [Cell(*cell) for cell in work["cells"]]
        kernel = RemoteKernel(servers[0] if servers else None, orders.command, limits)
        try:
            found = run_notebook(cells, kernel, limits, work["known_answers"])
            channel.send({"outputs": found})
        finally:
            kernel.stop()
    return run
