"""Grades notebooks: starts the two servers of warm processes, and hands each notebook to a fresh
checker."""
import atexit
import os
import shlex
import shutil
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from course_lib.grading import forkserver
from course_lib.grading.cells import Cell
from course_lib.grading.channel import Channel
from course_lib.grading.sandbox import (
    Limits,
    Orders,
    bubblewrap,
    bubblewrap_command,
    toolbox_without,
)

GRACE = 120                             # seconds that a checker has beyond those of its submission


class Settings(NamedTuple):
    """What an Engine is told of an exercise. Plain data: it goes to workers of a cluster too."""

    limits: Limits = Limits()
    sandbox: str = "bubblewrap"         # or "none", or what starts a kernel on its stdin and stdout
    asks_for: tuple[str, ...] = ()      # modules that are not there while answers run
    files: str = ""                     # a folder; its files, notebooks aside, lie where cells run
    known_answers: str = ""             # a folder
    checks: tuple[str, ...] = ()        # modules that tests import, which checkers have at hand


class Engine:
    """Grades notebooks of one exercise, from several threads at once. A context: it ends with all
    that it started. Errors: NoSandbox where "bubblewrap" is asked for and does not run."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.home = _home()
        self.servers, sockets = [], []
        if settings.sandbox == "bubblewrap":
            files, copy = settings.files, self.home / "files"
            if files:
                shutil.copytree(files, copy, ignore=shutil.ignore_patterns("*.ipynb"))
            toolbox = toolbox_without(settings.asks_for, self.home / "toolbox")
            command = bubblewrap_command(bubblewrap(), toolbox, copy if files else None,
                                         settings.limits)
        elif settings.sandbox == "none":
            command = [sys.executable, "-m", "course_lib.grading.kernel"]
        else:
            command = shlex.split(settings.sandbox)
        orders = Orders(settings.asks_for, settings.limits, command, settings.checks)
        if settings.sandbox == "bubblewrap":
            self.servers.append(forkserver.start("kernel", orders, str(self.home)))
            sockets = [self.servers[0][1]]
        self.servers.append(forkserver.start("checker", orders, str(self.home), *sockets))
        for server, requests in self.servers:
            if requests.recv(16) != b"ready":
                self.close()
                raise RuntimeError("a grading process ended before it was ready "
                                   f"(exit code {server.wait()})")

    def grade(self, cells: list[Cell]) -> list[list[dict]]:
        """The outputs of each cell of a notebook that ran in order. Errors: RuntimeError where the
        checker itself ended, which is no fault of the student's."""
        mine, its = socket.socketpair()
        with mine:
            socket.send_fds(self.servers[-1][1], [b"{}"], [its.fileno()])
            its.close()
            channel = Channel(mine.fileno(), mine.fileno())
            deadline = time.monotonic() + self.settings.limits.total + GRACE
            work = {"cells": cells, "known_answers": self.settings.known_answers}
            try:
                channel.send(work, deadline=deadline)
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


def _home() -> Path:
    """A new folder that names this process; those of runs that were killed go."""
    for left in Path(tempfile.gettempdir()).glob("grading-*"):
        pid = left.name.split("-")[1]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"grading-{os.getpid()}-"))


_engines: dict[Settings, tuple[Engine, threading.Timer]] = {}
_lock = threading.Lock()


def warm_engine(settings: Settings) -> Engine:
    """The engine with these settings that graded the notebook before, or a new one; it ends two
    minutes after the longest that its last notebook can take."""
    with _lock:
        engine, timer = _engines.get(settings) or (Engine(settings), None)
        if timer:
            timer.cancel()
        timer = threading.Timer(settings.limits.total + GRACE, _close, [settings])
        timer.daemon = True
        timer.start()
        _engines[settings] = engine, timer
    return engine


def _close(settings: Settings) -> None:
    with _lock:
        if settings in _engines:
            _engines.pop(settings)[0].close()


@atexit.register
def _close_all() -> None:
    for settings in list(_engines):
        _close(settings)
