"""Captions as rows of numbers, and what a sentence says of a portrait."""
import functools
import random
import re
import warnings
from itertools import compress

import pytest
import torch
from gaussian import rng

from course_lib.data import ATTRIBUTES, CELEBA_ATTRIBUTES, faces
from course_lib.data.captions import named, reworded
from course_lib.data.faces import described
from course_lib.data.words import (
    END,
    LENGTH,
    PADDING,
    UNKNOWN,
    VOCABULARY,
    Vocabulary,
    parted,
)

drawn = functools.cache(lambda: faces(2000, seed=31))
holds = lambda row: dict(zip(ATTRIBUTES, row))


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_words_are_lower_case_and_signs_stand_alone():
    assert parted("A bald man, dark-skinned!") == ["a", "bald", "man", ",", "dark", "-", "skinned",
                                                   "!"]
    assert parted("  Été\n2 hats_on ") == ["été", "2", "hats", "on"]
    assert parted("") == []


def test_rows_hold_the_words_an_end_and_zeros():
    a, bald, head = (VOCABULARY.number[word] for word in ("a", "bald", "head"))
    rows = VOCABULARY.encode(["A bald head", "bald"], 6)
    assert rows.tolist() == [[a, bald, head, END, PADDING, PADDING],
                             [bald, END, PADDING, PADDING, PADDING, PADDING]]
    assert rows.dtype == torch.int64 and (PADDING, UNKNOWN, END) == (0, 1, 2)
    assert VOCABULARY.encode("bald").shape == (1, LENGTH)
    assert torch.equal(VOCABULARY.encode("Bald , a\thead"), VOCABULARY.encode(["bald, A head"]))
    assert VOCABULARY.encode("bald", 2).tolist() == [[bald, END]]
    assert len(VOCABULARY) == len(VOCABULARY.words) + 3 == max(VOCABULARY.number.values()) + 1
    assert min(VOCABULARY.number.values()) == 3


def test_decoding_gives_back_what_was_read():
    captions = drawn().captions
    rows = VOCABULARY.encode(captions)
    assert VOCABULARY.decode(rows) == [" ".join(parted(caption)) for caption in captions]
    assert ((rows == END).sum(1) == 1).all()


def test_unknown_words_are_named_once_and_read_as_1():
    with pytest.warns(UserWarning) as said:
        rows = VOCABULARY.encode(["a zebra head", "a Zebra, bald; gnu"])
    assert len(said) == 1 and "zebra, gnu" in str(said[0].message)
    assert "bald" not in str(said[0].message) and said[0].filename == __file__
    assert (rows == UNKNOWN).sum() == 4                      # the strange sign ; is read as 1, too
    assert (rows != PADDING).sum(1).tolist() == [4, 7]


def test_captions_that_are_cut_are_named_once():
    with pytest.warns(UserWarning) as said:
        rows = VOCABULARY.encode(["a bald head", "a bald head with a beard"], 4)
    assert len(said) == 1 and str(said[0].message).count("a bald head") == 1
    assert rows.tolist()[0] == rows.tolist()[1] and rows[0, -1] == END
    with pytest.warns(UserWarning, match="cut after 2 words: 'a bald'"):
        assert VOCABULARY.encode("a bald head", 3)[0, -1] == END               # one word too long
    with pytest.warns(UserWarning, match="gnu.*(?i:cut)") as said:
        VOCABULARY.encode("a gnu with a hat", 3)
    assert len(said) == 1


@pytest.mark.parametrize("wrong, words", [
    (lambda: VOCABULARY.encode(""), "holds no word"), (lambda: VOCABULARY.encode("  "), "no word"),
    (lambda: VOCABULARY.encode(["a head", ", - !"]), "', - !' holds no word"),
    (lambda: VOCABULARY.encode([]), "At least one caption"),
    (lambda: VOCABULARY.encode("bald", 1), "2 numbers or more"),
    (lambda: VOCABULARY.encode(["bald", 3]), "A caption is a string, not 3"),
    (lambda: Vocabulary(["cat", "cat"]), "each word once"),
    (lambda: Vocabulary(["Cat"]), "'Cat' is not a single word"),
    (lambda: Vocabulary(["big cat"]), "not a single word"),
    (lambda: Vocabulary([""]), "not a single word"),
])
def test_what_cannot_be_read_is_one_clear_error(wrong, words):
    with pytest.raises(ValueError, match=words):
        wrong()


def test_no_caption_of_the_course_has_an_unknown_word_or_is_cut():
    """Warnings are errors here."""
    for seed in range(2):
        VOCABULARY.encode(described(drawn().attributes, ATTRIBUTES, seed))
    for share in (0.1, 0.5, 0.9):                            # also more than a photograph can have
        table = torch.rand(1500, len(CELEBA_ATTRIBUTES), generator=rng(0)) < share
        VOCABULARY.encode(described(table, CELEBA_ATTRIBUTES, 0))


def test_every_word_of_the_vocabulary_is_used():
    table = torch.rand(3000, len(CELEBA_ATTRIBUTES), generator=rng(1)) < 0.3
    captions = drawn().captions + described(table, CELEBA_ATTRIBUTES, 1)
    assert {word for caption in captions for word in parted(caption)} == set(VOCABULARY.words)


# ——— what a sentence says, read by striking out what is understood, until nothing is left

COLOURS = {"grey": "Gray", "ginger": "Red"}
KINDS = (("Hair", "hair"), ("Hat", "hat"), ("Shirt", "shirt|sweater|top"),
         ("Background", "background|wall"))
PHRASES = (("no beard", "No_Beard", True), ("beard(ed)?", "No_Beard", False),
           ("no hair|bald( head)?", "Bald", True), ("long hair", "Long_Hair", True),
           ("short hair", "Long_Hair", False), ("smil(e|ing)", "Smiling", True),
           ("frown(ing)?", "Frowning", True),
           ("sunglasses|dark glasses|shades", "Sunglasses", True),
           ("(eye)?glasses|spectacles", "Eyeglasses", True),
           ("(pair of )?earrings", "Wearing_Earrings", True), ("hat", "Wearing_Hat", True),
           *((rf"{tone} (- skinned|skin)", f"{tone.capitalize()}_Skin", True)
             for tone in ("light", "tan", "dark")))
SILENT = set("a , and with wearing on in front of person portrait someone face "
             "hair shirt sweater top background wall".split())


def struck_out(caption):
    text, found = " ".join(parted(caption)), {}
    for kind, nouns in KINDS:
        for colour, noun in re.findall(rf"\b(\w+) ({nouns})\b", text):
            name = f"{COLOURS.get(colour, colour.capitalize())}_{kind}"
            if name in ATTRIBUTES:
                found[name] = True
                text = text.replace(f"{colour} {noun}", noun)
    for phrase, name, value in PHRASES:
        text, times = re.subn(rf"\b({phrase})\b", "", text)
        if times:
            found[name] = value
    return found, set(text.split()) - SILENT


def test_what_a_drawn_caption_names_is_true_and_all_that_it_says():
    x, everything = drawn(), {}
    for caption, row in zip(x.captions, x.attributes.tolist()):
        found, left = struck_out(caption)
        assert not left, caption
        assert named(caption) == found, caption
        assert found.items() <= holds(row).items(), caption
        for item in found.items():
            everything[item] = everything.get(item, 0) + 1
    # Each attribute, and of two also that it is not there, is said often.
    assert set(everything) == {(name, True) for name in ATTRIBUTES} | {("Long_Hair", False),
                                                                       ("No_Beard", False)}
    assert min(everything.values()) > 40


@pytest.mark.parametrize("caption, says", [
    ("no beard", {"No_Beard": True}), ("a beard", {"No_Beard": False}),
    ("a man without a beard", {"No_Beard": True}), ("bearded", {"No_Beard": False}),
    ("no glasses", {"Eyeglasses": False}), ("without eyeglasses", {"Eyeglasses": False}),
    ("without sunglasses", {"Sunglasses": False}), ("no dark glasses", {"Sunglasses": False}),
    ("dark glasses", {"Sunglasses": True}), ("without a hat", {"Wearing_Hat": False}),
    ("no hat", {"Wearing_Hat": False}), ("without any earrings", {"Wearing_Earrings": False}),
    ("without a smile", {"Smiling": False}), ("no frown", {"Frowning": False}),
    ("no hair", {"Bald": True}), ("short hair", {"Long_Hair": False}),
    ("long ginger hair", {"Long_Hair": True, "Red_Hair": True}),
    ("hair in grey", {"Gray_Hair": True}), ("A BALD head", {"Bald": True}),
    ("a blue hat", {"Wearing_Hat": True, "Blue_Hat": True}),
    ("a hat and a red sweater", {"Wearing_Hat": True, "Red_Shirt": True}),
    ("dark-skinned, with dark hair", {"Dark_Skin": True}),
    ("blue hair in front of a pink wall", {"Blue_Hair": True, "Pink_Background": True}),
    ("no red hat", {"Red_Hat": False}), ("without a green shirt", {"Green_Shirt": False}),
    ("no long hair", {"Long_Hair": False}), ("without blond hair", {"Blond_Hair": False}),
    ("no pair of earrings", {"Wearing_Earrings": False}),
    ("a hatter that colours glassesware", {}), ("a person", {}), ("", {}),
])
def test_named(caption, says):
    assert named(caption) == says


@pytest.mark.parametrize("strange", [False, True])
def test_reworded_captions_are_true_new_and_name_more(strange):
    x, source = drawn(), random.Random(0)
    few, more = 0, 0
    old = set(x.captions)
    for caption, row in zip(x.captions[:800], x.attributes.tolist()):
        said = reworded(set(compress(ATTRIBUTES, row)), source, strange)
        assert said not in old and named(said).items() <= holds(row).items(), said
        assert any(name.endswith("_Background") for name in named(said))
        few, more = few + len(named(caption)), more + len(named(said))
        unknown = {word for word in parted(said) if word not in VOCABULARY.number} - {":"}
        assert bool(unknown) == strange, said
    assert more > few
