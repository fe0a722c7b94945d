"""The grader's two servers without the seconds that each takes to import torch. Where this is
imported, they are forked from a process that has; tests/test_attacks.py, test_engine.py and others
start them as the grader does."""
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys

from course_lib.grading import forkserver

SLOW = ("torch._dynamo", "torch.optim", "ipywidgets", "matplotlib.pyplot", "IPython")


class Forked:
    """A server that is not this process's child: as much of a Popen as an Engine uses."""

    def __init__(self, pidfd: int):
        self.pidfd = pidfd

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> str:
        if not select.select([self.pidfd], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("server", timeout)
        return "unknown"


def start(what: str, orders, home: str, *sockets: socket.socket, keep: tuple[int, ...] = ()):
    """What forkserver.start does, in the account that asks."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reply, answer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mine.send(json.dumps(orders).encode())
    env = forkserver.ENVIRONMENT | {"HOME": home, "TMPDIR": home}
    request = [what, 1 + len(sockets), env, os.getuid(), orders.checks]
    fds = [answer.fileno(), 2, its.fileno(), *(s.fileno() for s in sockets), *keep]
    with its, reply, answer:
        socket.send_fds(warm[what], [json.dumps(request).encode()], fds)
        _, (pidfd,), _, _ = socket.recv_fds(reply, 1, 1)
    return Forked(pidfd), mine


def serve(requests: socket.socket) -> None:
    """Forks a server for each request. What a checker needs for its tests is made ready before, and
    so once for all; no kernel has it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, fds, _, _ = socket.recv_fds(requests, 1 << 16, 8)
        if not message:
            return
        answer, *fds = fds
        what, n, env, uid, checks = json.loads(message)
        for name in checks if what == "checker" else ():
            getattr(importlib.import_module(name), "warm", lambda: None)()
        if (child := os.fork()) == 0:
            os.close(answer)
            requests.close()
            return become(what, n, env, uid, *fds)
        with socket.socket(fileno=answer) as reply:
            socket.send_fds(reply, [b"!"], [pidfd := os.pidfd_open(child)])
        for fd in (pidfd, *fds):
            os.close(fd)


def become(what: str, n: int, env: dict, uid: int, said: int, *fds: int) -> None:
    os.dup2(said, 2)
    if uid != os.getuid():
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    os.environ.clear()
    os.environ.update(env)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    forkserver.main(what, *map(str, fds[:n]))


def main(*fds: str) -> None:
    for name in SLOW:
        importlib.import_module(name)
    sys.modules["torch"].set_num_threads(1)
    assert len(os.listdir("/proc/self/task")) == 1, "what has threads must not fork"
    sys.path[0] = "/"
    gc.freeze()
    kernels, checkers = (socket.socket(fileno=int(fd)) for fd in fds)
    mine, other = (kernels, checkers) if os.fork() else (checkers, kernels)
    other.close()
    serve(mine)


if __name__ == "__main__":
    main(*sys.argv[1:])
elif sys.platform == "linux":
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)]
    fds = [its.fileno() for _, its in pairs]
    subprocess.Popen([sys.executable, __file__, *map(str, fds)], cwd="/", pass_fds=fds,
                     env=os.environ | forkserver.ENVIRONMENT, stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL)
    warm = dict(zip(("kernel", "checker"), (mine for mine, _ in pairs)))
    for _, its in pairs:
        its.close()
    forkserver.start = start
