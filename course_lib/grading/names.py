"""Names of students and files, as they can be printed, stored and told apart."""
import hashlib
import os
import re
import unicodedata


def shown(name: str) -> str:
    """A file's name as it can be printed, logged and stored."""
    name = name.encode("utf-8", "replace").decode()
    plain = lambda c: re.match(r"[\w .,:@()+'’-]", c) or unicodedata.category(c) in ("Mn", "Mc")
    return "".join(c if plain(c) else "?" for c in name)[:60]


def storable(name: str) -> str:
    """A name for a file that looks like this one: printable, not too long, and no other's."""
    same = name.encode("utf-8", "replace").decode()
    same = "".join(c if c.isprintable() and c != "/" else "_" for c in same)
    if same == name and len(name.encode()) <= 240:
        return name
    stem, ending = os.path.splitext(same)
    if len(ending) > 10:
        stem, ending = same, ""
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{stem.encode()[:180].decode(errors='ignore')}~{mark}{ending}"


def composed(text: str) -> str:
    """One spelling of what is written the same: é is one letter, not e and an accent."""
    return unicodedata.normalize("NFC", text)


def called(student: str) -> str:
    """What a table calls a student: no two alike, also where the name cannot be printed."""
    if is_student(student) or shown(student) == student:
        return student
    mark = hashlib.sha256(student.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{shown(student)}~{mark}"


# letters that are read as Latin ones, and these; and what nobody sees
LOOK = str.maketrans("аеорсухіјѕһԁԛԝвкмнтαορνκιτυχγı", "aeopcyxijshdqwbkmhtaopvkituxyi")
UNSEEN = re.compile("[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
                    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff ]")


def looks(name: str) -> str:
    """What the eye takes a name for: without case, what is not seen, and other alphabets' letters
    that look the same."""
    folded = unicodedata.normalize("NFKC", name).casefold().translate(LOOK)
    return UNSEEN.sub("", unicodedata.normalize("NFKC", folded))


def alike(names: list[str]) -> dict[str, str]:
    """Of each name that can be taken for another of them, or mixes alphabets, what is to be said of
    it."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(looks(name), []).append(name)
    said = {}
    for name in names:
        others = [ascii(other) for other in groups[looks(name)] if other != name]
        scripts = {unicodedata.name(c, "").split(" ")[0] for c in name}
        mixed = scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}
        if others:
            said[name] = f"the name {ascii(name)} looks like {', '.join(others[:3])}"
        elif len(mixed) > 1:
            said[name] = f"the name {ascii(name)} mixes alphabets"
    return said


def is_student(name: str) -> bool:
    """Whether a student may be called so: it begins with a letter or digit, and is a file's name
    with room for an ending."""
    stands_alone = lambda c: unicodedata.category(c) in ("Mn", "Mc")        # an accent
    letters = "".join(c for c in name if not stands_alone(c))
    if not re.fullmatch(r"[^\W_][\w.@+ '’-]*", letters):
        return False
    return len(name) <= 100 and len(name.encode()) <= 200
