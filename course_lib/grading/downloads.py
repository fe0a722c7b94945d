"""A safe way in: what nbgrader's zip_collect uses here (see nbgrader_config.py) for the archives
of a learning platform.

What one student hands in never counts as another's, and never stops the others. What is left out
is remembered, and told in the table of grading.
"""
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from nbgrader.plugins import ExtractorPlugin
from nbgrader.utils import parse_utc

from course_lib.grading import leftout, platforms
from course_lib.grading.attempts import counting
from course_lib.grading.collect import MAX_SUBMISSION
from course_lib.grading.gradebook import students, write_down
from course_lib.grading.intake import (
    MAX_FILE,
    MAX_FILES,
    Refused,
    alike,
    called,
    entries,
    inside,
    is_student,
    looks,
    open_file,
    read_file,
    shown,
    storable,
    unzip,
)
from course_lib.grading.names import composed
from course_lib.grading.tables import table_beside

NOBODYS = ("its name is none that Moodle, Canvas, Blackboard or ILIAS gives; say with "
           "--FileNameCollectorPlugin.named_regexp how to read it")
RUNS = r"(?i)(nbgrader|jupyter\w*|ipython\w*)_config\.\w+"      # for whoever stands in the folder


class Entry(NamedTuple):
    """A file of a download: its path in it, from the name of the archive on, and what reads it. A
    student's own archive is `packed`, and gives several. `archive` is the platform's."""

    parts: list[str]
    read: Callable[[], bytes]
    packed: bool
    archive: str = ""

    @property
    def named(self) -> list[str]:
        """The path by which the platform says whose it is: no archive is called as a student's
        folder."""
        return [self.archive, *self.parts[1:]] if self.archive else self.parts


class Extract(ExtractorPlugin):
    """Unpacks a learning platform's archives for `nbgrader zip_collect`, and the archives in them
    or in folders beside them that students handed in, within limits, never outside the folder.
    What cannot be taken is named and left out.

    What a student's own archive holds lies where that archive lay, so that no path in it names
    another student; of two files of one student and one name the first counts, loose ones before
    those in archives, or the latest attempt, where the platform says which that is. With a
    named_regexp, all files of a student lie in one folder, where the folder names the student: a
    second one is somebody else's, who is called the same."""

    def extract(self, archive_path, extracted_path):
        self.taken, self.room, self.homes, self.many = {}, {}, {}, {}
        self.into, self.folds = Path(extracted_path), _folds(Path(extracted_path))
        self.course, self.collector = self.parent.coursedir, self.parent.collector_plugin_inst
        leftout.forget(self.course.root, self.course.assignment_id)
        with ExitStack() as stack:
            found = list(self._listed(stack, Path(archive_path)))
            if isinstance(self.collector, platforms.Recognise) and not self.collector.named_regexp:
                self._by_platform(found)
            else:
                for entry in found:
                    self._each(entry, "", partial(self._put, entry.parts[:-1]))
        for why in alike(sorted(self.homes)).values():
            self.log.warning("Look at whose is whose: %s.", why)

    def _listed(self, stack: ExitStack, archive: Path) -> Iterator[Entry]:
        """All files of a download, loose ones of an archive first."""
        for folder, folders, names in os.walk(archive):
            folders.sort()
            within = inside(os.path.relpath(folder, archive))
            for name in sorted(names):
                packed = name.lower().endswith(".zip")
                try:
                    if packed and Path(folder) == archive:
                        file = stack.enter_context(open(open_file(folder, name), "rb"))
                        listed = list(entries(file, name, ("",), 100 * MAX_FILES))
                        listed.sort(key=lambda entry: entry[0].lower().endswith(".zip"))
                        for path, read in listed:
                            parts = [name[:-4], *path.split("/")]
                            yield Entry(parts, lambda read=read: read(MAX_FILE + 1),
                                        path.lower().endswith(".zip"), name)
                    else:                       # in a folder even an archive is a student's own
                        yield Entry([*within, name], lambda folder=folder, name=name: read_file(
                            folder, name), packed)
                except Refused as why:
                    yield Entry([*within, name], partial(_refuse, why), False)

    def _each(self, entry: Entry, who: str, put: Callable[[str, bytes], None]) -> None:
        """Puts what an entry holds, file by file."""
        name = (inside("/".join(entry.parts)) or [""])[-1]
        try:
            data = entry.read()
            if len(data) > MAX_FILE:
                raise Refused(f"it unpacks to more than {MAX_FILE >> 20} MB.")
            found = unzip(data, name) if entry.packed else {name: data}
        except Refused as why:
            self._leave_out(who, "/".join(entry.parts), str(why))
            return
        for last, its in found.items():
            try:
                put(last, its)
            except Refused as why:
                self._leave_out(who, "/".join([*entry.parts[:-1], last]), str(why))

    def _leave_out(self, who: str, path: str, why: str) -> None:
        self.log.warning("%s: %s", "/".join(map(shown, path.split("/"))), why)
        last = shown(path.split("/")[-1])
        who = who or str(self._read(str(self.into / path)).get("student_id") or "")
        # of a file that is nobody's, the platform's part of the name is all there is
        whose = called(composed(who)) if who else shown(path.split("/")[0]) or "?"
        why = f"{last} is left out: {why.rstrip('.')}"
        leftout.left_out(self.course.root, self.course.assignment_id, whose, why)

    def _by_platform(self, found: list[Entry]) -> None:
        """Takes whose a file is from the platform's own names, and from tables beside them."""
        tables = [None if platforms.is_handed_in(entry.named)
                  else table_beside(entry.parts, entry.read) for entry in found]
        rest = [entry for entry, table in zip(found, tables) if not table]
        zone = self.parent.config.Exchange.get("timezone", "UTC")
        try:
            platforms.zone_of(zone)
            name = self.collector.platform or platforms.platform_of([e.named for e in rest])
        except Refused as why:
            self.parent.fail("%s", why)
        # a number of Moodle's is another in each assignment, and none of a list of students
        kinds = (name,) if name == "moodle" else (name, "students")
        persons = [person for table in tables if table and table.kind in kinds
                   for person in table.persons()]
        try:
            roster = platforms.Roster(name, persons, students(self.course))
        except Refused as why:
            self.parent.fail("%s", why)
        above = platforms.above([entry.named for entry in rest]) if name == "ilias" else 0
        handed = [(entry, platforms.read(entry.named[above:], name)) for entry in rest]
        receipts = {its.who: entry.read for entry, its in handed if its and not its.file}
        numbers: dict[str, str] = {}
        theirs: dict[str, list] = {}
        for entry, its in handed:
            if its is None:
                self._each(entry, "", partial(_refuse, Refused(NOBODYS)))
            elif its.file:
                if name == "blackboard":
                    try:
                        its = platforms.username(its, receipts.get(its.who), roster.known())
                    except Refused as why:
                        self._leave_out(its.who, "/".join(entry.parts), str(why))
                        continue
                who = roster.student(its)
                if numbers.setdefault(who, its.number) != its.number:
                    who = platforms.name_with_number(its.who, its.number)
                theirs.setdefault(who, []).append((entry, its))
        released = self.course.format_path(
            self.course.release_directory, ".", self.course.assignment_id)
        released = {path.name for path in Path(released).glob("*.ipynb")}
        for who, files in theirs.items():
            person = roster.person(files[0][1])
            for entry, its, file, why in counting(files, released):
                if why:
                    self._leave_out(who, its.file, why)
                else:
                    when = platforms.utc(its.when or (person.when if person else ""), zone)
                    self._each(entry, who, partial(
                        self._place, who, "" if entry.packed else file, when))
        write_down(self.course, roster, {who: files[0][1] for who, files in theirs.items()})

    def _place(self, who: str, name: str, when: str, last: str, data: bytes) -> None:
        """Writes a student's file where the collector will say whose it is. `last` is its name
        where it has no other."""
        name = re.sub(r"\.ipynb$", ".ipynb", composed(name or last), flags=re.IGNORECASE)
        stored = storable(name)
        found = {"student_id": who, "file_id": stored, "timestamp": when}
        self._check(found, [who, stored], len(data))
        self._write(self.into / who / stored, data)
        self.collector.known[str(self.into / who / stored)] = {
            key: value for key, value in found.items() if value}
        self.taken[self._key(found, [who, stored])] = False

    def _put(self, within: list[str], name: str, data: bytes) -> None:
        """Writes a file. Its name may have to be another than it was given; whose it is, may not
        change with that."""
        parts = [composed(part) for part in (*within, name)]
        parts[-1] = re.sub(r"\.ipynb$", ".ipynb", parts[-1], flags=re.IGNORECASE)
        stored = [storable(part) for part in inside("/".join(parts))]
        place, given = self.into.joinpath(*stored), f"{self.into}/{'/'.join(parts)}"
        found = self._read(str(place))
        if str(place) != given and found.get("student_id") != self._read(given).get("student_id"):
            raise Refused("its name cannot be stored, and whose it is, hangs on that.")
        if not found:                           # nbgrader would skip it, and its log says why
            return
        self._check(found, stored, len(data))
        self._write(place, data)
        self.taken[self._key(found, stored)] = bool(found.get("timestamp"))

    def _write(self, place: Path, data: bytes) -> None:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with open(place, "xb") as file:
                file.write(data)
        except OSError as error:
            raise Refused(f"it cannot be unpacked: {error.strerror}.") from None

    def _read(self, path: str) -> dict:
        return self.collector.collect(path) or {}

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
        if stored[-1].lower() == "timestamp.txt":
            raise Refused("the time of a submission is the platform's, not a file of a student's.")
        if re.fullmatch(RUNS, stored[-1]):
            raise Refused("it would be run as your configuration.")
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
        self.many[who] = self.many.get(who, 0) + 1
        if self.many[who] > MAX_FILES:
            raise Refused(f"{shown(who)} has more than {MAX_FILES} files.")
        self.room[who] = self.room.get(who, MAX_SUBMISSION) - size
        if self.room[who] < 0:
            raise Refused(f"all files of {shown(who)} have more than {MAX_SUBMISSION >> 20} MB.")


def _refuse(why: Refused, *_) -> bytes:
    raise why


def _folds(folder: Path) -> bool:
    """Whether the file system takes names for one that differ in case, or seems to."""
    return folder.with_name(folder.name.swapcase()).exists()
