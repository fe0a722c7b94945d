"""Two servers of warm processes, from which every kernel and every checker is forked: they import
torch and the toolbox once.

The server of kernels holds nothing that a student may not see: it starts with an empty environment
and imports the toolbox alone. Before a fork there must be no thread and no backward pass, which
torch does not survive.
"""
import contextlib
import gc
import importlib
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from course_lib.grading import linux
from course_lib.grading.home import remove
from course_lib.grading.orders import Limits, Orders
from course_lib.grading.sandbox import (
    FIRST_ID,
    SCRATCH,
    TOOLBOX,
    confine,
    join,
    leave_keyring,
    watch,
)

PRELOADED = ("course_lib.nets", "course_lib.core", "course_lib.data", "course_lib.evaluate",
             "course_lib.show", "course_lib.checks", "course_lib.proofs", "torch._dynamo",
             "torch.optim", "ipywidgets")
THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
ENVIRONMENT = THREADS | {"PYTHONPATH": str(TOOLBOX.parent), "PATH": "/usr/local/bin:/usr/bin:/bin",
                         "USER": "student", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
INSIDE = {"HOME": SCRATCH, "TMPDIR": f"{SCRATCH}/work", "IPYTHONDIR": f"{SCRATCH}/.ipython",
          "MPLCONFIGDIR": f"{SCRATCH}/.mpl", "NBGRADER_EXECUTION": "autograde"}


def start(what: str, orders: Orders, home: str, *sockets: socket.socket,
          keep: tuple[int, ...] = ()) -> tuple[subprocess.Popen, socket.socket]:
    """A server of "kernel" or "checker" processes, and the socket that takes requests, JSON with
    file descriptors, once the server has said there that it is ready. keep: descriptors that it
    holds as long as it lives."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    fds = [its.fileno(), *(s.fileno() for s in sockets)]
    mine.send(json.dumps(orders).encode())      # the student's kernel could read a command line
    server = subprocess.Popen(
        [sys.executable, "-m", "course_lib.grading.forkserver", what, *map(str, fds)],
        pass_fds=[*fds, *keep], env=ENVIRONMENT | {"HOME": home, "TMPDIR": home}, cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    its.close()
    return server, mine


def serve(requests: socket.socket, run) -> None:
    """Forks a process for each request, until nobody is left to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    requests.send(b"ready")
    while True:
        message, fds, _, _ = socket.recv_fds(requests, 1 << 16, 4)
        if not message:
            return
        child = -1
        with contextlib.suppress(OSError):      # no room for it now: whoever asked is hung up on
            child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                run(json.loads(message), fds)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        for fd in fds:
            os.close(fd)


def run_kernel(shell):
    from course_lib.grading import kernel

    def run(request: dict, fds: list[int]) -> None:
        talk, told, monitor = fds
        limits, pid = Limits(*request["limits"]), request["pid"]
        likely = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(likely, b"1000")                   # what is in the sandbox is ended first
        if child := join(pid):
            os.write(likely, b"0")
            os.close(talk)
            with socket.socket(fileno=os.dup(told)) as checker:
                socket.send_fds(checker, [str(child).encode()], [os.pidfd_open(child)])
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            return watch(limits, monitor, told)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1)
        os.dup2(0, 2)
        os.dup2(talk, 3)
        os.closerange(4, 1 << 16)
        os.environ |= INSIDE
        tempfile.tempdir = None
        confine(limits, FIRST_ID + pid)
        kernel.main(3, 3, shell)
    return run


def main(what: str, *fds: str) -> None:
    import torch
    requests, *others = (socket.socket(fileno=int(fd)) for fd in fds)
    orders = Orders(*json.loads(requests.recv(1 << 16)))
    orders = orders._replace(limits=Limits(*orders.limits))
    torch.set_num_threads(1)
    if platform.machine() in linux.MACHINES:
        leave_keyring()     # nothing in a sandbox holds the instructor's
    for name in PRELOADED:
        if not any(f"{name}.".startswith(f"{absent}.") for absent in orders.asks_for):
            importlib.import_module(name)
    if what == "kernel":
        from course_lib.grading import kernel
        shell = kernel.make_shell()
        kernel.warm_figure()
        run = run_kernel(shell)
    else:
        from course_lib.grading import checker
        run = checker.prepare(orders, others)
    serve(requests, run)
    if what == "checker":                       # whoever asked is gone
        remove(Path(os.environ["HOME"]), held=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
