"""A safe way in, and out: what nbgrader's collect and release_feedback use here (see
nbgrader_config.py) for the exchange.

It writes the time of a submission itself, and takes over no link, pipe or device. What one student
hands in never counts as another's, and never stops the others.
"""
import glob
import os
import pwd
import shutil
import stat
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseFeedback
from nbgrader.utils import parse_utc

from course_lib.grading import leftout
from course_lib.grading.files import is_litter
from course_lib.grading.intake import (
    MAX_FILE,
    MAX_FILES,
    SECRET,
    Refused,
    called,
    is_student,
    open_folder,
    read_file,
    shown,
    storable,
)
from course_lib.grading.names import composed
from course_lib.grading.secret import secret

MAX_SUBMISSION = 5 * MAX_FILE                   # of all files of a student together
MOST = 4                                        # folders that are named


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
            self._left_out(name, why)
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
                self._left_out(record["filename"], why)

    def _left_out(self, folder: str, why: Exception | str, file: str = "") -> None:
        """Says and remembers that a submission, or a file of it, is left out."""
        what = shown(file or folder)
        self.log.warning("%s: %s is left out: %s", shown(folder), what, why)
        leftout.left_out(self.coursedir.root, self.coursedir.assignment_id, self._row(folder),
                         f"{what} is left out: {str(why).rstrip('.')}")

    def _row(self, folder: str) -> str:
        """Whose row is about a folder: whoever it says to be of, as grading calls them."""
        who = folder.partition(f"+{self.coursedir.assignment_id}+")[0]
        return called(composed(who))

    def do_copy(self, src, dest, log=None):
        try:
            self._copy(src, dest)
        except (Refused, OSError) as why:
            self._left_out(os.path.basename(src), why)
            shutil.rmtree(dest, ignore_errors=True)

    def _copy(self, src, dest):
        """What is looked at is what is copied: everything goes by descriptors."""
        who, fd = self._student(os.path.basename(src)), open_folder(Path(src))
        try:
            self._is_their(who, os.fstat(fd))
            leftout.forget(self.coursedir.root, self.coursedir.assignment_id,
                           self._row(os.path.basename(src)))
            os.makedirs(dest)
            changed, room = [os.fstat(fd).st_ctime], MAX_SUBMISSION

            def look(status: os.stat_result) -> None:
                self._is_their(who, status)
                if status.st_nlink != 1:
                    raise Refused("it has another name elsewhere")
                if status.st_size > room:
                    raise Refused(f"all files have more than {MAX_SUBMISSION >> 20} MB")
                changed.append(status.st_ctime)

            for name in (folders := _folders(fd))[:MOST]:
                more = f"; so are {len(folders) - MOST} more" if len(folders) > MOST else ""
                self._left_out(os.path.basename(src), f"a folder is not taken{more}: hand in its "
                               "files beside the notebook, or all in one zip", name)
            names = _listed(fd)
            if len(names) > MAX_FILES:
                self._left_out(os.path.basename(src),
                               f"{MAX_FILES} of {len(names)} files are taken, the others not")
            for name in names[:MAX_FILES]:
                try:
                    data = read_file(fd, name, look=look)
                except Refused as why:
                    self._left_out(os.path.basename(src), why, name)
                    continue
                room -= len(data)
                with open(Path(dest, storable(name)), "xb") as file:
                    file.write(data)
            when = datetime.fromtimestamp(max(changed), UTC)
            Path(dest, "timestamp.txt").write_text(when.strftime("%Y-%m-%d %H:%M:%S.%f UTC"))
        finally:
            os.close(fd)


def _folders(fd: int) -> list[str]:
    with os.scandir(fd) as found:
        return sorted(entry.name for entry in found
                      if entry.is_dir(follow_symlinks=False) and not is_litter(entry.name))


def _listed(fd: int) -> list[str]:
    """The names in a folder that may be a submission's; the secret and notebooks first."""
    with os.scandir(fd) as found:
        names = [entry.name for entry in found if not entry.is_dir(follow_symlinks=False)
                 and entry.name.lower() != "timestamp.txt"]
    return sorted(names, key=lambda name: (name != SECRET, not name.endswith(".ipynb"), name))


class ReleaseFeedback(ExchangeReleaseFeedback):
    """Puts feedback where `nbgrader fetch_feedback` finds it: of each submission that came through
    the exchange, and so has a secret of its own. The others are named, and stop nobody."""

    def copy_files(self):
        folders = {Path(path): secret(Path(path)) for path in sorted(glob.glob(self.src_path))}
        everybodys = self.coursedir.format_path(self.coursedir.feedback_directory, "*",
                                                self.coursedir.assignment_id)
        times = Counter(secret(Path(path)) for path in glob.glob(everybodys))
        for folder, key in folders.items():
            student = shown(folder.parent.name)
            if not key:
                self.log.warning("%s: no feedback is released; the submission did not come through "
                                 "the exchange. Hand out %s yourself.", student, folder)
            elif times[key] > 1:
                self.log.warning("%s: no feedback is released; another submission has the same "
                                 "secret, and whose it is, is not clear.", student)
            elif not (folder / "timestamp.txt").is_file():
                self.log.warning("%s: no feedback is released, for lack of a time; run `nbgrader "
                                 "generate_feedback %s --force` first.", student,
                                 self.coursedir.assignment_id)
            else:
                self.src_path = str(folder)
                super().copy_files()
