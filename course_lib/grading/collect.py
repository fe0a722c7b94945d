"""Safe ways in: what nbgrader's collect and zip_collect use here (see nbgrader_config.py).

Both write the time of a submission themselves, and take over no link, pipe or device. What one
student hands in never counts as another's, and never stops the others.
"""
import os
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect
from nbgrader.plugins import ExtractorPlugin
from nbgrader.utils import find_owner

from course_lib.grading.intake import (
    MAX_FILE,
    MAX_FILES,
    Refused,
    entries,
    is_student,
    open_file,
    open_folder,
    read_file,
    shown,
    unzip,
)


class Collect(ExchangeCollect):
    """Copies submissions out of the exchange. The time of one is when anything in it was last
    changed, as the file system has it; a student can set every other time. What a student hands in
    for another is left out (`check_owner`)."""

    def _path_to_record(self, path):
        """nbgrader's record of a submission; of one that cannot count, a record of nobody's."""
        try:
            record = super()._path_to_record(path)
            if not is_student(record["username"]):
                raise Refused("no student is called so")
            os.close(open_folder(Path(path)))
            if self.check_owner and (owner := find_owner(path)) != record["username"]:
                raise Refused(f"it belongs to {owner}, and c.Collect.check_owner is set")
            return record
        except Exception as why:                # dateutil raises what it likes
            self.log.warning("%s is left out: %s", shown(os.path.basename(path)), why)
            return {"username": "", "filename": "", "timestamp": datetime.min}

    def init_src(self):
        super().init_src()
        self.src_records = [record for record in self.src_records if record["username"]]

    def do_copy(self, src, dest, log=None):
        try:
            self._copy(src, dest)
        except (Refused, OSError) as why:
            self.log.warning("%s is left out: %s", shown(os.path.basename(src)), why)
            shutil.rmtree(dest, ignore_errors=True)

    def _copy(self, src, dest):
        fd = open_folder(Path(src))
        try:
            os.makedirs(dest)
            changed = [os.fstat(fd).st_ctime]
            for name in sorted(os.listdir(fd))[:MAX_FILES]:
                status = os.stat(name, dir_fd=fd, follow_symlinks=False)
                if name == "timestamp.txt" or stat.S_ISDIR(status.st_mode):
                    continue
                try:
                    Path(dest, name).write_bytes(read_file(fd, name))
                    changed.append(status.st_ctime)
                except Refused as why:
                    self.log.warning("%s: %s", src, why)
            when = datetime.fromtimestamp(max(changed), UTC)
            Path(dest, "timestamp.txt").write_text(when.strftime("%Y-%m-%d %H:%M:%S.%f UTC"))
        finally:
            os.close(fd)


class Extract(ExtractorPlugin):
    """Unpacks a learning platform's archives for `nbgrader zip_collect`, and the archives in them
    that students handed in: notebooks only, within limits, never outside the folder. What cannot be
    taken is named and left out.

    What a student's own archive holds lies where that archive lay, so that no path in it names
    another student; of two files of one student and one name the first counts, loose ones before
    those in archives."""

    def extract(self, archive_path, extracted_path):
        self.taken = set()
        for folder, _, names in os.walk(archive_path):
            into = Path(extracted_path, os.path.relpath(folder, archive_path))
            for name in sorted(names):
                try:
                    if name.lower().endswith(".zip"):
                        self._unpack(folder, name, into / name[:-4])
                    else:
                        self._put(into / name, read_file(folder, name))
                except Refused as why:
                    self.log.warning("%s: %s", Path(folder, name), why)

    def _unpack(self, folder: str, name: str, into: Path) -> None:
        with open(open_file(folder, name), "rb") as file:
            listed = list(entries(file, name, (".ipynb", ".zip"), 100 * MAX_FILES))
            for path, read in sorted(listed, key=lambda entry: entry[0].lower().endswith(".zip")):
                try:
                    data = read(MAX_FILE + 1)
                    if len(data) > MAX_FILE:
                        raise Refused(f"it unpacks to more than {MAX_FILE >> 20} MB.")
                    packed = path.lower().endswith(".zip")
                    inside = unzip(data, path) if packed else {Path(path).name: data}
                    for last, notebook in inside.items():
                        self._put(into / Path(path).with_name(last), notebook)
                except Refused as why:
                    self.log.warning("%s: %s", path, why)

    def _put(self, place: Path, data: bytes) -> None:
        found = self.parent.collector_plugin_inst.collect(str(place)) or {}
        who = found.get("student_id"), found.get("file_id")
        if who in self.taken or not (who[0] is None or is_student(who[0])):
            raise Refused("it was handed in before." if who in self.taken
                          else "no student is called so.")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with open(place, "xb") as file:
                file.write(data)
        except OSError as error:
            raise Refused(f"it cannot be unpacked: {error.strerror}.") from None
        self.taken |= {who} if who[0] is not None else set()
