"""Sentences made of attributes: true ones, in varied words, with some attributes left unsaid."""
import random
import re

from course_lib.data.words import parted

SUBJECTS = ("a person", "a portrait of a person", "someone", "a face")
COLOURS = {"Gray": ("gray", "grey"), "Red": ("red", "ginger")}                 # others: one word
HAIR = ("Black", "Blond", "Brown", "Gray", "Red", "Blue")
HATS = ("Red", "Blue", "Green", "Purple")
SHIRTS = ("Red", "Blue", "Green", "Yellow")
WALLS = ("Blue", "Pink", "Green", "Violet")
NO = r"\b(no |without )?(?:an? |any )?"              # before what is not there
# What a word says is there: an attribute, and its value.
THINGS = {"bald": ("Bald", True), "beard(?:ed)?": ("No_Beard", False), "hat": ("Wearing_Hat", True),
          "sunglasses|dark glasses|shades": ("Sunglasses", True),
          "(?<!dark )glasses|eyeglasses|spectacles": ("Eyeglasses", True),
          "smile|smiling": ("Smiling", True), "frown|frowning": ("Frowning", True),
          "(?:pair of )?earrings": ("Wearing_Earrings", True)}
COLOURED = {f"{colour}_{kind}": ("|".join(COLOURS.get(colour, (colour.lower(),))), nouns)
            for kind, nouns, colours in (("Hair", "hair", HAIR), ("Hat", "hat", HATS),
                                         ("Shirt", "shirt|sweater|top", SHIRTS),
                                         ("Background", "background|wall", WALLS))
            for colour in colours}


def caption(true: set[str], known: frozenset[str], rng: random.Random) -> str:
    """One sentence that holds for a picture whose attributes among `known` are exactly `true`.

    Each attribute is left out at random, and the sentence never says more than `true`.
    """
    said = lambda share=0.7: rng.random() < share
    pick = rng.choice
    subject = pick(SUBJECTS)
    if "Male" in known:
        subject = ("a man" if "Male" in true else "a woman") if said() else "a person"
    looks, has, wears, place = [], [], [], ""

    length = "long " if "Long_Hair" in true else "short " if "Long_Hair" in known else \
        "wavy " if "Wavy_Hair" in true else "straight " if "Straight_Hair" in true else ""
    colours = [pick(COLOURS.get(colour, (colour.lower(),)))
               for colour in HAIR if f"{colour}_Hair" in true]
    if "Bald" in true:
        if said(0.85):
            looks.append("bald") if said(0.5) else has.append(pick(("a bald head", "no hair")))
    elif len(colours) == 1 and said(0.85):
        has.append((length if said(0.6) else "") + colours[0] + " hair")
    elif length and said(0.5):
        has.append(length + "hair")

    if "Smiling" in true and said(0.8):
        looks.append("smiling") if said(0.5) else has.append("a smile")
    elif "Frowning" in true and said(0.8):
        looks.append("frowning") if said(0.5) else has.append("a frown")
    if "Young" in true and said(0.4):
        looks.append("young")
    if "No_Beard" not in true and "No_Beard" in known:
        if said(0.85):
            looks.append("bearded") if said(0.4) else has.append("a beard")
    elif "No_Beard" in true and said(0.15):
        has.append("no beard")
    for tone in ("Light", "Tan", "Dark"):
        if f"{tone}_Skin" in true and said(0.5):
            looks.append(f"{tone.lower()}-skinned") if said(0.5) else (
                has.append(f"{tone.lower()} skin"))

    if "Eyeglasses" in true and said(0.85):
        wears.append(pick(("glasses", "eyeglasses", "spectacles")))
    elif "Sunglasses" in true and said(0.85):
        wears.append(pick(("sunglasses", "dark glasses", "shades")))
    if "Wearing_Earrings" in true and said(0.8):
        wears.append(pick(("earrings", "a pair of earrings")))
    if "Wearing_Hat" in true and said(0.85):
        colour = [c.lower() + " " for c in HATS if f"{c}_Hat" in true]
        wears.append(f"a {colour[0] if colour and said(0.8) else ''}hat")
    for thing in ("Lipstick", "Necklace", "Necktie"):
        if f"Wearing_{thing}" in true and said():
            wears.append(("" if thing == "Lipstick" else "a ") + thing.lower())
    for colour in SHIRTS:
        if f"{colour}_Shirt" in true and said(0.5):
            wears.append(f"a {colour.lower()} {pick(('shirt', 'sweater', 'top'))}")
    for colour in WALLS:
        if f"{colour}_Background" in true and said(0.4):
            place = pick((f", on a {colour.lower()} background",
                          f", in front of a {colour.lower()} wall"))
    return sentence(subject, looks, has, wears, place, rng)


def sentence(subject: str, looks: list[str], has: list[str], wears: list[str], place: str,
             rng: random.Random) -> str:
    """One of four forms: a list of words, two with everything after one verb, or one with two."""
    for words in (looks, has, wears):
        rng.shuffle(words)
    form = rng.randrange(4)
    if form == 0:
        words = looks + has + wears
        rng.shuffle(words)
        return ", ".join(words or [subject]) + place
    if looks:
        first, _, noun = ("a person" if subject == "someone" else subject).rpartition(" ")
        subject = f"{first} {', '.join(looks)} {noun}"            # no look begins with a vowel
    if form == 1:
        both = has + wears
        rng.shuffle(both)
        return subject + (" with " + listed(both) if both else "") + place
    parts = [" with " + listed(has) if has else "", " wearing " + listed(wears) if wears else ""]
    if form == 2 and has and wears:
        parts = [parts[1], " and" + parts[0]]
    return subject + "".join(parts) + place


def listed(words: list[str]) -> str:
    """a, b and c"""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def named(caption: str) -> dict[str, bool]:
    """The attributes of a drawn portrait that a sentence names, with the values that it says.

    "no beard" → {"No_Beard": True}, "a beard" → {"No_Beard": False}, "short hair" →
    {"Long_Hair": False}, "a blue hat" → {"Wearing_Hat": True, "Blue_Hat": True}, "no blue hat" →
    {"Blue_Hat": False}. Words that it does not know say nothing.
    """
    text, found, denied = " ".join(parted(caption)), {}, {}
    for name, (colour, nouns) in COLOURED.items():              # who has no red hat may have a hat
        none = rf"\b(?:no|without) (?:an? |any )?(?:{colour}) (?:{nouns})\b"
        text, times = re.subn(none, "", text)
        denied |= {name: False} if times else {}
    for words, (attribute, value) in THINGS.items():
        for no in re.findall(rf"{NO}\b(?:{words})\b", text):
            found[attribute] = value != bool(no)
    for name, (colour, nouns) in COLOURED.items():
        if re.search(rf"\b(?:{colour}) (?:{nouns})\b|\b(?:{nouns}) in (?:{colour})\b", text):
            found[name] = True
    for no, length in re.findall(rf"{NO}\b(long|short) (?:\w+ )?hair\b", text):
        found["Long_Hair"] = (length == "long") != bool(no)
    for tone in re.findall(r"\b(light|tan|dark) (?:- )?skin(?:ned)?\b", text):
        found[f"{tone.capitalize()}_Skin"] = True
    return found | denied | ({"Bald": True} if re.search(r"\b(?:no|without) hair\b", text) else {})


def reworded(true: set[str], rng: random.Random, strange: bool = False) -> str:
    """A caption of a drawn portrait in a wording that `caption` never has, and that names more.

    strange: with words, too, that `caption` never uses, and that name nothing.
    """
    colour = lambda kind, colours: next((c.lower() for c in colours if f"{c}_{kind}" in true), "")
    hair = "long hair" if "Long_Hair" in true else "short hair"
    shown = ["no hair" if "Bald" in true else f"{hair} in {colour('Hair', HAIR)}"]
    shown += [f"{tone} skin" for tone in ("light", "tan", "dark")
              if f"{tone.capitalize()}_Skin" in true]
    shown += [word for name, word in (("Smiling", "a smile"), ("Frowning", "a frown"),
                                      ("Eyeglasses", "glasses"), ("Sunglasses", "sunglasses"),
                                      ("Wearing_Earrings", "earrings")) if name in true]
    shown.append("no beard" if "No_Beard" in true else "a beard")
    shown.append(f"a top in {colour('Shirt', SHIRTS)}")
    if "Wearing_Hat" in true:
        shown.append(f"a hat in {colour('Hat', HATS)}")
    rng.shuffle(shown)
    wall = f"on a background in {colour('Background', WALLS)}, "
    who = "this picture shows somebody who has " if strange else "a portrait: "
    return wall + who + listed(shown[:rng.randint(2, 6)])
