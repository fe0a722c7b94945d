"""The temporary folder of a run, and the only kind of folder there that the grader ever removes.

It holds a file of known content, the mark, which the run's processes hold locked. So what a killed
run left is told from what another runs in, and from whatever else has a name like it.
"""
import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path

PREFIX, MARK = "course_lib-grading-", "course_lib.grading"
CONTENT = b"This folder goes with the last process that holds this file.\n"


def make() -> tuple[Path, int]:
    """A new folder, and the descriptor that holds it; those of runs that were killed go."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX):
                remove(Path(entry.path))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    mark = os.open(folder / MARK, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(mark, fcntl.LOCK_EX)
    os.write(mark, CONTENT)
    return folder, mark


def remove(folder: Path, held: bool = False) -> None:
    """Removes a folder that `make` made and nobody holds, or only who calls this; leaves all
    others. Raises nothing."""
    with contextlib.suppress(OSError):
        file = os.open(folder / MARK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(file, "rb") as mark:
            ours = lambda status: status.st_uid == os.getuid()
            if not (stat.S_ISDIR(os.lstat(folder).st_mode) and ours(os.lstat(folder))
                    and ours(os.fstat(file)) and mark.read(len(CONTENT) + 1) == CONTENT):
                return
            if not held:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path, _, _ in os.walk(folder):          # copies of folders that are read-only
                os.chmod(path, 0o700)
            shutil.rmtree(folder, ignore_errors=True)
