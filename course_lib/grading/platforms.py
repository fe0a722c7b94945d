"""Whose a downloaded file is, by the names that Moodle, Canvas, Blackboard and ILIAS give.

What a student calls a file may look like another platform's name: so all files of a download are
read as one platform's, which fits them all.
"""
import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from dateutil import parser as dates
from nbgrader.plugins import FileNameCollectorPlugin
from traitlets import Unicode

from course_lib.grading.intake import Refused, is_student
from course_lib.grading.moments import moment
from course_lib.grading.names import composed
from course_lib.grading.tables import Person

# who: the name; number: the platform's; of two files of one name the one with the larger order is
# the later. Sources: Moodle's mod/assign/locallib.php (download_submissions), Canvas'
# lib/content_zipper.rb, Blackboard's "Assignment File Download", ILIAS' class.ilExSubmission.php.
FILE = r"(?:(?P<order>\d+)_(?P<file>.+)|(?P<text>(?:text|link)\.html))"
FORMS = {
    "moodle": [r"(?P<who>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?"],
    "canvas": [rf"(?:LATE_)?(?P<who>anon)_(?P<number>[A-Za-z0-9]+)_{FILE}",
               rf"(?P<who>(?!LATE_|anon_)\w+?)_(?:LATE_)?(?P<number>\d+)_{FILE}"],
    "blackboard": [r"(?P<who>.+?)_attempt_(?P<order>\d{4}(?:-\d\d){5})"
                   r"(?:_(?P<file>.+)|(?P<receipt>\.txt)?)"]}
ILIAS = r"(?P<who>(?:[^_]+_){2,}(?P<login>[^_]+))_(?P<number>\d+)"
LASTING = ("canvas", "blackboard", "ilias")     # whose number is the person's in every assignment


class Handed(NamedTuple):
    """A file of a download: who handed it in, by the platform's number and name, and which of
    several of the same name it is. `file` is "" where the platform itself wrote it."""

    platform: str
    number: str
    who: str
    file: str
    order: tuple[int, ...] = ()
    when: str = ""
    login: str = ""


def read(parts: list[str], platform: str) -> Handed | None:
    """Reads a path in a platform's download, from the outside; what lies deeper is the
    student's."""
    last = composed(parts[-1])
    for i, part in enumerate(map(composed, parts)):
        matches = (re.fullmatch(form, part, re.DOTALL) for form in FORMS.get(platform, ()))
        match = next(filter(None, matches), None)
        if not match:
            continue
        found, inner = match.groupdict(), i < len(parts) - 1
        order, when = found.get("order") or "", ""
        if platform == "blackboard":
            try:
                when = str(datetime.strptime(order, "%Y-%m-%d-%H-%M-%S"))
            except ValueError:
                continue
        file = last if inner else found["file"] or found.get("text") or ""
        order = tuple(map(int, order.split("-"))) if order else ()
        number = found.get("number") or found["who"]
        return Handed(platform, number, found["who"], file, order, when)
    folders = map(composed, parts[:-1]) if platform == "ilias" else ()
    match = next(filter(None, (re.fullmatch(ILIAS, folder) for folder in folders)), None)
    if match:
        login = match["login"] if match["who"].count("_") == 2 else ""
        return Handed(platform, match["number"], match["who"], last, login=login)
    return None


def above(paths: list[list[str]]) -> int:
    """How many folders of an ILIAS download are the exercise's, and no student's, though one of
    them may be named like one: all files lie in them, and in a student's folder below."""
    paths, n = [path for path in paths if read(path, "ilias")], 0
    while paths and len({path[n] for path in paths}) == 1 and all(
            read(path[n + 1:], "ilias") for path in paths):
        n += 1
    return n


def is_handed_in(path: list[str]) -> bool:
    """Whether any platform could have named a student's file so: that is no table to believe,
    unless it is called as Blackboard calls its Grade Center."""
    table = re.fullmatch(r"gc_.+_\d{4}(-\d\d){5}\.\w+", path[-1])
    return not table and any(read(path, name) for name in FORMS)


def platform_of(paths: list[list[str]]) -> str:
    """The platform whose names all these are; "" if there is none. Errors: Refused where several
    fit."""
    fits = {name: {i for i, path in enumerate(paths) if read(path, name)}
            for name in (*FORMS, "ilias")}
    some = set().union(*fits.values())
    found = [name for name, those in fits.items() if some and those == some]
    if len(found) > 1 and all(any(part.startswith("gradebook_") for part in paths[i])
                              for i in some):
        found = ["blackboard"]                  # which begins all names so
    if some and len(found) != 1:
        raise Refused("These names could be several platforms': say which with "
                      f"--Recognise.platform=NAME, one of {', '.join(fits)}.")
    return found[0] if found else ""


def username(handed: Handed, receipt: Callable[[], bytes] | None, known: set[str]) -> Handed:
    """Of Blackboard's title_username the user's name: as the receipt beside it says, else the
    one of a known student, else what follows the only _. Errors: Refused where it is not clear."""
    try:
        text = receipt()[:10_000].decode("utf-8", "replace") if receipt else ""
    except Refused:
        text = ""
    said = re.match(r"Name: .* \(([^()\n]+)\)\s", text)
    ends = lambda names: sorted((n for n in names if n and handed.who.endswith(f"_{n}")), key=len)
    names = ends([said[1]] if said else []) or ends(known)
    if not names and handed.who.count("_") < 2:
        names = [handed.who.rpartition("_")[2]]
    if len(names) != 1:
        raise Refused("whose it is, is not clear without Blackboard's receipt, the .txt beside "
                      "it: lay the Grade Center's table beside the archive.")
    return handed._replace(number=names[0], who=names[0], login=names[0])


def name_with_number(who: str, number: str) -> str:
    """What a student is called of whom only the platform knows: no two have one number."""
    plain = re.sub(r"[^\w.@+'’ -]|\s", " ", composed(who))
    plain = " ".join(re.sub(r"^[\W_]+", "", plain).split())[:60].strip()
    name = f"{plain or 'student'}-{number}"
    return name if is_student(name) else f"student-{number}"


class Roster:
    """Who has which of a platform's numbers: from tables beside the download, and the gradebook's
    students (with id, email and lms_user_id). Errors: Refused where two tables disagree."""

    def __init__(self, platform: str, persons: list[Person], students: list):
        self.persons: dict[str, Person] = {}
        for person in filter(lambda person: person.number, persons):
            other = self.persons.setdefault(person.number, person)
            if other.ids and person.ids and not {*other.ids} & {*person.ids}:
                raise Refused(f"Two tables disagree on whose number {ascii(person.number)} is: "
                              "leave only this assignment's beside the download.")
        self.students, self.lasting = students, platform in LASTING

    def known(self) -> set[str]:
        """Whatever a student may be called on the platform."""
        return {*self.persons, *(s.id for s in self.students),
                *(s.lms_user_id for s in self.students)}

    def person(self, handed: Handed) -> Person | None:
        return self.persons.get(handed.number) or self.persons.get(handed.login)

    def student(self, handed: Handed) -> str:
        """What this student is called in the gradebook."""
        person = self.person(handed)
        if self.lasting:
            numbers = {handed.number, handed.login} - {""}
            its = [s.id for s in self.students if s.lms_user_id in numbers or s.id == handed.login]
            if len(its) == 1:
                return its[0]
        if person and (name := known_as(person, self.students)):
            return name
        if handed.login and is_student(handed.login):
            return handed.login
        return name_with_number(handed.who, handed.number)


def known_as(person: Person, students: list) -> str:
    """The student of the gradebook who is this person, by id or by email; else the person's best
    id; "" where there is none."""
    by_id = [s.id for name in person.ids for s in students if s.id == name]
    by_email = [s.id for s in students if person.email and s.email
                and s.email.casefold() == person.email.casefold()]
    fresh = [name for name in person.ids if is_student(name)]
    return (by_id or (by_email if len(by_email) == 1 else []) or fresh or [""])[0]


class GermanDates(dates.parserinfo):
    JUMP = [*dates.parserinfo.JUMP, "uhr", "um"]
    WEEKDAYS = [(*names, german) for names, german in zip(
        dates.parserinfo.WEEKDAYS, ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag",
                                    "Samstag", "Sonntag"))]
    MONTHS = [(*names, german) for names, german in zip(
        dates.parserinfo.MONTHS, ("Januar", "Februar", "März", "Apr.", "Mai", "Juni", "Juli",
                                  "Aug.", "Sept.", "Oktober", "Nov.", "Dezember"))]


def zone_of(name: str) -> tzinfo:
    """The time zone of this name. Errors: Refused, with a sentence, if there is none."""
    try:
        return moment(f"2027-01-01 12:00:00 {name}").tzinfo
    except ValueError as why:
        raise Refused(f"c.Exchange.timezone: {why}") from None


def utc(text: str, zone: str) -> str:
    """A platform's time as nbgrader takes it, or "" if there is none. The platform names no zone:
    it is c.Exchange.timezone's. Errors: Refused, if there is no such zone."""
    there = zone_of(zone)
    if not text.strip("- "):
        return ""
    try:
        try:
            when = datetime.fromisoformat(text)     # which is never read with the day first
        except ValueError:
            when = dates.parse(text, GermanDates(dayfirst=True))
        return str(when.replace(tzinfo=when.tzinfo or there).astimezone(UTC).replace(tzinfo=None))
    except (ValueError, OverflowError):
        return ""


class Recognise(FileNameCollectorPlugin):
    """The collector of `nbgrader zip_collect` (c.ZipCollectApp.collector_plugin): takes whose a
    file is from the name that the platform gave. A named_regexp goes before, if there is one."""

    platform = Unicode("", help="moodle, canvas, blackboard or ilias, where it is not clear").tag(
        config=True)
    known: dict[str, dict]                      # Extract fills it: path -> what nbgrader asks for

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.known = {}

    def collect(self, submitted_file):
        if not self.named_regexp:
            return self.known.get(submitted_file)
        return self._match(submitted_file)
