"""The instructor's side: runs a notebook, the student's cells in a sandbox, the tests here.

In a test cell a name that the instructor's cells do not define is asked from the kernel: data comes
as data, a function as an `Answer`, a stand-in that sends its arguments and receives results. So
tests and facts run as they are written, and where they run no code of the student's ever is.
"""
import ast
import contextlib
import ctypes
import importlib
import io
import json
import os
import resource
import signal
import socket
import time

import numpy as np
import torch

from course_lib.grading.cells import Cell, Reads, names_in, python
from course_lib.grading.channel import CannotCross, Channel, weight
from course_lib.grading.comfort import (
    TookTooLong,
    catch_up,
    end_of,
    failure,
    flat,
    visible,
    without_paths,
)
from course_lib.grading.linux import PR_SET_PDEATHSIG
from course_lib.grading.misconceptions import Misconceptions
from course_lib.grading.orders import Limits, Orders
from course_lib.grading.remote import Answer, KernelDied, RemoteKernel
from course_lib.grading.sandbox import address_space
from course_lib.grading.wire import decode

MAX_PRINTED, MAX_SHOWN = 20_000, 6 << 20        # characters of a test cell, bytes of another cell


def _alarm(*_):
    raise TookTooLong("its time was up")


@contextlib.contextmanager
def time_limit(seconds: float):
    signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class NotRun(Exception):
    """A cell needs a name that an instructor's cell binds, and that one did not run. ours: for a
    reason that has nothing to do with the student."""

    def __init__(self, name: str, why: str, ours: bool):
        super().__init__(f"this needs {name}, which a cell of the course defines, and that cell "
                         f"did not run: {why}")
        self.why, self.ours = why, ours


class Instructor:
    """The namespace of the instructor's cells, where the tests run. answers: the names that are
    asked from the kernel, and there are no others. `fetched`: what the last cell had from it."""

    def __init__(self, kernel: RemoteKernel, answers: set[str]):
        self.kernel, self.answers, self.fetched, self.reads = kernel, answers, {}, Reads()
        self.namespace = {"__name__": "__main__", "display": lambda *objects, **_: print(*objects)}
        self.lost: dict[str, tuple[str, bool]] = {}     # what cells bind that did not run, and why

    def run(self, source: str, name: str):
        """Runs a cell. Returns the value of its last line, where that is an expression. Errors:
        NotRun, and whatever the cell raises; `undo` takes back what it has bound."""
        needs, (read, bound), self.fetched = self.reads.needs(source), names_in(source), {}
        self.before = dict(self.namespace)
        self.reads.seen(source)
        for missing in sorted(needs & self.lost.keys()):
            raise NotRun(missing, *self.lost[missing])
        self.lost = {key: why for key, why in self.lost.items() if key not in bound}
        asked = sorted(needs & self.answers - self.namespace.keys())
        try:
            self.fetched = self._fetch(asked, read) if asked else {}
            self.namespace |= self.fetched
            tree = ast.parse(python(source))
            has_value = tree.body and isinstance(tree.body[-1], ast.Expr)
            last = tree.body.pop() if has_value else None
            exec(compile(tree, name, "exec"), self.namespace)
            if last:
                last = eval(compile(ast.Expression(last.value), name, "eval"), self.namespace)
            return last
        finally:
            for key, value in self.fetched.items():
                if self.namespace.get(key) is value:
                    del self.namespace[key]

    def undo(self) -> None:
        """All names stand for what they did before the last cell."""
        self.namespace.clear()
        self.namespace |= self.before

    def run_given(self, cell: Cell, limits: Limits) -> None:
        """Runs an instructor's cell that is no test, unless it uses an answer and may be changed by
        the student."""
        theirs = self.reads.needs(cell.source) & self.answers
        used = sorted(theirs & names_in(cell.source)[0])
        why, ours = f"it uses {', '.join(used)}, and is not read-only", True
        run = cell.role == "locked" or not used
        try:
            if run:
                self.kernel.allow(limits.cell)
                with (time_limit(limits.cell), contextlib.redirect_stdout(io.StringIO()),
                      contextlib.redirect_stderr(io.StringIO())):
                    self.run(cell.source, "given")
                return
        except NotRun as error:
            why, ours = error.why, error.ours
        except BaseException as error:
            if isinstance(error, TookTooLong):
                self.kernel.stop()
            why, ours = without_paths(f"{type(error).__name__}: {error}")[:500], not theirs
        if run:
            self.undo()
        self.lost |= dict.fromkeys(names_in(cell.source)[1], (why, ours))

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


def credit(value, most: float) -> float | None:
    """What a test shows last as points; NaN is worth nothing. None, where it shows nothing, or
    whether something is true. Errors: TypeError and others, where it shows anything else."""
    value = value.item() if isinstance(value, torch.Tensor | np.ndarray | np.generic) else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(min(value, most)) if value > 0 else 0.0
    if not isinstance(value, bool | None):
        raise TypeError(f"a number was to come out here, not {type(value).__name__}")


def verdict(instructor: Instructor, cell: Cell, limits: Limits,
            known: Misconceptions) -> list[dict]:
    """The outputs of a test cell: an error, or what it displays as partial credit, and what was
    printed."""
    kernel, outputs, printed = instructor.kernel, [], io.StringIO()
    kernel.calls = 0
    kernel.allow(limits.cell)
    try:
        with (time_limit(limits.cell + 5), contextlib.redirect_stdout(printed),
              contextlib.redirect_stderr(io.StringIO())):
            points = credit(instructor.run(cell.source, "test"), cell.points)
    except BaseException as error:
        if isinstance(error, TookTooLong):
            kernel.stop()                       # it may have been cut off in the middle of a frame
        if isinstance(error, NotRun) and error.ours:
            error.args = (f"{cell.grade_id}: {error}",)
            raise
        hint = known.name(cell, instructor.fetched) if isinstance(error, Exception) else ""
        instructor.undo()
        gone = names_in(cell.source)[1] - instructor.namespace.keys()
        instructor.lost |= dict.fromkeys(gone, (f"{cell.grade_id} failed", False))
        outputs.append(failure(error, cell, limits, hint))
    else:
        if points is not None:
            outputs.append({"output_type": "execute_result", "data": {"text/plain": repr(points)},
                            "metadata": {}, "execution_count": None})
    text = printed.getvalue()[:MAX_PRINTED]
    text += "".join(x.printed for x in instructor.fetched.values() if isinstance(x, Answer))
    if text:
        outputs.insert(0, {"output_type": "stream", "name": "stdout", "text": text[:MAX_PRINTED]})
    return outputs


def run_notebook(cells: list[Cell], kernel: RemoteKernel, limits: Limits,
                 known_answers: str) -> list[list[dict]]:
    """Runs all cells in order; the outputs of each. known_answers: a folder, or "".
    Errors: NotRun, where the course itself is at fault."""
    instructor = Instructor(kernel, {name for cell in cells for name in cell.names})
    results, room, skipped = [], 4 * MAX_SHOWN, []
    known = Misconceptions(known_answers, instructor)
    for cell in cells:
        if cell.role in ("test", "picture"):
            test = cell.role == "test"
            results.append(verdict(instructor, cell, limits, known) if test else [])
            skipped.append((names_in(visible(cell))[1], visible(cell)))
            continue
        catch_up(kernel, cell.source, skipped)
        kernel.allow(limits.cell)
        try:
            outputs = flat(kernel.run(cell.source)) if cell.source.strip() else []
            size = weight(json.dumps(outputs).encode())
            room -= size
            if size >= MAX_SHOWN or room <= 0:
                outputs = [{"output_type": "stream", "text": "… too much output …"}]
        except KernelDied as error:
            outputs = [{"output_type": "error", "ename": "KernelDied", "evalue": str(error),
                        "traceback": [f"The cell did not finish: {error}"]}]
        results.append(outputs)
        if cell.role in ("locked", "given"):
            instructor.run_given(cell, limits)
    return results


def prepare(orders: Orders, servers: list[socket.socket]):
    """What the server of checkers runs in each fork: it reads a notebook's cells from a socket, and
    writes the outputs back, or why there are none. A process of its own does it, and the first one
    waits for it: it says how the other ended, should that have said nothing.

    The modules of checks are imported before, and their function `warm` called, where there is one.
    """
    limits, libc = orders.limits, ctypes.CDLL(None)
    patience = int(limits.total + limits.cell) + 60
    for name in orders.checks:
        getattr(importlib.import_module(name), "warm", lambda: None)()

    def run(request: dict, fds: list[int]) -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)       # end with the server
        channel = Channel(fds[0], fds[0])
        if checker := os.fork():
            with contextlib.suppress(EOFError, TimeoutError):       # nobody waits for it any more
                channel.send({"failed": end_of(checker, patience)}, (), time.monotonic() + 5)
            return
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        memory = address_space() + 2 * limits.memory    # answers may be large, and fill the checker
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (patience, patience + 10))
        work, _ = channel.receive()
        cells = [Cell(*cell) for cell in work["cells"]]
        kernel = RemoteKernel(servers[0] if servers else None, orders.command, limits,
                              orders.group)
        try:
            found = run_notebook(cells, kernel, limits, work["known_answers"])
            reply = {"failed": kernel.fault} if kernel.fault else {"outputs": found}
        except NotRun as error:
            reply = {"failed": str(error)}
        except BaseException as error:
            reply = {"failed": kernel.fault or f"{type(error).__name__}: {error}"}
        finally:
            kernel.stop()
        channel.send(reply)
    return run
