"""What is handed in through an exchange folder or a learning platform's archive arrives as data,
with the collector's time."""
import json
import logging
import os
import pwd
import time
import zipfile
from datetime import datetime
from types import SimpleNamespace

import pytest
from course import Course, zipped
from exercise import ROOT
from nbgrader.apps import ZipCollectApp
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import FileNameCollectorPlugin

from course_lib.grading import (
    choice,
    collect,
    downloads,
    intake,
    leftout,
    marks_out,
    report,
)
from course_lib.grading.collect import MAX_SUBMISSION, Collect
from course_lib.grading.downloads import Extract
from course_lib.grading.intake import (
    MAX_FILE,
    MAX_FILES,
    Refused,
    alike,
    called,
    is_student,
    read_file,
    storable,
    take,
    unzip,
)

NAME = "ex01_minimax"
FILE = f"{NAME}.ipynb"
NOTEBOOK = (ROOT / "exercises" / NAME / FILE).read_bytes()
loop = pytest.mark.loop
ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path, NAME, f'c.Exchange.root = "{tmp_path}/exchange"\n')


def inbox(course):
    return course.folder / "exchange" / "generative-models" / "inbound"


@loop
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


@loop
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


@loop
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
    said = course.nbgrader("zip_collect", NAME, f"--FileNameCollectorPlugin.named_regexp={MOODLE}")
    taken = {p.name: course.handed_in(p.name) for p in (course.folder / "submitted").iterdir()}
    files = {student: sorted(f.name for f in folder.iterdir()) for student, folder in taken.items()}
    assert sorted(taken) == ["ada", "bob", "carl", "escaped", "eve", "mallory"], said
    assert files["carl"][0] == "a.ipynb" and (taken["carl"] / "a.ipynb").read_bytes() == b"first"
    assert (taken["mallory"] / FILE).read_bytes() == b"not ada's"
    assert (taken["ada"] / FILE).read_bytes() == NOTEBOOK
    assert files["ada"] == files["bob"] == files["escaped"] == [FILE]
    assert not (course.folder / NAME).exists()
    assert "unpacks to more than 20 MB" in said and "is a link" in said
    assert len(files["eve"]) == MAX_FILES and "eve has more than 1000 files" in said
    extracted = archives.with_name("extracted")
    assert not list(extracted.rglob("passwd*")) and not list(extracted.rglob("*.py"))
    inside = set(course.folder.rglob("*escaped_3*"))
    assert inside and all(extracted in p.parents for p in inside), inside


MOODLE = (r".*?/extracted/[^/]+/(?:[^/]+/)*?(?P<student_id>[^/]+?)_\d+_assignsubmission_file_?/"
          r"(?:.*/)?(?P<file_id>[^/]+)$")


class Platform:
    """What `nbgrader zip_collect` makes of a learning platform's archive, up to what it would put
    where."""

    def __init__(self, folder, caplog, regexp=MOODLE):
        self.archives, self.extracted = folder / "archive", folder / "extracted"
        self.archives.mkdir()
        self.extracted.mkdir()
        self.log, self.app = caplog, ZipCollectApp(log=logging.getLogger("collect"))
        self.app.collector_plugin_inst = FileNameCollectorPlugin(parent=self.app)
        self.app.collector_plugin_inst.named_regexp = regexp
        self.app.coursedir = CourseDirectory(root=str(folder), assignment_id=NAME)

    def take(self, entries, name="all.zip") -> dict[str, list[str]]:
        """student -> what is taken, of entries of an archive: {path: content} or raw bytes."""
        raw = entries if isinstance(entries, bytes) else zipped(entries)
        (self.archives / name).write_bytes(raw)
        with self.log.at_level(logging.WARNING):
            Extract(parent=self.app).extract(str(self.archives), str(self.extracted))
            self.found = self.app._collect_files(
                sorted(str(path) for path in self.extracted.rglob("*") if path.is_file()))
        return {who: sorted(data["file_ids"]) for who, data in self.found.items()}

    def said(self) -> str:
        return "\n".join(record.getMessage() for record in self.log.records)


@pytest.fixture
def platform(tmp_path, caplog):
    return Platform(tmp_path, caplog)


LONG = "An answer with a very long name, " * 4
HONEST_NAMES = ["a, b; c.ipynb", "'a' \"b\".ipynb", "ex [1] (2) {3}.ipynb", f"{LONG}.ipynb",
                "Übung №1.ipynb", "学生.ipynb", "a\u200cb.ipynb", "x" * 300 + ".ipynb",
                "a\nb.ipynb", "a\x1b[31mb.ipynb", "EX.IPYNB", "-rf.ipynb", "%41.ipynb",
                "a:b|c?*.ipynb", "~.ipynb"]


def test_whatever_honest_students_call_their_files_is_taken(platform):
    names = {f"ada{i}_{i}_assignsubmission_file_/{name}": name.encode()
             for i, name in enumerate(HONEST_NAMES)}
    taken = platform.take(names | {f"zoe_9_assignsubmission_file_/{name}": b"z"
                                   for name in HONEST_NAMES})
    assert [len(taken[f"ada{i}"]) for i in range(len(HONEST_NAMES))] == [1] * len(HONEST_NAMES)
    assert len(taken["zoe"]) == len(HONEST_NAMES)
    for i, name in enumerate(HONEST_NAMES):
        source, = platform.found[f"ada{i}"]["src_files"]
        with open(source, "rb") as file:
            assert file.read() == name.encode()
    assert all(name.isprintable() and len(name) < 250 for name in taken["zoe"])


def folder(who: str, number: int = 1) -> str:
    return f"{who}_{number}_assignsubmission_file_"


SAME = "x" * 70                             # where names were once cut
TWINS = {
    "cut": (f"{SAME}a", f"{SAME}b"), "cut late": ("x" * 99 + "a", "x" * 99 + "b"),
    "case": ("Ada", "ada"), "accent": ("Zo\u00eb", "Zoe"), "width": ("ada", "ａda"),
    "Cyrillic": ("ada", "аda"), "Greek": ("bob", "bοb"), "filler": ("ada", "ada\u3164"),
    "quotes": ("o'neil", "o’neil"), "spaces": ("a b", "a  b"), "dot": ("ada", "ada."),
    "plus": ("a", "a+b"), "at": ("a@x", "a@y")}


@pytest.mark.parametrize("kind", TWINS)
def test_two_names_that_look_alike_stay_two(platform, kind):
    one, other = TWINS[kind]
    taken = platform.take({f"{folder(one)}/{FILE}": b"one", f"{folder(other, 2)}/{FILE}": b"two",
                           f"{folder(other, 2)}/more.ipynb": b"more"})
    assert taken == {one: [FILE], other: [FILE, "more.ipynb"]}
    for who, content in ((one, b"one"), (other, b"two")):
        with open(platform.found[who]["src_files"][0], "rb") as file:
            assert file.read() == content
    looks_alike = kind in ("case", "width", "Cyrillic", "Greek", "filler", "spaces")
    assert ("Look at whose is whose" in platform.said()) == looks_alike


@pytest.mark.parametrize("one,other", [
    ("ada\x01", "ada\x02"), ("ada\u202e", "ada"), ("ada\u200b", "ada"), ("ada?", "ada*"),
    ("x" * 240 + "a", "x" * 240 + "b"), ("ada\n", "ada"), ("ada\u2028", "ada")])
def test_a_name_that_cannot_be_stored_is_nobodys(platform, one, other):
    taken = platform.take({f"{folder(one)}/{FILE}": b"one", f"{folder(other, 2)}/{FILE}": b"two",
                           f"{folder('bea', 3)}/{FILE}": b"bea"})
    assert set(taken) <= {"bea", "ada"} and taken["bea"] == [FILE]
    if "ada" in taken:
        with open(platform.found["ada"]["src_files"][0], "rb") as file:
            assert file.read() == b"two"
    assert folder(one)[:30].split("_")[0][:3] in platform.said()


def test_a_file_system_that_folds_names_mixes_up_nobody(platform):
    (platform.extracted.with_name("EXTRACTED")).mkdir()
    taken = platform.take({f"{folder('Ada')}/{FILE}": b"one", f"{folder('ada', 2)}/x.ipynb": b"two",
                           f"{folder('bea', 3)}/A.ipynb": b"", f"{folder('bea', 3)}/a.ipynb": b""})
    assert taken == {"Ada": [FILE], "bea": ["A.ipynb"]}
    assert "takes 'ada' for 'Ada'" in platform.said()


def test_two_spellings_of_one_name_are_one_student(platform):
    one, other = "Zo\u00eb", "Zoe\u0308"
    taken = platform.take({f"{folder(one)}/{FILE}": b"one",
                           f"{folder(other, 2)}/x.ipynb": b"two"})
    assert taken == {one: [FILE]} and "it may be somebody else's" in platform.said()


def test_two_students_of_one_name_are_not_one(platform):
    taken = platform.take({f"{folder('Anna Schmidt', 1)}/{FILE}": b"",
                           f"{folder('Anna Schmidt', 2)}/other.ipynb": b"hers",
                           f"{folder('bea')}/{FILE}": b""})
    assert taken == {"Anna Schmidt": [FILE], "bea": [FILE]}
    assert "it may be somebody else's" in platform.said()


FLAT = (r".*?/extracted/(?:[^/]+/)?ps1_(?P<student_id>[^_/]+)_attempt_(?P<timestamp>[^_/]*)_"
        r"(?P<file_id>[\w ]+)")


def test_whose_it_is_says_the_platforms_folder_and_none_in_it(platform):
    ada = f"{folder('ada')}/{FILE}"
    taken = platform.take({f"{folder('aaa_x', 7)}/{ada}": b"eve's", ada: b"ada's",
                           f"{folder('b_5', 6)}/{FILE}": b"", f"{folder('_c', 8)}/{ada}": b"eve's"})
    assert taken == {"aaa_x": [FILE], "ada": [FILE], "b_5": [FILE]}
    with open(platform.found["ada"]["src_files"][0], "rb") as file:
        assert file.read() == b"ada's"


def test_times_and_names_that_nbgrader_would_stop_for_stop_nobody(tmp_path, caplog):
    platform = Platform(tmp_path, caplog, FLAT)
    name = lambda who, when, what: f"ps1_{who}_attempt_{when}_{what}.ipynb"
    taken = platform.take({
        name("ada", "2027-01-01 10:00", "x"): b"old", name("ada", "2027-01-02 10:00", "x"): b"new",
        name("eve", "soon", "x"): b"", name("eve", "9" * 30, "y"): b"", name("eve", "", "x"): b"",
        name("eve", "2027-01-01", "x"): b"", name("eve", "1-1-1-1-1", "z"): b"",
        name("bob", "", "a.1"): b"one", name("bob", "", "a.2"): b"two",
        name("..", "2027-01-01", "x"): b"out"})
    assert taken == {"ada": ["x.ipynb"], "eve": ["x.ipynb"], "bob": ["a.ipynb"]}
    with open(platform.found["ada"]["src_files"][0], "rb") as file:
        assert file.read() == b"new"
    assert "says no time" in platform.said()


def test_a_students_paths_lead_nowhere_and_name_nobody_else(platform):
    eve, there = folder("eve", 5), f"{folder('ada')}/{FILE}"
    taken = platform.take({
        f"{eve}/../{there}": b"eve's", f"{eve}\\..\\{folder('ada')}\\b.ipynb": b"eve's",
        f"{eve}/ /{folder('ada')}/c.ipynb": b"eve's", f"/{folder('bob')}/{FILE}": b"bob's",
        f"{eve}/x.zip": zipped({there: b"eve's", f"../../{folder('carl')}/d.ipynb": b"eve's"}),
        f"{eve}/e.ipynb\0.txt": b"eve's"})
    assert set(taken) <= {"eve", "bob"}
    for who, data in platform.found.items():
        for source in data["src_files"]:
            with open(source, "rb") as file:
                assert file.read() == f"{who}'s".encode()
    assert not list(platform.extracted.parent.glob("*_assignsubmission*"))


def test_files_of_one_student_have_a_limit_together(platform, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_SUBMISSION", 3 << 20)
    files = {f"{folder('eve')}/{i}.ipynb": b"\0" * (1 << 20) for i in range(9)}
    taken = platform.take(files | {f"{folder('zoe')}/{i}.ipynb": b"\0" * (1 << 20)
                                   for i in range(3)})
    assert {who: len(names) for who, names in taken.items()} == {"eve": 3, "zoe": 3}
    assert "all files of eve have more than" in platform.said()


def many_entries(n: int) -> bytes:
    """A zip file of n entries that are all the same one."""
    raw = zipped({"a.ipynb": b"\0" * 1000})
    at = raw.index(b"PK\x01\x02")
    entry, end = raw[at:raw.index(b"PK\x05\x06")], raw[raw.index(b"PK\x05\x06"):]
    counts = (n % 65536).to_bytes(2, "little") * 2 + (n * len(entry)).to_bytes(4, "little")
    return raw[:at] + entry * n + end[:8] + counts + end[16:]


def lying(size: int) -> bytes:
    """A zip file that says its entry unpacks to another size."""
    raw = bytearray(zipped({"a.ipynb": b"\0" * (30 << 20)}))
    at = raw.index(b"PK\x01\x02")
    raw[at + 24:at + 28] = raw[22:26] = size.to_bytes(4, "little")
    return bytes(raw)


def marked_as(bits: int, kind: int | None = None) -> bytes:
    raw = bytearray(zipped({"a.ipynb": b"x"}))
    at = raw.index(b"PK\x01\x02")
    raw[6] = raw[at + 8] = bits
    if kind is not None:
        raw[8] = raw[at + 10] = kind
    return bytes(raw)


@pytest.mark.parametrize("raw", [
    many_entries(100_000), many_entries(999), marked_as(1), marked_as(0, zipfile.ZIP_LZMA),
    marked_as(0, 99), zipped({"a.ipynb": b"\0" * (MAX_FILE + 1)}), lying(0xfffffffe),
    zipped({"a/x.ipynb": b"1", "b/x.ipynb": b"2"}), b"PK\x05\x06" + b"\xff" * 18, b"PK\x03\x04",
    zipped({"a.ipynb": b"x"})[:-30], b""],
    ids=["many", "overlapping", "encrypted", "lzma", "unknown", "bomb", "lying", "twice", "end",
         "begin", "short", "empty"])
def test_a_zip_that_cannot_be_trusted_is_refused(raw):
    with pytest.raises(Refused, match=r"\.$"):
        unzip(raw, "x.zip")


def test_names_in_a_zip_that_only_look_the_same_are_two():
    found = unzip(zipped({"a.ipynb": b"1", "а.ipynb": b"2", "x" * 70 + "1.ipynb": b"3",
                          "x" * 70 + "2.ipynb": b"4", "a?.ipynb": b"5", "a*.ipynb": b"6"}), "x.zip")
    assert sorted(found.values()) == [b"1", b"2", b"3", b"4", b"5", b"6"]


# the exchange

@pytest.fixture
def exchange(tmp_path, caplog):
    """An inbox, and collect() -> student -> names of what was collected."""
    def run(**settings):
        course = CourseDirectory(root=str(tmp_path), course_id="c", assignment_id=NAME,
                                 db_url="sqlite:///:memory:")
        collector = Collect(coursedir=course, **settings)
        collector.root, collector.log = str(tmp_path / "exchange"), logging.getLogger("collect")
        collector.ensure_root = lambda: None
        with caplog.at_level(logging.WARNING):
            collector.start()
        submitted = tmp_path / "submitted"
        return {place.parent.name: sorted(p.name for p in place.iterdir())
                for place in submitted.glob(f"*/{NAME}")}

    inbound = tmp_path / "exchange" / "c" / "inbound"
    inbound.mkdir(parents=True)

    def hand_in(who: str, when="2027-01-01 00:00:00 UTC", assignment=NAME, **files):
        folder = inbound / f"{who}+{assignment}+{when}"
        folder.mkdir()
        for name, data in (files or {FILE: NOTEBOOK}).items():
            (folder / name).write_bytes(data)
        return folder
    said = lambda: "\n".join(record.getMessage() for record in caplog.records)
    return SimpleNamespace(collect=run, hand_in=hand_in, inbound=inbound, said=said,
                           submitted=lambda who: tmp_path / "submitted" / who / NAME)


def test_only_a_students_own_files_are_copied(exchange, tmp_path):
    mine = exchange.hand_in(ME)
    (tmp_path / "secret.ipynb").write_text("the instructor's")
    os.link(tmp_path / "secret.ipynb", mine / "linked.ipynb")
    os.symlink(tmp_path / "secret.ipynb", mine / "pointed.ipynb")
    os.mkfifo(mine / "pipe.ipynb")
    (mine / "folder.ipynb").mkdir()
    (mine / "Timestamp.TXT").write_text("1999-01-01 00:00:00 UTC")
    (mine / "a\nb\x1b.txt").write_text("x")
    taken, = exchange.collect().values()
    assert [name for name in taken if not name.startswith("a_b_~")] == [FILE, "timestamp.txt"]
    assert len(taken) == 3 and "another name elsewhere" in exchange.said()


def test_files_of_another_are_left_out(exchange, tmp_path, monkeypatch):
    mine = exchange.hand_in(ME, **{FILE: NOTEBOOK, "other.ipynb": b"x"})
    other, fstat = os.stat(mine / "other.ipynb").st_ino, os.fstat

    def belongs(fd):
        status = fstat(fd)
        parts = [*status]
        parts[4] = 65534 if status.st_ino == other else status.st_uid
        return os.stat_result(parts, {"st_ctime": status.st_ctime, "st_mtime_ns": 0,
                                      "st_ctime_ns": 0})
    monkeypatch.setattr(collect.os, "fstat", belongs)
    assert exchange.collect() == {ME: [FILE, "timestamp.txt"]}
    assert "it belongs to" in exchange.said()
    told = leftout.listed(tmp_path, NAME)
    assert list(told) == [ME] and "other.ipynb is left out: it belongs to" in told[ME]


def test_a_folder_that_is_swapped_for_a_link_is_not_followed(exchange, tmp_path, monkeypatch):
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / FILE).write_text("the solution")
    folders = [exchange.hand_in("ada"), exchange.hand_in("bea"), exchange.hand_in("eve")]
    init = Collect.init_src

    def swapped(self):
        init(self)
        folders[1].rename(tmp_path / "away")
        folders[2].rename(tmp_path / "gone")
        folders[2].symlink_to(tmp_path / "course")
    monkeypatch.setattr(Collect, "init_src", swapped)
    taken = exchange.collect(check_owner=False)
    assert list(taken) == ["ada"]
    assert "eve" in exchange.said() and "is a link" in exchange.said()


def test_a_file_that_grows_or_changes_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "a"
    for change in (lambda: path.write_bytes(b"yy"), lambda: path.write_bytes(b"y" * 10**6),
                   lambda: os.truncate(path, 0), lambda: os.truncate(path, 1 << 40)):
        path.write_bytes(b"x" * 100)
        with pytest.raises(Refused, match="changed while it was read"):
            read_file(str(tmp_path), "a", look=lambda status, change=change: change())
    path.write_bytes(b"x")
    assert read_file(str(tmp_path), "a") == b"x"


def test_files_that_take_no_room_have_a_limit_all_the_same(exchange, monkeypatch):
    monkeypatch.setattr(collect, "MAX_SUBMISSION", 1 << 20)
    eve = exchange.hand_in("eve")
    for i in range(50):
        with open(eve / f"{i}.bin", "wb") as file:
            os.truncate(file.fileno(), 300 << 10)
    with open(eve / "huge.bin", "wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    taken = exchange.collect(check_owner=False)["eve"]
    assert FILE in taken
    copied = sum(path.stat().st_size for path in exchange.submitted("eve").iterdir())
    assert copied <= (1 << 20) + 100
    assert "all files have more than" in exchange.said() and MAX_SUBMISSION > 1 << 20


def test_of_many_files_the_notebooks_are_taken_first(exchange):
    exchange.hand_in("eve", **{f"{i:04}.txt": b"" for i in range(MAX_FILES + 5)}, **{FILE: b"x"})
    assert FILE in exchange.collect(check_owner=False)["eve"]
    assert f"{MAX_FILES} of {MAX_FILES + 6}" in exchange.said()


@pytest.mark.parametrize("name,who", [
    (f"a+b+{NAME}+2027-01-01 00:00:00 UTC", "a+b"),
    (f"a+b+{NAME}+2027-01-01 00:00:00 UTC+r4nd0m", "a+b"),
    (f"ada+{NAME}+2027-01-01 00:00:00 UTC+r4nd0m", "ada"),
    (f"ada+{NAME}+2027-01-01 00:00:00 UTC+x+y", None),
    (f"ada+{NAME}+2027-01-01+{NAME}+2027-01-01", None),
    (f"ada+{NAME}+{NAME}+2027-01-01", None), (f"ada+ex02+2027-01-01+{NAME}+x", None),
    (f"ada+{NAME}+1+ex02+2027-01-01 00:00:00 UTC+r", None), (f"+{NAME}+2027-01-01", None),
    (f"ada+{NAME}+2027-01-01\n", None), (f"ada+{NAME}+", None), (f"ada\n+{NAME}+2027-01-01", None),
    (f"..+{NAME}+2027-01-01", None), (f"ada+{NAME}+" + "9" * 40, None),
    (f"ada\u202e+{NAME}+2027-01-01", None)])
def test_whose_a_folder_in_the_exchange_is(exchange, name, who):
    (exchange.inbound / name).mkdir()
    (exchange.inbound / name / FILE).write_bytes(NOTEBOOK)
    exchange.hand_in("zoe")
    taken = exchange.collect(check_owner=False)
    assert taken == {"zoe": [FILE, "timestamp.txt"]} | (
        {who: [FILE, "timestamp.txt"]} if who else {})


def test_the_latest_is_what_was_changed_last_whatever_its_name_says(exchange):
    exchange.hand_in("ada", "2099-01-01 00:00:00 UTC", **{FILE: b"first"})
    time.sleep(0.02)
    exchange.hand_in("ada", "2027-01-01 00:00:00 UTC", **{FILE: b"second"})
    exchange.collect(check_owner=False)
    assert (exchange.submitted("ada") / FILE).read_bytes() == b"second"
    (exchange.submitted("ada") / FILE).write_bytes(b"as it is")
    exchange.collect(check_owner=False, update=True)
    assert (exchange.submitted("ada") / FILE).read_bytes() == b"as it is"
    time.sleep(0.02)
    exchange.hand_in("ada", "2026-01-01 00:00:00 UTC", **{FILE: b"third"})
    exchange.collect(check_owner=False, update=True)
    assert (exchange.submitted("ada") / FILE).read_bytes() == b"third"


# names, wherever they come from

def test_a_stored_name_is_the_same_or_no_others():
    odd = [*HONEST_NAMES, "a\0b", "a\x01b", "a\x02b", "a/b", "x" * 400 + "1", "x" * 400 + "2",
           "\ud800", "a.b\u200b", "." * 300, "x." + "y" * 300]
    stored = [storable(name) for name in odd]
    assert len(set(stored)) == len(odd)
    assert all(name.isprintable() and "/" not in name for name in stored)
    assert all(len(name.encode()) <= 250 for name in stored)
    assert storable("Übung 1, (a) [b].ipynb") == "Übung 1, (a) [b].ipynb"


def test_no_two_students_look_like_one_in_the_table():
    names = ["x" * 99 + "a", "x" * 99 + "b", "-\x01", "-\x02", "-?", "-" + "y" * 99 + "1",
             "-" + "y" * 99 + "2", "\udcff", "\udcfe"]
    table = [called(name) for name in names]
    assert len(set(table)) == len(names) and all(name.isprintable() for name in table)
    assert table[:2] == names[:2] and is_student(names[0])
    rows = [{"student": name, "status": "", "score": "", "why": ""} for name in table]
    assert len(set(report.table(rows).splitlines())) == len(names) + 1


def test_names_that_look_alike_are_told():
    said = alike(["Ada", "аda", "bea", "ada", "bob", "bοlek"])
    assert sorted(said) == ["Ada", "ada", "bοlek", "аda"]
    assert r"'\u0430da'" in said["ada"] and "mixes alphabets" in said["bοlek"]
    assert not alike(["Søren", "José", "学生 Li", "Анна", "Άννα", "สมชาย", "o'neil", "x2", "x3"])


def test_many_loose_notebooks_are_not_all_read(tmp_path, monkeypatch):
    folder = tmp_path / "eve" / NAME
    folder.mkdir(parents=True)
    for i in range(30):
        (folder / f"{i}.ipynb").write_bytes(b"x" * 1000)
    read = []
    monkeypatch.setattr(choice, "read_file", lambda *a: read.append(a) or b"")
    taken = take(tmp_path, "eve", NAME, {NAME: None}, {NAME: {}})
    assert "30 other notebooks" in taken.refused and not read


def test_no_cell_of_the_marks_begins_a_formula(tmp_path):
    file = tmp_path / "marks.csv"
    for why, cell in {"+1-1 cmd@x.ipynb was taken": "'+1-1 cmd@x.ipynb was taken",
                      "@SUM(1)": "'@SUM(1)", "-0.5": "-0.5", "late": "late"}.items():
        marks_out.export([{"score": "1", "why": why}], file, ["why={why}"])
        assert file.read_text().splitlines() == ["why", cell]


def test_a_picture_has_a_name_of_some_length():
    picture = {"image/png": "QUJD"}
    cell = {"cell_type": "markdown", "attachments": {"a": picture, "b" * 10**6: picture}}
    raw = json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": [cell]}).encode()
    assert list(intake.parse(raw, "x.ipynb")[0].attachments) == ["a"]


def test_a_folder_in_a_submission_is_left_out_by_name(exchange, tmp_path):
    folder = exchange.hand_in("ada", **{FILE: NOTEBOOK})
    for name in ("written", ".ipynb_checkpoints", *"abcdef"):
        (folder / name).mkdir()
        (folder / name / "answer.pdf").write_bytes(b"%PDF")
    assert exchange.collect(check_owner=False) == {"ada": [FILE, "timestamp.txt"]}
    row = leftout.listed(tmp_path, NAME)["ada"]
    assert "a is left out: a folder is not taken; so are 3 more" in row
    assert "checkpoints" not in row and "d is left out" in row and "e is left out" not in row
    assert "d is left out" in exchange.said()
