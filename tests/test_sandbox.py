"""What a student's process may do in the sandbox, what it may not, and what honest code still can:
many cells in one sandbox, each of which prints what it got."""
import os
import re
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from attacks.sandboxed import (
    HEADLESS,
    HIDES,
    HONEST,
    LOCKS,
    MEMORY,
    REFUSED,
    SETUP,
    SHARES,
    SOCKETS,
)

from course_lib.grading import cgroup, forkserver, linux, machine, sandbox
from course_lib.grading.channel import Channel
from course_lib.grading.machine import bubblewrap
from course_lib.grading.orders import Limits, NoSandbox, Orders
from course_lib.grading.sandbox import (
    Sandbox,
    bubblewrap_command,
    toolbox_without,
)

pytestmark = pytest.mark.loop
ROOMY, SMALL = Limits(), Limits(memory=512 << 20)



class Inside:
    """A sandbox, with a kernel in it, whose checker does nothing but wait for what it says."""

    def __init__(self, server, toolbox: Path, limits: Limits, course: str = ""):
        command = bubblewrap_command(bubblewrap(), toolbox, None, limits, course)
        self.socket, its = socket.socketpair()
        with its:
            self.sandbox = Sandbox(command, limits, "", server, its)
        self.channel = Channel(self.socket.fileno(), self.socket.fileno())

    def run(self, source: str) -> str:
        """What a cell prints, and its error."""
        self.channel.send({"id": 1, "do": "run", "source": source})
        outputs = self.channel.receive()[0]["outputs"]
        said = [shown.get("text") or "\n".join(shown.get("traceback", ())) for shown in outputs]
        return " ".join(" ".join(said).split())

    def close(self) -> str:
        with self.socket:
            return self.sandbox.close()


@pytest.fixture(scope="module")
def enter(tmp_path_factory):
    """enter(limits, course) gives an Inside."""
    try:
        bubblewrap()
    except NoSandbox as why:
        pytest.skip(str(why))
    home = tmp_path_factory.mktemp("home")
    toolbox, entered = toolbox_without((), home / "toolbox"), []
    process, server = forkserver.start("kernel", Orders((), Limits(), [], ()), str(home))
    assert server.recv(16) == b"ready"

    def enter(limits: Limits = ROOMY, course: str = "") -> Inside:
        entered.append(Inside(server, toolbox, limits, course))
        return entered[-1]
    yield enter
    for inside in entered:
        if not inside.socket._closed:
            inside.close()
    server.close()
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def printed(enter):
    inside, names = enter(), (*REFUSED, *(f"honest {name}" for name in HONEST))
    assert inside.run(SETUP) == ""
    cells = [source for source, _ in (*REFUSED.values(), *HONEST.values())]
    return dict(zip(names, map(inside.run, cells)))


@pytest.mark.parametrize("name", REFUSED)
def test_a_student_s_process_does_not_get(printed, name):
    assert printed[name].split() == REFUSED[name][1].split()


@pytest.mark.parametrize("name", HONEST)
def test_honest_code_goes_on(printed, name):
    assert printed[f"honest {name}"].split() == HONEST[name][1].split()


@pytest.mark.parametrize("source,why", [
    (MEMORY, "more than 512 MB of memory"), (SHARES, "more than 512 MB of memory"),
    (HEADLESS, "more than 512 MB of memory"),
    (SOCKETS, "more than 1000 sockets"), (LOCKS, "more than 1000 locks of files"),
    *([(HIDES, "processes that hide from it")] if os.geteuid() else [])])
def test_what_the_kernel_does_not_limit_ends_the_submission(enter, source, why):
    """Also while the checker is busy with something else, as here."""
    inside = enter(SMALL)
    inside.run(SETUP)
    with pytest.raises(EOFError):
        inside.run(source)
    assert inside.close() == why


def test_a_submission_may_use_what_it_is_allowed(enter):
    inside = enter(SMALL)
    inside.run(SETUP)
    assert inside.run("x = b'x' * (400 << 20)\ntime.sleep(0.5)\n!echo there\ndel x") == "there"
    assert inside.close() == ""


def test_each_submission_has_an_account_of_its_own(enter):
    """As many processes as one may have are no trouble for another."""
    first, second = enter(), enter()
    full = ("import os, time\ntry:\n    while True:\n        if os.fork() == 0:\n"
            "            time.sleep(1000); os._exit(0)\nexcept OSError: print('full')")
    assert first.run(full) == "full"
    assert second.run("!echo there") == "there"


COURSE = ("solutions/ex01.ipynb", "course_lib/hidden/checks.py", "gradebook.db", "submitted/a/x",
          ".grading/x", "exercises/x")
LIST = """
import os
print(*{name for folder, folders, files in os.walk(ROOT) for name in folders + files} & NAMES)
print(*(os.path.exists(os.path.join(path, name)) for path in PATHS for name in NAMES))
"""


@pytest.mark.parametrize("prefix,course", [
    ("python", "python/course"), ("python", "python/src/deep/course"), ("python", "python"),
    ("python/course/.venv", "python/course"), ("python/course/.venv", "python"),
    ("python", "link/course"), ("link", "link/course"), ("link", "python/course"),
    ("python", "python/lib/inner"), ("python", "elsewhere"), ("python", "python/course-link")])
def test_the_course_is_never_mounted(enter, tmp_path, monkeypatch, prefix, course):
    (tmp_path / "python" / "real").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "python")
    (tmp_path / "python" / "course-link").symlink_to("real")
    for file in COURSE:
        path = tmp_path / course / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
    (tmp_path / prefix / "lib").mkdir(parents=True, exist_ok=True)
    (tmp_path / prefix / "lib" / "needed.py").write_text("")
    (tmp_path / "python" / "to_course").symlink_to(tmp_path / course)
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path / prefix))
    inside = enter(course=str(tmp_path / course))
    names = {name for file in COURSE for name in file.split("/")} - {"a", "x", "course_lib"}
    paths = [str(tmp_path / course), str(tmp_path / "python" / "to_course")]
    look = LIST.replace("NAMES", repr(names)).replace("PATHS", repr(paths))
    look = look.replace("ROOT", repr(str(tmp_path)))
    assert set(inside.run(look).split()) == {"False"}
    assert inside.run(f"print(os.listdir({str(tmp_path / prefix / 'lib')!r}))"
                      ).count("needed.py") == 1
    assert inside.run("import course_lib.checks\nprint('there')") == "there"


@pytest.mark.parametrize("parent", ["python/checkout", "python", "python/lib"])
def test_the_folder_of_course_lib_is_not_mounted(enter, tmp_path, monkeypatch, parent):
    prefix, checkout = tmp_path / "python", tmp_path / parent
    (prefix / "lib").mkdir(parents=True)
    (checkout / "solutions").mkdir(parents=True)
    (checkout / "course_lib").mkdir()
    monkeypatch.setattr(sys, "exec_prefix", str(prefix))
    monkeypatch.setattr(sandbox, "TOOLBOX", checkout / "course_lib")
    inside = enter()
    look = f"import os\nprint(os.path.exists({str(checkout / 'solutions')!r}), " \
           f"os.path.exists({str(checkout / 'course_lib' / 'checks')!r}))"
    assert inside.run(look) == "False True"


HEADERS = (("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 0),
           ("/usr/include/asm-generic/unistd.h", 1))


@pytest.mark.parametrize("header,machine", HEADERS)
def test_the_numbers_of_system_calls_are_those_of_the_kernel(header, machine):
    if not Path(header).exists():
        pytest.skip(f"needs {header} (on Debian: apt-get install linux-libc-dev)")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", Path(header).read_text())
    numbers = {name: int(number) for name, number in found}
    ours = {name: n[machine] for name, n in (linux.CALLS | linux.FORBIDDEN).items()}
    ours = {name: n for name, n in ours.items() if name in numbers or name != "inotify_init"}
    assert ours == {name: numbers[name] for name in ours}


def test_control_groups_are_made_and_removed(tmp_path, monkeypatch):
    """In a folder that imitates the kernel's."""
    removed = []
    monkeypatch.setattr(Path, "rmdir", lambda path: removed.append(path.name))
    delegated = "no"
    says = lambda *_, **__: SimpleNamespace(stdout=delegated)
    monkeypatch.setattr(machine.subprocess, "run", says)
    own = tmp_path / "own"
    own.write_text("1:name=systemd:/x\n0::/a.scope\n")
    above = tmp_path if os.geteuid() == 0 else tmp_path / "a.scope"
    above.mkdir(exist_ok=True)
    assert machine.control_groups(tmp_path, own) == ""
    for file, text in (("cgroup.subtree_control", "cpu memory pids"), ("cgroup.procs", "")):
        (above / file).write_text(text)
    (above / "grading-1-5").mkdir()                     # of a run that is alive
    (above / "grading-99999999-5").mkdir()
    (above / "grading").mkdir(exist_ok=True)
    (above / "grading" / "cgroup.procs").touch()
    assert os.geteuid() == 0 or machine.control_groups(tmp_path, own) == ""
    delegated = "yes\n"
    place = machine.control_groups(tmp_path, own)
    assert place == str(above) and removed == ["grading-99999999-5"]
    group = above / f"grading-{os.getpid()}-77"
    assert cgroup.make(str(tmp_path / "none"), 1, 2, 77) is None
    monkeypatch.setattr(Path, "mkdir", lambda path: os.mkdir(path) or [
        (path / name).touch() for name in ("memory.max", "pids.max", "cgroup.procs")])
    assert cgroup.make(place, 100, 64, 77) == group
    assert [(group / name).read_text() for name in ("memory.max", "pids.max", "cgroup.procs")] \
        == ["100", "64", "77"]
    assert not cgroup.ran_out(group)
    (group / "memory.events").write_text("oom 3\noom_kill 0\n")
    assert not cgroup.ran_out(group)
    (group / "memory.events").write_text("oom 3\noom_kill 2\n")
    assert cgroup.ran_out(group)
    cgroup.remove(group)
    assert removed[-1] == group.name
