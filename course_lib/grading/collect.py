"""Safe ways in: what nbgrader's collect and zip_collect use here (see nbgrader_config.py).

Both write the time of a submission themselves, and take over no link, pipe or device. What one
student hands in never counts as another's, and never stops the others.
"""
import os
import pwd
import re
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect
from nbgrader.plugins import ExtractorPlugin
from nbgrader.utils import parse_utc

from course_lib.grading.intake import (
    MAX_FILE,
    MAX_FILES,
    Refused,
    alike,
    entries,
    inside,
    is_student,
    looks,
    open_file,
    open_folder,
    read_file,
    shown,
    storable,
    unzip,
)

MAX_SUBMISSION = 5 * MAX_FILE                   # of all files of a student together


class Collect(ExchangeCollect):
    """Copies submissions out of the exchange. The time of one is when anything in it was last
    changed, as the file system has it; a student can set every other time. What a student hands in
    for another is left out (`check_owner`)."""

    def _path_to_record(self, path):
        """nbgrader's record of a submission; of one that cannot count, a record of nobody's."""
        name = os.path.basename(path)
        try:
            who, fd = self._student(name), open_folder(Path(path))
            try:
                self._is_their(who, folder := os.fstat(fd))
                files = [os.stat(file, dir_fd=fd, follow_symlinks=False)
                         for file in _listed(fd)[:MAX_FILES]]
            finally:
                os.close(fd)
            files = [status for status in files if stat.S_ISREG(status.st_mode)]
            when = max(status.st_ctime for status in (folder, *files))
            when = datetime.fromtimestamp(when, UTC).replace(tzinfo=None)
            return {"username": who, "filename": name, "timestamp": when}
        except (Refused, OSError) as why:
            self.log.warning("%s is left out: %s", shown(name), why)
            return {"username": "", "filename": "", "timestamp": datetime.min}

    def _student(self, folder: str) -> str:
        """Whose submission a folder says it is: student+assignment+time, or with +anything behind,
        where a student may have a + in the name, and nbgrader guesses."""
        its = f"+{self.coursedir.assignment_id}+"
        who, _, when = folder.partition(its)
        if not is_student(who) or its in f"+{when}+" or when.count("+") > 1 \
                or not when.isprintable():
            raise Refused("its name is not a student's, the assignment's and a time's")
        try:
            parse_utc(when.partition("+")[0])
        except Exception:                       # dateutil raises what it likes
            raise Refused("its name says no time") from None
        return who

    def _is_their(self, who: str, status: os.stat_result) -> None:
        try:
            owner = pwd.getpwuid(status.st_uid).pw_name
        except KeyError:
            owner = f"user {status.st_uid}"
        if self.check_owner and owner != who:
            raise Refused(f"it belongs to {owner}, and c.Collect.check_owner is set")

    def init_src(self):
        super().init_src()
        self.src_records = [record for record in self.src_records if record["username"]]

    def copy_files(self):
        """One after the other, so that a folder that vanishes stops nobody else's."""
        records = self.src_records
        if not records:
            super().copy_files()
        for record in records:
            self.src_records = [record]
            try:
                super().copy_files()
            except Exception as why:            # nbgrader looks at each again, by its path
                self.log.warning("%s is left out: %s", shown(record["filename"]), why)

    def do_copy(self, src, dest, log=None):
        try:
            self._copy(src, dest)
        except (Refused, OSError) as why:
            self.log.warning("%s is left out: %s", shown(os.path.basename(src)), why)
            shutil.rmtree(dest, ignore_errors=True)

    def _copy(self, src, dest):
        """What is looked at is what is copied: everything goes by descriptors."""
        who, fd = self._student(os.path.basename(src)), open_folder(Path(src))
        try:
            self._is_their(who, os.fstat(fd))
            os.makedirs(dest)
            changed, room = [os.fstat(fd).st_ctime], MAX_SUBMISSION

            def look(status: os.stat_result) -> None:
                self._is_their(who, status)
                if status.st_nlink != 1:
                    raise Refused("it has another name elsewhere")
                if status.st_size > room:
                    raise Refused(f"all files have more than {MAX_SUBMISSION >> 20} MB")
                changed.append(status.st_ctime)

            names = _listed(fd)
            if len(names) > MAX_FILES:
                self.log.warning("%s: %d of %d files are taken", shown(os.path.basename(src)),
                                 MAX_FILES, len(names))
            for name in names[:MAX_FILES]:
                try:
                    data = read_file(fd, name, look=look)
                except Refused as why:
                    self.log.warning("%s, %s: %s", shown(os.path.basename(src)), shown(name), why)
                    continue
                room -= len(data)
                with open(Path(dest, storable(name)), "xb") as file:
                    file.write(data)
            when = datetime.fromtimestamp(max(changed), UTC)
            Path(dest, "timestamp.txt").write_text(when.strftime("%Y-%m-%d %H:%M:%S.%f UTC"))
        finally:
            os.close(fd)


def _listed(fd: int) -> list[str]:
    """The names in a folder that may be a submission's, notebooks first."""
    with os.scandir(fd) as found:
        names = [entry.name for entry in found if not entry.is_dir(follow_symlinks=False)
                 and entry.name.lower() != "timestamp.txt"]
    return sorted(names, key=lambda name: (not name.endswith(".ipynb"), name))


class Extract(ExtractorPlugin):
    """Unpacks a learning platform's archives for `nbgrader zip_collect`, and the archives in them
    that students handed in: notebooks only, within limits, never outside the folder. What cannot be
    taken is named and left out.

    What a student's own archive holds lies where that archive lay, so that no path in it names
    another student; of two files of one student and one name the first counts, loose ones before
    those in archives. All files of a student lie in one folder, where the folder names the student:
    a second one is somebody else's, who is called the same."""

    def extract(self, archive_path, extracted_path):
        self.taken, self.room, self.homes = {}, {}, {}
        self.into, self.folds = Path(extracted_path), _folds(Path(extracted_path))
        for folder, _, names in os.walk(archive_path):
            within = inside(os.path.relpath(folder, archive_path))
            for name in sorted(names):
                try:
                    if name.lower().endswith(".zip"):
                        self._unpack(folder, name, [*within, name[:-4]])
                    else:
                        self._put([*within, name], read_file(folder, name))
                except Refused as why:
                    self.log.warning("%s: %s", Path(folder, name), why)
        for why in alike(sorted(self.homes)).values():
            self.log.warning("Look at whose is whose: %s.", why)

    def _unpack(self, folder: str, name: str, within: list[str]) -> None:
        with open(open_file(folder, name), "rb") as file:
            listed = list(entries(file, name, (".ipynb", ".zip"), 100 * MAX_FILES))
            for path, read in sorted(listed, key=lambda entry: entry[0].lower().endswith(".zip")):
                try:
                    data, packed = read(MAX_FILE + 1), path.lower().endswith(".zip")
                    if len(data) > MAX_FILE:
                        raise Refused(f"it unpacks to more than {MAX_FILE >> 20} MB.")
                    last = inside(path)[-1]
                    found = unzip(data, last) if packed else {last: data}
                    for notebook, its in found.items():
                        self._put([*within, *path.split("/")[:-1], notebook], its)
                except Refused as why:
                    self.log.warning("%s: %s", "/".join(map(shown, path.split("/"))), why)

    def _put(self, parts: list[str], data: bytes) -> None:
        """Writes a file. Its name may have to be another than it was given; whose it is, may not
        change with that."""
        parts[-1] = re.sub(r"\.ipynb$", ".ipynb", parts[-1], flags=re.IGNORECASE)
        stored = [storable(part) for part in inside("/".join(parts))]
        place, given = self.into.joinpath(*stored), f"{self.into}/{'/'.join(parts)}"
        found = self._read(str(place))
        if str(place) != given and found.get("student_id") != self._read(given).get("student_id"):
            raise Refused("its name cannot be stored, and whose it is, hangs on that.")
        if not found:                           # nbgrader would skip it, and its log says why
            return
        self._check(found, stored, len(data))
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with open(place, "xb") as file:
                file.write(data)
        except OSError as error:
            raise Refused(f"it cannot be unpacked: {error.strerror}.") from None
        self.taken[self._key(found, stored)] = bool(found.get("timestamp"))

    def _read(self, path: str) -> dict:
        return self.parent.collector_plugin_inst.collect(path) or {}

    def _key(self, found: dict, stored: list[str]) -> tuple[str, str]:
        """What nbgrader will call the file, and stop for where there are two."""
        name = os.path.splitext(found["file_id"])[0] + os.path.splitext(stored[-1])[1]
        return found["student_id"], looks(name) if self.folds else name

    def _check(self, found: dict, stored: list[str], size: int) -> None:
        """Refuses what nbgrader would stop for, or take for another's."""
        who, name, when = (found.get(key) for key in ("student_id", "file_id", "timestamp"))
        if not isinstance(who, str) or not is_student(who):
            raise Refused("no student is called so.")
        if not isinstance(name, str) or name.startswith("/") or ".." in name.split("/"):
            raise Refused("it has no name to store it under.")
        try:
            when = parse_utc(when) if when else None
        except Exception:                       # dateutil raises what it likes
            raise Refused("its name says no time.") from None
        before = self.taken.get(self._key(found, stored))
        if before is not None and not (before and when):
            raise Refused("it was handed in before.")
        whole = re.compile(rf"(?<![^\W_]){re.escape(who)}(?![^\W_])")
        at = next((i for i, part in enumerate(stored) if whole.search(part)), len(stored))
        home = tuple(stored[:at + 1]) if at < len(stored) - 1 else ()
        if self.homes.setdefault(who, home) != home:
            raise Refused(f"{shown(who)} has another folder: it may be somebody else's.")
        twins = [other for other in self.homes if looks(other) == looks(who)] if self.folds else []
        if twins and twins[0] != who:
            raise Refused(f"this file system takes {ascii(who)} for {ascii(twins[0])}.")
        self.room[who] = self.room.get(who, MAX_SUBMISSION) - size
        if self.room[who] < 0:
            raise Refused(f"all files of {shown(who)} have more than {MAX_SUBMISSION >> 20} MB.")


def _folds(folder: Path) -> bool:
    """Whether the file system takes names for one that differ in case, or seems to."""
    return folder.with_name(folder.name.swapcase()).exists()
