"""Safe ways in: what nbgrader's collect and zip_collect use in this course (see nbgrader_config.py).

Both write the time of a submission themselves, and take over no link, pipe or device.
"""
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect
from nbgrader.plugins import ExtractorPlugin

from course_lib.grading.intake import MAX_FILE, MAX_FILES, Refused, open_folder, read_file, unzip


class Collect(ExchangeCollect):
    """Copies a submission out of the exchange. Its time is when anything in it was last changed, as the file
    system has it; a student can set every other time."""

    def do_copy(self, src, dest, log=None):
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
    """Unpacks a learning platform's archives for `nbgrader zip_collect`, and the archives in them that students handed in:
    notebooks only, within limits, never outside the folder. Files that cannot be taken are named and left out."""

    def extract(self, archive_path, extracted_path):
        for folder, _, names in os.walk(archive_path):
            into = Path(extracted_path, os.path.relpath(folder, archive_path))
            into.mkdir(parents=True, exist_ok=True)
            for name in sorted(names):
                try:
                    self._take(Path(folder), name, into)
                except Refused as why:
                    self.log.warning("%s: %s", Path(folder, name), why)

    def _take(self, folder: Path, name: str, into: Path) -> None:
        if not name.lower().endswith(".zip"):
            (into / name).write_bytes(read_file(str(folder), name))
            return
        for path, data in unzip(read_file(str(folder), name, 50 * MAX_FILE), name, 50 * MAX_FILE, (".ipynb", ".zip")).items():
            try:
                inner = unzip(data, path) if path.lower().endswith(".zip") else {"": data}
            except Refused as why:
                self.log.warning("%s: %s", path, why)
                continue
            for rest, notebook in inner.items():
                place = into / name[:-4] / (f"{path[:-4]}/{rest}" if rest else path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(notebook)
