"""What is handed in through an exchange folder or a learning platform's archive arrives as data,
with the collector's time."""
import io
import os
import pwd
import re
import time
import zipfile
from datetime import datetime

import pytest
from course import Course
from exercise import ROOT

NAME = "ex01_minimax"
FILE = f"{NAME}.ipynb"
NOTEBOOK = (ROOT / "exercises" / NAME / FILE).read_bytes()
pytestmark = pytest.mark.loop


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path, NAME, f'c.Exchange.root = "{tmp_path}/exchange"\n')


def inbox(course):
    return course.folder / "exchange" / "generative-models" / "inbound"


def test_the_exchange_takes_files_only_and_its_own_time(course):
    secret = course.folder / "secret.txt"
    secret.write_text("the instructor's")
    inbound = inbox(course) / f"eve+{NAME}+2020-01-01 00:00:00 UTC"
    inbound.mkdir(parents=True)
    (inbound / FILE).write_bytes(NOTEBOOK)
    (inbound / "timestamp.txt").write_text("2020-01-01 00:00:00 UTC")
    (inbound / "notes.txt").symlink_to(secret)
    os.mkfifo(inbound / "pipe")
    os.utime(inbound, (0, 0))
    before = time.time()
    course.nbgrader("collect", NAME, "--Collect.check_owner=False")
    taken = course.handed_in("eve")
    assert sorted(p.name for p in taken.iterdir()) == [FILE, "timestamp.txt"]
    said = datetime.fromisoformat((taken / "timestamp.txt").read_text().replace(" UTC", "+00:00"))
    changed = "the time is when the files were last changed, which nobody can set back"
    assert before - 60 < said.timestamp() <= time.time() + 1, changed


def test_nobody_hands_in_for_another_or_stops_the_others_at_the_exchange(course):
    inbound, me = inbox(course), pwd.getpwuid(os.getuid()).pw_name
    late = "2099-01-01 00:00:00 UTC"
    for who, when in ((me, "2027-01-01 00:00:00 UTC"), (me, "soon"), ("ada", late)):
        folder = inbound / f"{who}+{NAME}+{when}"
        folder.mkdir(parents=True)
        (folder / FILE).write_bytes(NOTEBOOK)
    (inbound / f"{me}+{NAME}+2098-01-01 00:00:00 UTC").symlink_to("/etc")
    (inbound / f"bea+{NAME}+2027-01-01 00:00:00 UTC").write_text("a file")
    said = course.nbgrader("collect", NAME)
    assert [p.name for p in (course.folder / "submitted").iterdir()] == [me], said
    assert f"it belongs to {me}" in said
    assert sorted(p.name for p in course.handed_in(me).iterdir()) == [FILE, "timestamp.txt"]


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def test_a_platforms_archive_is_unpacked_within_limits_and_inside_its_folder(course):
    archives = course.folder / "downloaded" / NAME / "archive"
    archives.mkdir(parents=True)
    (archives / "all.zip").write_bytes(zipped({
        "mallory_4_assignsubmission_file_/bomb.zip": zipped({"bomb.ipynb": b"\0" * (300 << 20)}),
        f"ada_1_assignsubmission_file_/{FILE}": NOTEBOOK,
        "bob_2_assignsubmission_file_/mine.zip": zipped({
            f"deep/{FILE}": NOTEBOOK, "timestamp.txt": b"1999-01-01 00:00:00 UTC"}),
        f"../../../escaped_3_assignsubmission_file_/{FILE}": NOTEBOOK,
        "mallory_5_assignsubmission_file_/nbgrader_config.py": b"raise SystemExit",
        "mallory_6_assignsubmission_file_/m.zip": zipped({
            f"ada_1_assignsubmission_file_/{FILE}": b"not ada's"}),
        "mallory_7_assignsubmission_file_/m.zip": zipped({f".._7_x/{FILE}": b"out"}),
        f"mallory_8_assignsubmission_file_/ada_1_x/{FILE}": b"not ada's",
        f".._9_x/{FILE}": b"out",
        "carl_10_assignsubmission_file_/a.ipynb": b"first",
        "carl_10_assignsubmission_file_/a.zip": zipped({
            "a.ipynb": b"second", "a.ipynb/b.ipynb": b"third"}),
        "carl_10_assignsubmission_file_/a.ipynb/c.ipynb": b"a file and a folder",
        "dora_11_assignsubmission_file_/large.ipynb": b"\0" * (30 << 20),
    } | {f"eve_12_assignsubmission_file_/{i}.txt": b"" for i in range(2000)}))
    os.symlink("/etc/passwd", archives / "passwd.ipynb")
    moodle = re.search(r"named_regexp='([^']+)'", (ROOT / "docs/grading.md").read_text())[1]
    said = course.nbgrader("zip_collect", NAME, f"--FileNameCollectorPlugin.named_regexp={moodle}")
    taken = {p.name: course.handed_in(p.name) for p in (course.folder / "submitted").iterdir()}
    files = {student: sorted(f.name for f in folder.iterdir()) for student, folder in taken.items()}
    assert sorted(taken) == ["ada", "bob", "carl", "escaped", "mallory"], said
    assert files["carl"][0] == "a.ipynb" and (taken["carl"] / "a.ipynb").read_bytes() == b"first"
    assert (taken["mallory"] / FILE).read_bytes() == b"not ada's"
    assert (taken["ada"] / FILE).read_bytes() == NOTEBOOK
    assert files["ada"] == files["bob"] == files["escaped"] == [FILE]
    assert not (course.folder / NAME).exists()
    assert "unpacks to more than 20 MB" in said and "is a link" in said
    extracted = archives.with_name("extracted")
    assert not list(extracted.rglob("passwd*")) and not list(extracted.rglob("*.py"))
    inside = set(course.folder.rglob("*escaped_3*"))
    assert inside and all(extracted in p.parents for p in inside), inside
