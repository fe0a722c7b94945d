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
import json
import mmap
import os
import platform
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import course_lib
from course_lib.grading import cgroup, linux
from course_lib.grading.orders import Limits, NoSandbox

TOOLBOX = Path(course_lib.__file__).parent
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache",
          "/etc/fonts", "/etc/localtime", "/nix/store", "/gnu/store")
SCRATCH, SHARED = "/scratch", 16 << 20          # a folder; bytes of memory that processes share
MAX_LOCKS = MAX_SOCKETS = 1000  # of 200 and of 212,992 bytes, which no other limit counts
# A quick look at what processes hold, then their shares of what they wrote (before Linux 6.0, of
# all), twice, as a process that is just being born seems to hold all that its parent does.
SIZES = (("status", "VmRSS", "VmSwap"), *2 * [("smaps_rollup", "Pss_Dirty", "Swap", "Pss")])
MOUNTS = ((SCRATCH.encode(), linux.MS_NODEV, b"nr_inodes=20000"),
          (b"/tmp", linux.MS_NODEV, b"nr_inodes=20000"),
          (b"/dev/shm", linux.MS_NODEV, b"nr_inodes=1000"),
          (b"/dev/pts", linux.MS_NOEXEC, b"ptmxmode=666,mode=620,max=8"),
          # else an ordinary user's student writes into the memory of bubblewrap's processes
          (b"/proc", linux.MS_BIND | linux.MS_RDONLY | linux.MS_NODEV | linux.MS_NOEXEC, None))
PARTS = ("bin", "lib", "lib32", "lib64", "include", "share", "etc", "pyvenv.cfg")
SWARM = 8                   # a submission with more threads gets one core for all of them
NAMESPACES = ("user", "ipc", "uts", "net", "cgroup", "mnt", "pid")
FIRST_ID = 0x70000000       # of those that submissions get from root; no other program takes them


def is_root() -> bool:
    """Whether this process may do all that root may, and not in a user namespace only."""
    status = Path("/proc/self/status").read_text()
    return (os.geteuid() == 0 and "4294967295" in Path("/proc/self/uid_map").read_text()
            and bool(int(re.search(r"CapEff:\s*(\w+)", status)[1], 16) & linux.CAP_SYS_ADMIN))


def namespaces() -> list[str]:
    """bubblewrap's options. As root there is no user namespace, in which a student's process would
    be root outside: it gets an id of its own."""
    ours = ("--unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup "
            "--hostname sandbox --die-with-parent --new-session --clearenv").split()
    users = "--unshare-user --disable-userns --uid 1000 --gid 1000".split()
    return [*ours, *(["--cap-drop", "ALL"] if is_root() else users)]


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


def bubblewrap_command(bwrap: str, toolbox: Path, files: Path | None, limits: Limits,
                       course: str = "") -> list[str]:
    """The command line of a sandbox that says that it stands, and stands until its stdin closes.
    Of the system and of Python it shows all but the course and the folder that course_lib lies in,
    where these lie below; of a Python whose own folder that is, what Python needs."""
    secret = {os.path.realpath(path) for path in (course, TOOLBOX.parent)
              if path and os.path.basename(path) not in ("site-packages", "dist-packages")}
    mounts, covers, seen = [], [], {}

    def is_seen(path: Path) -> bool:
        return next((seen[place] for place in (path, *path.parents) if place in seen), False)

    def open_to_all(path: Path) -> list[str]:       # folders that bubblewrap would make for root
        folders = [str(folder) for folder in reversed(path.parents) if not is_seen(folder)]
        return [word for folder in folders for word in ("--perms", "755", "--dir", folder)]

    def show(source: Path, path: Path) -> None:
        mounts.extend(["--ro-bind", str(source), str(path)])
        seen[path], real = True, os.path.realpath(source)
        for place in sorted(secret - {real}):
            if Path(place).is_relative_to(real):
                cover = path / Path(place).relative_to(real)
                mounts.extend(["--tmpfs", str(cover)])
                covers.extend(["--remount-ro", str(cover)])
                seen[cover] = False

    python = {Path(path) for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)
              for path in (prefix, os.path.realpath(prefix))}
    for path in sorted({*map(Path, SYSTEM), *python}, key=lambda path: (len(path.parts), path)):
        if is_seen(path) or not path.exists():
            continue
        mounts += open_to_all(path)
        if path.is_symlink():
            mounts += ["--symlink", os.readlink(path), str(path)]
        elif os.path.realpath(path) in secret:
            for part in filter(Path.exists, map(path.joinpath, PARTS)):
                mounts += open_to_all(part)
                show(part, part)
        else:
            show(path, path)
    mounts += open_to_all(TOOLBOX)
    show(toolbox, TOOLBOX)
    work = ["--perms", "777", "--dir", f"{SCRATCH}/work"]
    for path in sorted(files.iterdir()) if files else ():
        work += ["--ro-bind", str(path), f"{SCRATCH}/work/{path.name}"]

    def in_memory(place: str, size: int) -> list[str]:
        return ["--perms", "777", "--size", str(size), "--tmpfs", place]

    return [bwrap, *namespaces(), "--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys",
            "--dev", "/dev", "--dev-bind", "/dev/null", "/dev/zero",
            *in_memory("/dev/shm", SHARED), *in_memory("/tmp", limits.scratch), *mounts,
            *in_memory(SCRATCH, limits.scratch), *work,
            *covers, "--remount-ro", "/dev", "--remount-ro", "/",
            "--", "/bin/sh", "-c", "echo; exec cat >/dev/null"]


class Sandbox:
    """A running sandbox with a kernel in it, which `server` forks and which serves at `end`."""

    def __init__(self, command: list[str], limits: Limits, group: str,
                 server: socket.socket, end: socket.socket):
        info, its_info = os.pipe()
        command = [command[0], "--info-fd", str(its_info), *command[1:]]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, pass_fds=[its_info])
        os.close(its_info)
        stands = self.process.stdout.read(1)
        with open(info) as file:
            said = file.read()
        if not stands:
            why = self.process.stderr.read().decode(errors="replace").strip()
            raise NoSandbox(why)
        self.watch, its = socket.socketpair()
        monitor = os.pidfd_open(self.process.pid)
        request = json.dumps({"pid": json.loads(said)["child-pid"], "limits": limits}).encode()
        socket.send_fds(server, [request], [end.fileno(), its.fileno(), monitor])
        its.close()
        os.close(monitor)
        self.watch.settimeout(60)
        pid, fds, _, _ = socket.recv_fds(self.watch, 32, 1)
        if not pid:
            raise NoSandbox("a kernel could not enter its sandbox")
        self.kernel, self.memory = fds[0], f"more than {limits.memory >> 20} MB of memory"
        files = 2 * limits.scratch + SHARED
        self.group = cgroup.make(group, limits.memory + files, limits.processes, int(pid))

    def interrupt(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.kernel, signal.SIGINT)

    def close(self) -> str:
        """Ends all its processes. Returns what it was ended for before, or ""."""
        self.process.kill()             # its --die-with-parent takes the whole namespace with it
        why = b""
        with contextlib.suppress(OSError):
            while said := self.watch.recv(100):         # the watch ends too, and says why
                why += said
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr, self.watch):
            pipe.close()
        os.close(self.kernel)
        self.process.wait()
        if self.group:
            why = why or (self.memory.encode() if cgroup.ran_out(self.group) else b"")
            cgroup.remove(self.group)
        return why.decode()


def join(pid: int) -> int:
    """Called in a fresh process of one thread: joins the namespaces of process `pid`, and forks,
    for a process's own process namespace takes effect in its children. Returns 0 in the child, the
    child's pid outside in the parent."""
    libc = ctypes.CDLL(None, use_errno=True)
    inner, *others = (os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in NAMESPACES)
    # bubblewrap's own user namespace first: `inner` cannot make more of them
    users = [] if is_root() else [fcntl.ioctl(others[0], linux.NS_GET_USERNS)]
    for fd in (*users, *others):
        if libc.setns(fd, 0):
            raise OSError(ctypes.get_errno(), "setns")
    for place, flags, options in MOUNTS:
        if libc.mount(None, place, None, linux.MS_REMOUNT | linux.MS_NOSUID | flags, options):
            raise OSError(ctypes.get_errno(), f"limits of {place.decode()}")
    if users and libc.setns(inner, 0):
        raise OSError(ctypes.get_errno(), "setns")
    return os.fork()


def watch(limits: Limits, monitor: int, told: int) -> None:
    """Called in the parent that `join` leaves behind, outside the submission's process namespace
    and with its /proc: looks at its processes until `monitor`, bubblewrap's process, ends, or ends
    it, and says at `told` why."""
    why = ""
    try:
        while not why and not select.select([monitor], [], [], 0.1)[0]:
            why = _look(limits)
        with contextlib.suppress(OSError):              # nobody may be left to hear it
            os.write(told, why.encode())
    finally:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(monitor, signal.SIGKILL)


def _look(limits: Limits) -> str:
    """What it has too much of, of what the kernel does not limit; or ""."""
    pids = [pid for pid in os.listdir("/proc") if pid.isdigit() and pid != "1"]
    with contextlib.suppress(OSError):
        tasks = [int(task) for pid in pids for task in os.listdir(f"/proc/{pid}/task")]
        if len(tasks) > SWARM and os.fork() == 0:       # inside, where the processes have these ids
            for task in tasks:                          # they must not slow the others down
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(task, {max(os.sched_getaffinity(0))})
            os._exit(0)
    for file, most, what in (("locks", MAX_LOCKS, "locks of files"),
                             ("1/net/unix", MAX_SOCKETS, "sockets")):
        if len(_lines(file)) > most:
            return f"more than {most} {what}"
    try:
        if all(sum(_weigh(pid, *sizes) for pid in pids) > limits.memory for sizes in SIZES):
            return f"more than {limits.memory >> 20} MB of memory"
    except PermissionError:
        return "processes that hide from it"
    return ""


def _lines(file: str) -> list[str]:
    """Of a file in /proc; none where the process has just ended. Errors: PermissionError."""
    try:
        return Path("/proc", file).read_text(errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _weigh(pid: str, file: str, *names: str) -> int:
    """Bytes: the sum of the first two of these sizes that the process's file has; where its first
    thread has ended, that of another."""
    for task in (pid, *_tasks(pid)):
        sizes = dict(line.split(":", 1) for line in _lines(f"{task}/{file}")[1:])
        if found := [sizes[name] for name in names if name in sizes][:2]:
            return sum(int(size.split()[0]) << 10 for size in found)
    return 0


def _tasks(pid: str) -> Iterator[str]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in os.listdir(f"/proc/{pid}/task"):
            yield f"{pid}/task/{task}"


def address_space() -> int:
    """Bytes of this process's address space."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def leave_keyring() -> None:
    """Leaves the keyring of the instructor's session for an empty one."""
    call = linux.CALLS["keyctl"][linux.MACHINES.index(platform.machine())]
    ctypes.CDLL(None).syscall(call, linux.KEYCTL_JOIN_SESSION_KEYRING, None)


def confine(limits: Limits, user: int) -> None:
    """Gives up all privileges for good, as root also its name, and sets the limits of this process.
    user: an id that no other submission has."""
    libc = ctypes.CDLL(None, use_errno=True)
    os.setsid()
    for capability in range(64):
        libc.prctl(linux.PR_CAPBSET_DROP, capability, 0, 0, 0)
    if is_root():
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
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
                       (resource.RLIMIT_FSIZE, limits.scratch), (resource.RLIMIT_MSGQUEUE, 0),
                       (resource.RLIMIT_SIGPENDING, 256), (resource.RLIMIT_MEMLOCK, 0),
                       (resource.RLIMIT_RTPRIO, 0), (resource.RLIMIT_NICE, 0)):
        resource.setrlimit(what, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    os.chdir(f"{SCRATCH}/work")
    filter_calls(libc)


def filter_calls(libc) -> None:
    """Forbids for good, with EPERM, all system calls of other kinds of machine, those of
    linux.FORBIDDEN, and others with what they must not be asked for: new namespaces, processes that
    share a table of files, where locks outlive them unseen, sockets that are not of this sandbox,
    what makes their buffers larger, memory that is shared without a file, huge pages. Calls that
    are younger than this list are not there (ENOSYS), nor is clone3, whose flags it cannot read.
    See man 2 seccomp."""
    here = linux.MACHINES.index(platform.machine())
    call = {name: numbers[here] for name, numbers in linux.CALLS.items()}
    forbid = (linux.RETURN, 0, 0, linux.SECCOMP_RET_ERRNO | errno.EPERM)
    absent = (linux.RETURN, 0, 0, linux.SECCOMP_RET_ERRNO | errno.ENOSYS)
    allow = (linux.RETURN, 0, 0, linux.SECCOMP_RET_ALLOW)

    def argument(i: int) -> tuple:          # its lower half
        return linux.LOAD, 0, 0, linux.DATA_ARGS + 8 * i

    # A jump skips as many lines as its second number says where it holds, else as its third.
    within = [argument(0), (linux.JUMP_EQUAL, 0, 3, socket.AF_UNIX), argument(1),
              (linux.AND, 0, 0, 0xF), (linux.JUMP_EQUAL, 1, 0, socket.SOCK_STREAM), forbid, allow]
    asked = {
        "clone": [argument(0), (linux.JUMP_ANY_OF, 2, 0, linux.CLONE_NEW),
                  (linux.AND, 0, 0, linux.CLONE_FILES | linux.CLONE_THREAD),
                  (linux.JUMP_EQUAL, 0, 1, linux.CLONE_FILES), forbid, allow],
        "clone3": [absent],
        "prctl": [argument(0), (linux.JUMP_EQUAL, 0, 1, linux.PR_SET_SECCOMP), forbid, allow],
        "socket": within, "socketpair": within,
        "setsockopt": [argument(2), (linux.JUMP_EQUAL, 1, 0, socket.SO_REUSEADDR), forbid, allow],
        "mmap": [argument(3), (linux.JUMP_ANY_OF, 2, 0, linux.MAP_HUGETLB),
                 (linux.JUMP_ANY_OF, 0, 2, mmap.MAP_ANONYMOUS),
                 (linux.JUMP_ANY_OF, 0, 1, mmap.MAP_SHARED), forbid, allow]}
    lines = [(linux.LOAD, 0, 0, linux.DATA_ARCH),
             (linux.JUMP_EQUAL, 1, 0, linux.AUDIT_ARCH[here]), forbid,
             (linux.LOAD, 0, 0, linux.DATA_NR),
             (linux.JUMP_AT_LEAST, 0, 1, linux.LAST_CALL + 1), absent]
    for numbers in linux.FORBIDDEN.values():
        lines += [(linux.JUMP_EQUAL, 0, 1, numbers[here]), forbid]
    for name, its in asked.items():
        lines += [(linux.JUMP_EQUAL, 0, len(its), call[name]), *its]
    lines.append(allow)
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in lines))
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(lines), ctypes.addressof(code)))
    if libc.prctl(linux.PR_SET_SECCOMP, linux.SECCOMP_MODE_FILTER, program, 0, 0):
        raise OSError(ctypes.get_errno(), "forbidding system calls")
