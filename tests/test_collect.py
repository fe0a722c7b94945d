"""What is handed in through an exchange folder or a learning platform's archive arrives as data, with the collector's time."""
import io
import os
import time
import zipfile
from datetime import datetime

import pytest
from course import Course
from exercise import ROOT

NAME = "ex01_minimax"


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path, NAME, f'c.Exchange.root = "{tmp_path}/exchange"\n')


@pytest.mark.loop
def test_the_exchange_takes_files_only_and_its_own_time(course):
    secret = course.folder / "secret.txt"
    secret.write_text("the instructor's")
    inbound = course.folder / "exchange" / "generative-models" / "inbound" / f"eve+{NAME}+2020-01-01 00:00:00 UTC"
    inbound.mkdir(parents=True)
    (inbound / f"{NAME}.ipynb").write_bytes((ROOT / "exercises" / NAME / f"{NAME}.ipynb").read_bytes())
    (inbound / "timestamp.txt").write_text("2020-01-01 00:00:00 UTC")
    (inbound / "notes.txt").symlink_to(secret)
    os.mkfifo(inbound / "pipe")
    os.utime(inbound, (0, 0))
    before = time.time()
    course.nbgrader("collect", NAME)
    taken = course.handed_in("eve")
    assert sorted(p.name for p in taken.iterdir()) == [f"{NAME}.ipynb", "timestamp.txt"]
    said = datetime.fromisoformat((taken / "timestamp.txt").read_text().replace(" UTC", "+00:00")).timestamp()
    assert abs(said - before) < 600, "the time is when the files were last changed, which nobody can set back"


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.mark.loop
def test_a_platforms_archive_is_unpacked_within_limits_and_inside_its_folder(course):
    notebook = (ROOT / "exercises" / NAME / f"{NAME}.ipynb").read_bytes()
    archives = course.folder / "downloaded" / NAME / "archive"
    archives.mkdir(parents=True)
    (archives / "all.zip").write_bytes(zipped({
        "mallory_4_assignsubmission_file_/bomb.zip": zipped({"bomb.ipynb": b"\0" * (300 << 20)}),
        f"ada_1_assignsubmission_file_/{NAME}.ipynb": notebook,
        "bob_2_assignsubmission_file_/mine.zip": zipped({f"deep/{NAME}.ipynb": notebook, "timestamp.txt": b"1999-01-01 00:00:00 UTC"}),
        f"../../../escaped_3_assignsubmission_file_/{NAME}.ipynb": notebook,
        "mallory_5_assignsubmission_file_/nbgrader_config.py": b"raise SystemExit",
    }))
    os.symlink("/etc/passwd", archives / "passwd.ipynb")
    moodle = r".*/(?P<student_id>[^/_]+)_\d+_[^/]*/(?:.*/)?(?P<file_id>[^/]+)$"       # as the README has it
    said = course.nbgrader("zip_collect", NAME, f"--FileNameCollectorPlugin.named_regexp={moodle}")
    assert sorted(p.name for p in (course.folder / "submitted").iterdir()) == ["ada", "bob", "escaped"], said
    for student in ("ada", "bob", "escaped"):
        assert [p.name for p in course.handed_in(student).iterdir()] == [f"{NAME}.ipynb"]
    assert "unpacks to more than 20 MB" in said and "is a link" in said
    extracted = archives.with_name("extracted")
    assert not list(extracted.rglob("passwd*")) and not list(extracted.rglob("*.py"))
    inside = {p for p in course.folder.rglob("*escaped_3*")}
    assert inside and all(extracted in p.parents for p in inside), inside
