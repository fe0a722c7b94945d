"""Grades notebooks: starts the two servers of warm processes, and hands each notebook to a fresh
checker."""
import atexit
import contextlib
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from typing import NamedTuple

from course_lib.grading import forkserver, home
from course_lib.grading.cells import Cell
from course_lib.grading.channel import CannotCross, Channel, Violation
from course_lib.grading.machine import bubblewrap, control_groups, readable
from course_lib.grading.orders import Limits, Orders
from course_lib.grading.sandbox import bubblewrap_command, toolbox_without

GRACE = 120     # seconds that a checker has beyond those of its submission and of a cell


Server = tuple[subprocess.Popen, socket.socket]


class Settings(NamedTuple):
    """What an Engine is told of an exercise. Plain data: it goes to workers of a cluster too."""

    limits: Limits = Limits()
    sandbox: str = "bubblewrap"         # or "none", or what starts a kernel on its stdin and stdout
    asks_for: tuple[str, ...] = ()      # modules that are not there while answers run
    files: str = ""                     # a folder; its files, notebooks aside, lie where cells run
    known_answers: str = ""             # a folder
    checks: tuple[str, ...] = ()        # modules that tests import, which checkers have at hand
    course: str = ""                    # a folder that no student's code sees


class Engine:
    """Grades notebooks of one exercise, from several threads at once. A context: it ends with all
    that it started. Errors: NoSandbox where "bubblewrap" is asked for and does not run;
    RuntimeError where a server ends before it is ready."""

    def __init__(self, settings: Settings):
        self.settings, self.servers, self.lock = settings, [], threading.Lock()
        self.home, self.mark = home.make()
        with contextlib.ExitStack() as failed:
            failed.callback(self.close)
            self.orders = Orders(settings.asks_for, settings.limits, self._command(),
                                 settings.checks, control_groups())
            self.servers = self._start()
            failed.pop_all()

    def _command(self) -> list[str]:
        settings = self.settings
        if settings.sandbox == "none":
            return [sys.executable, "-m", "course_lib.grading.kernel"]
        if settings.sandbox != "bubblewrap":
            return shlex.split(settings.sandbox)
        files, copy = settings.files, self.home / "files"
        if files:
            readable(shutil.copytree(files, copy, ignore=shutil.ignore_patterns("*.ipynb")))
        toolbox = toolbox_without(settings.asks_for, self.home / "toolbox")
        return bubblewrap_command(bubblewrap(), readable(toolbox), copy if files else None,
                                  settings.limits, settings.course)

    def _start(self) -> list[Server]:
        """The servers of kernels, where there are sandboxes, and of checkers."""
        servers, place = [], str(self.home)
        with contextlib.ExitStack() as failed:
            failed.callback(_stop, servers)
            if self.settings.sandbox == "bubblewrap":
                servers.append(forkserver.start("kernel", self.orders, place))
            servers.append(forkserver.start("checker", self.orders, place,
                                            *(requests for _, requests in servers),
                                            keep=(self.mark,)))
            for server, requests in servers:
                if requests.recv(16) != b"ready":
                    raise RuntimeError("a grading process ended before it was ready "
                                       f"(exit code {server.wait()})")
            failed.pop_all()
        return servers

    def grade(self, cells: list[Cell]) -> list[list[dict]]:
        """The outputs of each cell of a notebook that ran in order; its files have none. Where a
        server ended meanwhile, others take its place, and the notebook is graded once more. Errors:
        RuntimeError where it has no grade, which is no fault of the student's; the message is why.
        """
        servers = self.servers
        try:
            return self._grade(servers, cells)
        except RuntimeError:
            if not any(map(_has_ended, servers)):
                raise
        with self.lock:
            if self.servers is servers and servers:
                _stop(servers)
                self.servers = self._start()
        return self._grade(self.servers, cells)

    def _grade(self, servers: list[Server], cells: list[Cell]) -> list[list[dict]]:
        if not servers:
            raise RuntimeError("grading was ended")
        mine, its = socket.socketpair()
        limits = self.settings.limits
        with mine:
            deadline = time.monotonic() + limits.total + limits.cell + GRACE
            work = {"cells": cells, "known_answers": self.settings.known_answers}
            channel = Channel(mine.fileno(), mine.fileno())
            try:
                with its:
                    socket.send_fds(servers[-1][1], [b"{}"], [its.fileno()])
                channel.send(work, deadline=deadline)
                reply, _ = channel.receive(deadline)
            except (OSError, EOFError):
                raise RuntimeError("its checker ended before it gave a grade") from None
            except (CannotCross, Violation) as error:
                raise RuntimeError(str(error)) from None
        if "outputs" not in reply:
            raise RuntimeError(" ".join(reply["failed"].split())[:500].rstrip(": "))
        pairs = zip(cells, reply["outputs"], strict=True)
        return [outputs for cell, outputs in pairs if cell.role != "files"]

    def close(self) -> None:
        with self.lock:
            _stop(self.servers)
            self.servers = []
            home.remove(self.home, held=True)
            if self.mark is not None:
                os.close(self.mark)
            self.mark = None

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def timed(engine: Engine, cells: list[Cell]) -> dict:
    """{"outputs", "seconds"}: what the engine gives, and the time that it took, with its wait for a
    core."""
    start = time.monotonic()
    return {"outputs": engine.grade(cells), "seconds": round(time.monotonic() - start, 2)}


def _stop(servers: list[Server]) -> None:
    for server, requests in servers:
        requests.close()
        server.kill()
    for server, _ in servers:
        server.wait()


def _has_ended(server: Server) -> bool:
    """Also where it is about to."""
    try:
        server[0].wait(0.25)
    except subprocess.TimeoutExpired:
        return False
    return True


_engines: dict[Settings, tuple[Engine, threading.Timer]] = {}
_lock = threading.Lock()


def warm_engine(settings: Settings) -> Engine:
    """The engine with these settings that graded the notebook before, or a new one; it ends after
    the longest that its last notebook can take."""
    with _lock:
        engine, timer = _engines.get(settings) or (Engine(settings), None)
        if timer:
            timer.cancel()
        patience = settings.limits.total + settings.limits.cell + 2 * GRACE
        timer = threading.Timer(patience, _close, [settings])
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
