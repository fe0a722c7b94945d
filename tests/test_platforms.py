"""Files as Moodle, Canvas, Blackboard and ILIAS name them, and their tables: whose is whose, on the
way in and on the way out. The names are made as the platforms' sources and manuals say."""
import logging
import unicodedata

import pytest
from course import Course, zipped
from exercise import ROOT
from nbgrader.apps import ZipCollectApp
from nbgrader.coursedir import CourseDirectory

from course_lib.grading import downloads, leftout, marks_out, platforms
from course_lib.grading.downloads import Extract
from course_lib.grading.gradebook import Known
from course_lib.grading.intake import MAX_FILE, Refused
from course_lib.grading.platforms import Recognise, read
from course_lib.grading.tables import Table

NAME = "ex01_minimax"
FILE = f"{NAME}.ipynb"
NOTEBOOK = (ROOT / "exercises" / NAME / FILE).read_bytes()
NFD = lambda text: unicodedata.normalize("NFD", text)
SHEET = ("Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,"
         "Grade can be changed,Last modified (submission),Last modified (grade),"
         "Feedback comments\n")


class Download:
    """What `nbgrader zip_collect` makes of a download."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.archive = folder, folder / "archive"
        self.known: list[Known] = []
        for place in (self.archive, folder / "extracted", folder / "exercises" / NAME):
            place.mkdir(parents=True)
        (folder / "exercises" / NAME / FILE).write_bytes(b"")
        monkeypatch.setattr(downloads, "students", lambda course: self.known)

    def take(self, files: dict, **beside: bytes) -> dict[str, dict[str, bytes]]:
        """student -> file -> content, of an archive with these files, and what lies beside it."""
        (self.archive / "all.zip").write_bytes(zipped(files))
        for name, data in beside.items():
            (self.archive / f"{name}.csv").write_bytes(data)
        app = ZipCollectApp(log=logging.getLogger("collect"))
        app.coursedir = CourseDirectory(root=str(self.folder), assignment_id=NAME,
                                        release_directory="exercises")
        app.collector_plugin_inst = Recognise(parent=app)
        extracted = self.folder / "extracted"
        Extract(parent=app).extract(str(self.archive), str(extracted))
        found = app._collect_files(sorted(str(p) for p in extracted.rglob("*") if p.is_file()))
        self.times = {who: str(data["timestamp"] or "") for who, data in found.items()}
        self.left = leftout.listed(self.folder, NAME)
        content = lambda path: (self.folder / path).read_bytes()
        return {who: dict(zip(data["file_ids"], map(content, data["src_files"])))
                for who, data in found.items()}


@pytest.fixture
def download(tmp_path, monkeypatch):
    return Download(tmp_path, monkeypatch)


NAMES = ["Anna Schmidt", "Anna Schmidt", "Schmidt, Anna", "Jörg Müller (extern)", "a_b c",
         "Sinéad O’Neil", "Nguyễn Văn", "学生 李", "Participant", "Teilnehmerin"]


@pytest.mark.parametrize("form", ["{}_{}_assignsubmission_file_/", "{}_{}_assignsubmission_file/",
                                  "{}_{}_assignsubmission_file_"])
def test_moodle_s_number_tells_who_is_who(download, form):
    files = {form.format(name, 1000 + i) + FILE: name.encode() for i, name in enumerate(NAMES)}
    text = form.replace("file", "onlinetext").format("Anna Schmidt", 1000) + "onlinetext.html"
    taken = download.take(files | {text: b"hello"})
    assert len(taken) == len(NAMES) and not download.left
    for i, name in enumerate(NAMES):
        who, = [who for who in taken if who.endswith(f"-{1000 + i}")]
        assert taken[who][FILE] == name.encode()
    assert taken["Anna Schmidt-1000"]["onlinetext.html"] == b"hello"


def test_moodle_s_worksheet_beside_the_archive_says_ids_and_times(download):
    sheet = SHEET + ('Participant 7,"Schmidt, Anna",M-1,a1@u.de,,,100,Yes,'
                     '"Friday, 20 November 2026, 2:05 PM",-,\n'
                     'Participant 8,"Schmidt, Anna",,a2@u.de,,,100,Yes,-,-,\n'
                     'Participant 9,Zoë,M-1,z@u.de,,,100,Yes,-,-,\n')
    download.known = [Known("login2", "A2@u.de", "")]
    taken = download.take({f"Schmidt, Anna_{i}_assignsubmission_file_/{FILE}": b"%d" % i
                           for i in (7, 8, 9)}, sheet=b"\xef\xbb\xbf" + sheet.encode())
    assert taken == {"a1@u.de": {FILE: b"7"}, "login2": {FILE: b"8"}, "z@u.de": {FILE: b"9"}}
    assert download.times["a1@u.de"] == "2026-11-20 14:05:00" and not download.times["login2"]


def test_moodle_s_numbers_are_of_no_list_and_of_one_worksheet(download):
    file = {f"Ada_7_assignsubmission_file_/{FILE}": b""}
    assert list(download.take(file, students=b"id,lms_user_id\nzed,7\n")) == ["Ada-7"]
    sheets = {f"sheet{who}": (SHEET + f"Participant 7,{who},{who},,,,100,Yes,-,-,\n").encode()
              for who in ("ada", "zed")}
    with pytest.raises(SystemExit):
        download.take(file, **sheets)


def test_of_canvas_s_files_the_last_upload_counts_and_has_its_own_name(download):
    taken = download.take({
        f"doejane_12_100_{NAME}.ipynb": b"old", f"doejane_LATE_12_300_{NAME}-2.ipynb": b"new",
        f"doejane_12_200_{NAME}-1.ipynb": b"mid", "doejane_12_101_helper-1.py": b"1",
        f"doejane_13_102_{FILE}": b"another",
        f"anon_a1B2c_104_{FILE}": b"nobody", f"LATE_anon_Zz9_105_{FILE}": b"late",
        "muellerjoerg_15_text.html": b"text", "roe_16_106_part-2.ipynb": b"his name"})
    assert taken["doejane-12"] == {FILE: b"new", "helper.py": b"1"}
    assert taken["doejane-13"] == {FILE: b"another"} and taken["roe-16"] == {
        "part-2.ipynb": b"his name"}
    assert taken["anon-a1B2c"] == {FILE: b"nobody"} and taken["anon-Zz9"] == {FILE: b"late"}
    assert taken["muellerjoerg-15"] == {"text.html": b"text"}
    assert list(download.left) == ["doejane-12"]
    assert download.left["doejane-12"].count(f"{NAME}-2.ipynb was uploaded later (number 300)") == 2


def test_canvas_s_number_is_the_person_s_in_every_assignment(download):
    download.known = [Known("jd42", "", "12"), Known("other", "", "99")]
    assert list(download.take({f"doejane_12_100_{FILE}": b""})) == ["jd42"]


def test_of_blackboard_s_attempts_the_latest_with_a_notebook_counts(download):
    name = "gradebook_2025_101_Sheet_1_{}_attempt_2026-11-{}-14-05-33"
    receipt = "Name: Jay Doe (j_doe)\nAssignment: Sheet 1\n"
    download.known = [Known("doe", "", "")]
    first, last, later = (name.format("j_doe", day) for day in (20, 22, 23))
    taken = download.take({
        f"{first}.txt": receipt.encode(), f"{first}_a.ipynb": b"1", f"{first}_table.csv": b"old",
        f"{last}.txt": receipt.encode(), f"{last}_b.ipynb": b"2", f"{later}_photo.jpg": b"3",
        f"{name.format('doe', 21)}_a.ipynb": b"doe's"})
    assert taken == {"j_doe": {"b.ipynb": b"2", "photo.jpg": b"3"}, "doe": {"a.ipynb": b"doe's"}}
    assert download.times == {"j_doe": "2026-11-23 14:05:33", "doe": "2026-11-21 14:05:33"}
    assert download.left["j_doe"].count(
        "earlier attempt (2026-11-20 14:05:33); that of 2026-11-22 14:05:33 counts") == 2


def test_without_a_receipt_blackboard_s_files_are_nobody_s_but_a_known_student_s(download):
    files = {f"Ex1_{who}_attempt_2026-11-20-14-05-33_a.ipynb": who.encode()
             for who in ("mary_ada", "bob")}
    assert download.take(files) == {"bob": {"a.ipynb": b"bob"}}
    assert "without Blackboard's receipt" in download.left["Ex1_mary_ada"]


@pytest.mark.parametrize("text,zone,expected", [
    ("2027-05-01 12:00:00", "Europe/Berlin", "2027-05-01 10:00:00"),
    ("2027-02-03 12:00:00", "UTC", "2027-02-03 12:00:00"),
    ("3.2.2027, 12:00", "UTC", "2027-02-03 12:00:00"),
    ("Samstag, 1. Mai 2027, 12:00", "Europe/Berlin", "2027-05-01 10:00:00"), ("-", "UTC", "")])
def test_a_time_s_day_and_month_are_not_mixed_up(text, zone, expected):
    assert platforms.utc(text, zone) == expected


def test_a_misspelt_time_zone_is_told_and_is_not_utc():
    with pytest.raises(Refused, match=r"c\.Exchange\.timezone: .*Europe/Belrin.* is not known"):
        platforms.utc("1 May 2027, 12:00", "Europe/Belrin")


def test_ilias_folders_are_read_by_login(download):
    taken = download.take({f"Sheet_1_77/Abgaben/Doe_Jane_jdoe_4711/{FILE}": b"1",
                           f"Sheet_1_77/Abgaben/von_Roe_Max_mroe_4712/{FILE}": b"2"})
    assert taken == {"jdoe": {FILE: b"1"}, "von_Roe_Max_mroe-4712": {FILE: b"2"}}


STAMP = "attempt_2027-05-01-12-00-00"


def test_a_file_s_name_turns_no_ilias_download_into_another_platform_s(download):
    taken = download.take({
        f"Ex/Meyer_Anna_ameyer_11/{FILE}": b"anna", f"Ex/Lee_Bo_bo_12/{FILE}": b"bo",
        f"Ex/Evil_Mal_mal_13/x_ameyer_{STAMP}_{FILE}": b"mal"})
    assert taken == {"ameyer": {FILE: b"anna"}, "bo": {FILE: b"bo"},
                     "mal": {f"x_ameyer_{STAMP}_{FILE}": b"mal"}}
    with pytest.raises(Refused, match="--Recognise.platform="):
        platforms.platform_of([["all", "Evil_Mal_mal_13", f"x_ameyer_{STAMP}_{FILE}"]])


def test_an_ilias_exercise_may_be_named_like_a_student_s_folder(download):
    sheet = "My_first_exercise_77"
    taken = download.take({f"{sheet}/Lee_Bo_bo_12/{FILE}": b"bo",
                           f"{sheet}/Evil_Mal_mal_13/Lee_Bo_bo_12/x.ipynb": b"mal"})
    assert taken == {"bo": {FILE: b"bo"}, "mal": {"x.ipynb": b"mal"}}


def test_what_lies_unpacked_in_a_student_s_folder_is_the_student_s(download):
    for who, name, data in (
            ("Evil_Mal_mal_13", "w.zip", zipped({f"No_Body_cleo_99/{FILE}": b"mal"})),
            ("Lee_Bo_bo_12", FILE, b"bo")):
        folder = download.archive / "Ex" / who
        folder.mkdir(parents=True)
        (folder / name).write_bytes(data)
    assert download.take({}) == {"mal": {FILE: b"mal"}, "bo": {FILE: b"bo"}}


def test_a_student_s_table_is_not_believed(download):
    fake = b"Student,ID,SIS User ID,SIS Login ID,Section\nx,12,boss,boss,A\nx,13,mal,mal,A\n"
    for name, data in ((f"boss_13_101_{FILE}", b"boss"), ("malevil_12_103_data.csv", fake),
                       (f"malevil_12_104_{FILE}", b"mal")):
        (download.archive / name).write_bytes(data)
    taken = download.take({})
    assert taken == {"boss-13": {FILE: b"boss"}, "malevil-12": {FILE: b"mal", "data.csv": fake}}
    assert platforms.is_handed_in([f"Ex_mal_{STAMP}_data.csv"])
    assert platforms.is_handed_in(["Mal_3_assignsubmission_file_data.csv"])
    for name in ("gc_2025_101_fullgc_2026-11-20-14-05-33.xls", "Grades-Logic-Ex 1-12.csv",
                 "2026-11-20T1405_Grades-AI.csv", "students.csv"):
        assert not platforms.is_handed_in([name])


def test_a_student_s_file_name_is_no_other_platform_s(download):
    taken = download.take({
        f"eve_12_34_a_jdoe_attempt_2026-11-20-14-05-33_{FILE}": b"", f"jdoe_13_35_{FILE}": b"",
        f"eve_12_36_ada_9_assignsubmission_file_{FILE}": b""})
    assert sorted(taken) == ["eve-12", "jdoe-13"] and len(taken["eve-12"]) == 2
    moodle = ["all", f"Ada_1_assignsubmission_file_5_6_{FILE}"]
    assert read(moodle, "moodle").number == "1"
    with pytest.raises(Refused, match="--Recognise.platform="):
        platforms.platform_of([moodle])


def test_whatever_is_left_out_is_said_of_whom(download):
    one = "Ada_1_assignsubmission_file_/{}"
    large = zipped({"large.ipynb": b"\0" * (MAX_FILE + 1)})
    (download.archive / "Ed_5_assignsubmission_file_x.zip").write_bytes(b"unpacked by hand, broken")
    taken = download.take({
        one.format(FILE): b"", one.format("helper.py"): b"x = 1", one.format("photo.jpg"): b"jpg",
        one.format("timestamp.txt"): b"1999", one.format("nbgrader_config.py"): b"",
        "Bea_2_assignsubmission_file_/large.ipynb": b"\0" * (MAX_FILE + 1),
        "Cy_3_assignsubmission_file_/mine.zip": large, "Di_4_assignsubmission_file_/x.zip": b"?",
        "notes of the tutor.txt": b""})
    assert {who: sorted(files) for who, files in taken.items()} == {
        "Ada-1": [FILE, "helper.py", "photo.jpg"]}
    for who, why in {"Ada-1": "timestamp.txt is left out", "Bea-2": "more than 20 MB",
                     "Cy-3": "more than 20 MB", "Di-4": "cannot be unpacked",
                     "Ed-5": "cannot be unpacked",
                     "all": "notes of the tutor.txt is left out"}.items():
        assert why in download.left[who]
    assert sorted(download.left) == ["Ada-1", "Bea-2", "Cy-3", "Di-4", "Ed-5", "all"]


def row(student: str, score="7.5", **more) -> dict:
    return {"student": student, "email": "", "lms_user_id": "", "score": score, "max_score": "100",
            "why": "", "status": "graded"} | more


GERMAN = ("ID;Vollständiger Name;Matrikelnummer;E-Mail-Adresse;Status;Bewertung;Bestwertung;"
          "Bewertung kann geändert werden;Zuletzt geändert (Abgabe);Zuletzt geändert (Bewertung);"
          "Feedback als Kommentar\r\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_moodle_s_worksheet_comes_back_with_marks_and_else_as_it_was(tmp_path, encoding):
    rows = ["Teilnehmer/in7;Jörg;M1;j@u.de;x;{};100,00;Ja;-;-;{}", "Teilnehmer/in8;=1+1;;;x;;100,00"
            ";Ja;-;-;", "Teilnehmer/in9;Zoë;;z@u.de;x;{};100,00;Ja;-;-;", ""]
    sheet = GERMAN + "\r\n".join(rows)
    path = tmp_path / "sheet.csv"
    path.write_bytes(sheet.replace("{}", "").encode(encoding))
    said = marks_out.fill([row("M1", why="a < b; late"), row("Zoë-9", score="3"), row("M8")], path,
                          path, NAME)
    expected = [rows[0].format("7,5", '"a &lt; b; late"'), rows[1], rows[2].format("3"), ""]
    assert path.read_bytes() == (GERMAN + "\r\n".join(expected)).encode(encoding)
    assert said == ["Not in sheet.csv: M8."]


def test_canvas_s_gradebook_gets_the_scores_by_its_numbers(tmp_path):
    head = 'Student,ID,SIS User ID,SIS Login ID,Section,{},Other (2),Current Score\n'
    rows = ('    Points Possible,,,,,100,5,(read only)\n"Doe, Jane",12,s12,jd,A,{},1,9\n'
            '"Doe, Jane",13,s13,jd2,A,{},1,9\n"Student, Test",14,,x,A,,,\n')
    path, copy = tmp_path / "book.csv", tmp_path / "marks.csv"
    path.write_text(head.format("Ex 01: minimax (4711)") + rows.format("", 4))
    given = path.read_bytes()
    found = [row("any", lms_user_id="12"), row("s13", score="2"), row("none", score="")]
    assert marks_out.fill(found, path, copy, NAME) == [] and path.read_bytes() == given
    assert copy.read_text() == head.format("Ex 01: minimax (4711)") + rows.format("7.5", 2)
    path.write_text(head.format("Game (4711)") + rows.format("", 4))
    with pytest.raises(ValueError, match=r"--title.*'Game \(4711\)', 'Other \(2\)'"):
        marks_out.fill(found, path, copy, NAME)
    marks_out.fill(found, path, copy, NAME, "4711")
    assert copy.read_text() == head.format("Game (4711)") + rows.format("7.5", 2)


def test_blackboard_s_grade_center_keeps_its_tabs_quotes_and_encoding(tmp_path):
    head = '"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"Last Access"\t"Availability"\t' \
           f'"{NAME} [Total Pts: 100 Score] |123456"\n'
    line = '"Doe"\t"J"\t"j_doe"\t"1"\t"2026-11-20 10:00:00"\t"Yes"\t"{}"\n'
    path = tmp_path / "gc.xls"
    path.write_bytes((head + line.format("")).encode("utf-16"))
    marks_out.fill([row("j_doe")], path, path, NAME)
    assert path.read_bytes() == (head + line.format("7.5")).encode("utf-16")


def test_another_maximum_is_told_and_a_list_is_no_worksheet(tmp_path):
    path = tmp_path / "sheet.csv"
    path.write_text(SHEET + "Participant 7,Ada,M1,a@u.de,,,10,Yes,-,-,\n")
    said, = marks_out.fill([row("M1")], path, path, NAME)
    assert "maximum of 10 points" in said
    path.write_text("id,email\nM1,a@u.de\n")
    with pytest.raises(ValueError, match="no table of a platform"):
        marks_out.fill([row("M1")], path, path, NAME)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("mark", ",;\t")
def test_a_list_of_students_is_read_as_excel_writes_it(encoding, mark):
    text = mark.join(("ID", "First_Name", " last_name", "email")) + "\r\n"
    text += mark.join(("m1", "Zoë", '"Å, ""B"""', "")) + "\r\n"
    person, = Table(text.encode(encoding), "x.csv").persons()
    assert (person.ids, person.first, person.last) == (("m1",), "Zoë", 'Å, "B"')


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A semester's exercise through Moodle, whose students were imported before."""
    course = Course(tmp_path_factory.mktemp("moodle"), NAME)
    students = f"id;first_name;last_name;email\r\n{NFD('zoë')};Zoë;Å;z@u.de\r\n"
    (course.folder / "students.csv").write_bytes(students.encode("utf-8-sig"))
    course.nbgrader("db", "student", "import", "students.csv")
    archive = course.folder / "downloaded" / NAME / "archive"
    archive.mkdir(parents=True)
    (archive / "all.zip").write_bytes(zipped({
        f"Anna Schmidt_1_assignsubmission_file_/{FILE}": NOTEBOOK,
        f"Anna Schmidt_2_assignsubmission_file_/{FILE}": NOTEBOOK,
        f"{NFD('Zoë Å')}_3_assignsubmission_file_{FILE}": NOTEBOOK,
        f"Bo_4_assignsubmission_file_/{FILE}": b"\0" * (MAX_FILE + 1)}))
    sheet = SHEET + "".join(
        f"Participant {i},{name},{id_},{mail},,,20.00,Yes,-,-,\n" for i, name, id_, mail in (
            (1, "Anna Schmidt", "M1", "a1@u.de"), (2, "Anna Schmidt", "M2", "a2@u.de"),
            (3, "Zoë Å", "", "z@u.de"), (4, "Bo", "M4", "b@u.de")))
    for place in (archive / "sheet.csv", course.folder / "sheet.csv"):
        place.write_bytes(sheet.encode("utf-8-sig"))
    course.nbgrader("zip_collect", NAME)
    decomposed = course.folder / "submitted" / NFD("zoë") / NAME
    decomposed.mkdir(parents=True)
    (decomposed / FILE).write_bytes(b"not this one")
    course.table = course.grade("--into", "sheet.csv")
    return course


@pytest.mark.loop
def test_who_handed_in_through_moodle_has_one_row_and_a_line_in_the_worksheet(course):
    lines = course.table.split("student  ")[-1].splitlines()
    status = {line.split()[0]: line for line in lines[1:5]}
    assert [line.split()[1] for line in status.values()][:4].count("graded") == 3
    assert sorted(status) == ["M1", "M2", "M4", "zoë"]
    assert "left out" in status["M4"] and "more than 20 MB" in status["M4"]
    assert "two folders of this name" in status["zoë"]
    sheet = Table.read(course.folder / "sheet.csv")
    scores = {line[0]: line[5] for line in sheet.rows[1:]}
    assert sheet.encoding == "utf-8-sig" and scores.pop("Participant 4") == ""
    assert len(scores) == 3 and all(map(str.isdigit, scores.values()))
    assert "accents" in sheet.rows[3][-1]


@pytest.mark.loop
def test_what_the_platform_knows_of_a_student_is_in_the_gradebook(course):
    listed = course.nbgrader("db", "student", "list")
    assert "zoë (Å, Zoë) -- z@u.de" in listed and NFD("zoë") not in listed
    assert "M1 (Anna Schmidt, None) -- a1@u.de" in listed
