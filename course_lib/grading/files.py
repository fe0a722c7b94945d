"""What a student hands in, as bytes: files of a folder or of a zip, within limits. Nothing is
written, run or followed; what cannot be read is refused with a sentence."""
import errno
import functools
import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from course_lib.grading.names import shown

AREA = ".grading"                              # what grading keeps, in the course's folder
MAX_FILE, MAX_FILES, MAX_DEPTH = 20 << 20, 1000, 10
TIME, SECRET = "timestamp.txt", "submission_secret.txt"          # of nbgrader's, not the student's


class Refused(ValueError):
    """A submission that cannot be graded; the message is a sentence for instructor and student."""


def open_file(folder: int | str, name: str) -> int:
    """A descriptor of a regular file. Links are not followed, pipes not waited for. `folder` is a
    path or an open folder."""
    at = {} if isinstance(folder, str) else {"dir_fd": folder}
    path = os.path.join(folder, name) if isinstance(folder, str) else name
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, **at)
    except OSError as error:
        why = ("is a link, and links are not followed." if error.errno == errno.ELOOP
               else f"cannot be read: {error.strerror}.")
        raise Refused(f"{shown(name)} {why}") from None
    if not stat.S_ISREG(mode := os.fstat(fd).st_mode):
        os.close(fd)
        kind = "folder" if stat.S_ISDIR(mode) else "pipe, socket or device"
        raise Refused(f"{shown(name)} is no file, but a {kind}.")
    return fd


def read_file(folder: int | str, name: str, limit: int = MAX_FILE,
              look: Callable[[os.stat_result], None] = lambda status: None) -> bytes:
    """The bytes of a regular file, as `open_file` opens it, and once `look` agrees to it. Errors:
    Refused, and what `look` raises."""
    with open(open_file(folder, name), "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_size > limit:
            raise Refused(f"{shown(name)} has {status.st_size / 2**20:.0f} MB; "
                          f"at most {limit >> 20} MB are taken.")
        look(status)
        data, then = file.read(limit + 1), os.fstat(file.fileno())
        when = lambda status: (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if len(data) != status.st_size or when(then) != when(status):
            raise Refused(f"{shown(name)} changed while it was read.")
        return data


def open_folder(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        kind = "a link" if path.is_symlink() else "no folder"
        raise Refused(f"{shown(path.name)} is {kind}; "
                      "a folder with the notebook is expected.") from None


def entries(file, name: str, kinds: tuple[str, ...], most: int = MAX_FILES,
            deep: list[str] | None = None) -> Iterator[tuple[str, Callable[..., bytes | None]]]:
    """The files of these kinds in a zip file: the path as it stands there, with /, and what reads
    at most so many of its bytes, or, if all or nothing is asked for, None where there are more.
    Nothing is written. deep: gets the paths that lie in too many folders. Errors: Refused."""
    broken = Refused(f"{shown(name)} is a zip file that cannot be unpacked.")
    try:
        archive = zipfile.ZipFile(file)
    except Exception:                           # zipfile and its decompressors raise what they like
        raise broken from None
    if len(archive.infolist()) > most:
        raise Refused(f"{shown(name)} holds {len(archive.infolist())} files; "
                      f"at most {most} are taken.")

    def read(entry, limit: int, whole: bool = False) -> bytes | None:
        if whole and entry.file_size > limit:
            return None
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused(f"{shown(name)} is a zip file of an unusual kind; "
                          "pack it again with what the system offers.")
        try:
            with archive.open(entry) as unpacked:   # which unpacks what is asked for, and then cuts
                return unpacked.read(min(limit, entry.file_size))
        except Exception:
            raise broken from None

    for entry in archive.infolist():
        path = entry.filename.replace("\\", "/")
        parts = inside(path)
        if entry.is_dir() or not parts or any(map(is_litter, parts)):
            continue
        if len(parts) > MAX_DEPTH:
            if deep is not None:
                deep.append(path)
            continue
        if parts[-1].lower().endswith(kinds):
            yield path, functools.partial(read, entry)


def inside(path: str) -> list[str]:
    """The parts of a path that lead on, and not back."""
    return [part for part in path.split("/") if part.strip(". ")]


def unzip(raw: bytes, name: str, left_out: list[str] | None = None) -> dict[str, bytes]:
    """The files in a student's zip file by the last part of their paths, notebooks first; of other
    files of one name, that in the first notebook's folder. A time in it counts for nothing.
    left_out: gets a sentence about each file that is not taken. Errors: Refused."""
    entry = lambda path, read: (not path.lower().endswith(".ipynb"), inside(path), read)
    deep: list[str] = []
    listed = [entry(*it) for it in entries(io.BytesIO(raw), name, ("",), deep=deep)]
    home = next((parts[:-1] for other, parts, _ in listed if not other), [])
    found, room = {}, MAX_FILE
    for other, parts, read in sorted(listed, key=lambda it: (it[0], it[1][:-1] != home)):
        if parts[-1].lower() in (TIME, SECRET):
            continue
        if parts[-1] in found and not other:
            raise Refused(f"{shown(name)} holds more than one {shown(parts[-1])}, "
                          "and it is not clear which one counts.")
        data = b"" if parts[-1] in found else read(room, whole=True)
        if data is None and not other:
            raise Refused(f"{shown(name)} unpacks to more than {MAX_FILE >> 20} MB.")
        if parts[-1] in found or data is None:
            why = "is there twice" if parts[-1] in found else "is too large"
            if left_out is not None:
                left_out.append(f"{shown(parts[-1])} in {shown(name)} {why}.")
            continue
        room -= len(data)
        found[parts[-1]] = data
    if left_out is not None:
        left_out += [f"{shown(path.split('/')[-1])} in {shown(name)} lies in too many folders."
                     for path in deep]
    return found


def is_litter(name: str) -> bool:
    """What editors, Macs and Windows leave beside a notebook."""
    left = ("__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "desktop.ini",
            "__pycache__")
    return name.startswith("._") or name in left
