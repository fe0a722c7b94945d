"""A safe way in: what nbgrader's zip_collect uses here (see nbgrader_config.py) for the archives
of a learning platform.

What one student hands in never counts as another's, and never stops the others.
"""
import os
import re
from pathlib import Path

from nbgrader.plugins import ExtractorPlugin
from nbgrader.utils import parse_utc

from course_lib.grading.collect import MAX_SUBMISSION
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
    read_file,
    shown,
    storable,
    unzip,
)


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
