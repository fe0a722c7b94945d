"""Grades notebooks: starts the two servers of warm processes, and hands each notebook to a fresh checker."""
import os
import shlex
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

import psutil

from course_lib.grading import forkserver
from course_lib.grading.channel import Channel
from course_lib.grading.sandbox import Limits, bubblewrap, command, toolbox_without


class Engine:
    """Grades notebooks of one exercise, from several threads at once. A context: it ends with all that it started.

    hidden: modules that the exercise asks for, which are not there while its answers run. files: a folder whose files,
    notebooks aside, lie in the working folder, or "". answers: the folder of known wrong answers, or "". sandbox:
    "bubblewrap", a command line that starts the kernel on its stdin and stdout, or "none". checks: modules that the tests
    import, which checkers then have at hand.
    Errors: NoSandbox where "bubblewrap" is asked for and does not run.
    """

    def __init__(self, hidden: tuple[str, ...], files: str, answers: str, limits: Limits, sandbox: str = "bubblewrap",
                 checks: tuple[str, ...] = ()):
        self.limits, self.answers = limits, answers
        for left in Path(tempfile.gettempdir()).glob("grading-*"):
            if left.name.split("-")[1].isdigit() and not psutil.pid_exists(int(left.name.split("-")[1])):
                shutil.rmtree(left, ignore_errors=True)     # of a run that was killed
        self.home = Path(tempfile.mkdtemp(prefix=f"grading-{os.getpid()}-"))
        self.servers, sockets = [], []
        settings = {"hidden": hidden, "limits": limits._asdict(), "checks": checks}
        if sandbox == "bubblewrap":
            mine = shutil.copytree(files, self.home / "files", ignore=shutil.ignore_patterns("*.ipynb")) if files else None
            settings["command"] = command(bubblewrap(), toolbox_without(hidden, self.home / "toolbox"), mine, limits)
            self.servers.append(forkserver.start("kernel", settings, str(self.home)))
            sockets = [self.servers[0][1]]
        elif sandbox == "none":
            settings["command"] = [sys.executable, "-m", "course_lib.grading.kernel"]
        else:
            settings["command"] = shlex.split(sandbox)
        self.servers.append(forkserver.start("checker", settings, str(self.home), *sockets))
        for server, requests in self.servers:
            if requests.recv(16) != b"ready":
                self.close()
                raise RuntimeError(f"a grading process ended before it was ready (exit code {server.wait()})")

    def grade(self, cells: list[dict]) -> list[list[dict]]:
        """The outputs of each cell, {"role", "source", "grade_id", "points"}, of a notebook that ran in order.
        Errors: RuntimeError where the checker itself ended, which is no fault of the student's."""
        mine, its = socket.socketpair()
        with mine:
            socket.send_fds(self.servers[-1][1], [b"{}"], [its.fileno()])
            its.close()
            channel = Channel(mine.fileno(), mine.fileno())
            deadline = time.monotonic() + self.limits.total + 120
            try:
                channel.send({"cells": cells, "answers": self.answers}, deadline=deadline)
                reply, _ = channel.receive(deadline)
            except (EOFError, TimeoutError):
                raise RuntimeError("the checker ended before it gave a grade") from None
        return reply["outputs"]

    def close(self) -> None:
        for server, requests in self.servers:
            requests.close()
            server.terminate()
        for server, _ in self.servers:
            server.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_) -> None:
        self.close()
