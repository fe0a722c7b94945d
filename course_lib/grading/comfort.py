"""What a student reads of a test that failed, what is shown, how a checker ended, and cells of
students' that stand on a test's names: no grade depends on it."""
import contextlib
import os
import re
import signal
import traceback

from course_lib.grading.cells import Cell, names_in
from course_lib.grading.channel import Violation
from course_lib.grading.orders import Limits
from course_lib.grading.remote import AnswerError, KernelDied, RemoteKernel


class TookTooLong(BaseException):
    """A cell used up its time."""


def failure(error: BaseException, cell: Cell, limits: Limits, hint: str) -> dict:
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


def flat(outputs: list[dict]) -> list[dict]:
    """A cell's outputs, or none where they are nested deeper than outputs are: others could not
    read them."""
    return outputs if _is_flat(outputs, 6) else []


def _is_flat(x, depth: int) -> bool:
    items = x.values() if isinstance(x, dict) else x if isinstance(x, list) else ()
    return depth > 0 and all(_is_flat(item, depth - 1) for item in items)


def end_of(pid: int, seconds: int) -> str:
    """Waits for a process, and ends it after that time. Returns how it ended."""
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(seconds)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    how = signal.strsignal(-code) if code < 0 else f"exit code {code}"
    return f"its checker ended ({how})"


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
        missing = kernel.ask({"do": "missing", "names": sorted(needed)}, [])[0].get("result")
        missing = missing if isinstance(missing, list) else []
        for bound, text in [it for it in skipped if any(name in missing for name in it[0])]:
            skipped.remove((bound, text))
            kernel.run(text)
