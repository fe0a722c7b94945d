"""Dates with their time zone, as instructors and collectors write them.

nbgrader takes a zone that it does not know for UTC, and +0200 for 200 seconds: what is read here is
read strictly, and `refuse_misread` stops the one command in which a date goes to nbgrader itself.
"""
import re
import sys
import warnings
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from dateutil import parser

CLOCKS = {"CET": "Europe/Brussels", "MEZ": "Europe/Brussels", "MET": "Europe/Brussels",
          "WET": "Europe/Lisbon", "EET": "Europe/Athens", "OEZ": "Europe/Athens",
          "WEZ": "Europe/Lisbon"}               # as the tz database has CET: also in summer
HOURS = {"UTC": 0, "GMT": 0, "Z": 0, "WEST": 1, "WESZ": 1, "BST": 1, "CEST": 2, "MESZ": 2,
         "MEST": 2, "SAST": 2, "EEST": 3, "OESZ": 3, "MSK": 3, "TRT": 3,
         "NST": -3.5, "NDT": -2.5, "BRT": -3, "ART": -3, "UYT": -3, "CLT": -4, "CLST": -3,
         "AST": -4, "ADT": -3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
         "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10, "HDT": -9}
SEVERAL = {"IST": "India, Ireland and Israel"}
OFFSET = r"(?:UTC|GMT)?\s?([+\-−])(\d{1,2})(?::?(\d\d))?"
ZONE = re.compile(rf"(?<=[\d\s])(?P<zone>{OFFSET}|(?!(?:AM|PM|am|pm)$)"
                  r"[A-Za-z]+(?:\d[A-Z]+)?(?:[/_+\-][A-Za-z0-9_+\-]+)*|\([^()]*\))$")


class Unclear(ValueError):
    """Of a date and time that can be read, but in more than one way."""


def moment(text: str) -> datetime:
    """What a date and time with its zone mean, in that zone; without one, in UTC. The zone is an
    offset, an abbreviation of Europe or America, or a name such as Europe/Berlin. Errors:
    ValueError, with a sentence; Unclear, which is one, where a date is there."""
    text = text.strip()
    found = ZONE.search(text) if re.search(r"\d[T\s]\s*\d|:\d", text) else None
    zone = found["zone"].strip() if found else "UTC"
    when = _clock(text[:found.start()].strip() if found else text, text)
    try:
        return _placed(when, _zone(zone), text)
    except OverflowError:
        raise ValueError(f"“{text}” is no date that a course has.") from None


def _clock(clock: str, text: str) -> datetime:
    """A date and time without a zone."""
    clock = re.sub(r"^(\d{4}-\d\d-\d\d)-(\d\d)-(\d\d)-(\d\d)$", r"\1 \2:\3:\4", clock)  # Blackboard
    if re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?", clock):
        try:
            return datetime.fromisoformat(clock)
        except ValueError:
            raise ValueError(f"“{text}” is no date: write it as 2027-05-01 12:00.") from None
    readings = set()
    for missing in (datetime(2001, 1, 1, 1), datetime(2004, 2, 2, 2)):
        for dayfirst in (False, True)[:1 if re.match(r"\d{4}\D", clock) else 2]:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")      # of a word that it takes for a zone
                    readings.add(parser.parse(clock, default=missing, dayfirst=dayfirst))
            except Exception:                           # dateutil raises what it likes
                raise ValueError(
                    f"“{text}” is no date with a time: write it as 2027-05-01 12:00.") from None
    if len(readings) > 1 or (when := readings.pop()).tzinfo is not None:
        raise Unclear(f"“{text}” can be read in several ways: write it as 2027-05-01 12:00, "
                      "with the time of day.")
    return when


def _zone(name: str) -> tzinfo:
    if found := re.fullmatch(OFFSET, name):
        sign, hours, minutes = found.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        if offset > timedelta(hours=14) or int(minutes or 0) > 59:
            raise Unclear(f"There is no time zone {name}.")
        return timezone(offset if sign == "+" else -offset)
    if (short := name.upper()) in SEVERAL:
        raise Unclear(f"{name} is the time of {SEVERAL[short]}: write it as an offset, such as "
                      "+01:00, or as a place, such as Europe/Dublin.")
    if short in HOURS:
        return timezone(timedelta(hours=HOURS[short]))
    try:
        return ZoneInfo(CLOCKS.get(short, name))
    except (OSError, ValueError, LookupError):
        raise Unclear(f"The time zone “{name[:40]}” is not known: write an offset, such as "
                      "+02:00, or a place, such as Europe/Berlin.") from None


def _placed(when: datetime, zone: tzinfo, text: str) -> datetime:
    first, second = (when.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise Unclear(f"At “{text}” the clocks are changed, and it is not clear when that is: "
                      "write an offset, such as +02:00.")
    first.astimezone(UTC)                               # OverflowError at the ends of time
    return first


def utc(text: str) -> datetime:
    """As `moment`; as nbgrader stores it, in UTC and without a zone."""
    return moment(text).astimezone(UTC).replace(tzinfo=None)


def shown_time(when: datetime, zone: tzinfo | None = None) -> str:
    """A time of the gradebook, as it is understood, and also in the `zone`, if that is another."""
    there = when.replace(tzinfo=UTC).astimezone(zone) if zone else None
    said = f"{when:%Y-%m-%d %H:%M} UTC"
    if there is None or not there.utcoffset():
        return said
    offset = f"{there:%z}"
    return f"{said} ({there:%Y-%m-%d %H:%M} UTC{offset[:3]}:{offset[3:5]})"


def refuse_misread(argv: list[str]) -> None:
    """Ends `nbgrader db assignment add --duedate=…`, before it stores anything, where nbgrader
    would store another time than was written."""
    words = " ".join(argv)
    given = [word.partition("=")[2] or (argv[i + 1] if i + 1 < len(argv) else "")
             for i, word in enumerate(argv) if re.match(r"--(\w+\.)?duedate(=|$)", word)]
    if not given or "assignment" not in words:
        return
    try:
        meant = utc(given[-1])
    except ValueError as why:
        sys.exit(f"--duedate: {why} Nothing is changed.")
    from nbgrader.utils import parse_utc
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read = parse_utc(given[-1])
        except Exception:                               # dateutil raises what it likes
            read = None
    if read != meant:
        sys.exit(f"--duedate: nbgrader does not understand “{given[-1]}” as it is meant; write "
                 f'--duedate="{meant:%Y-%m-%d %H:%M:%S} UTC", which is the same. '
                 "Nothing is changed.")
