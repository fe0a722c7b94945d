"""Captions as rows of numbers: a vocabulary of words."""
import re
import warnings

import torch
from torch import Tensor

PADDING, UNKNOWN, END = 0, 1, 2
LENGTH = 48                                # numbers of a row; captions of portraits have up to 40


def parted(caption: str) -> list[str]:
    """Lower case; words and single signs of punctuation: "A hat, dark-" → a hat , dark -"""
    return re.findall(r"[^\W_]+|[^\w\s]", caption.lower())


class Vocabulary:
    """Word ↔ number: 0 is padding, 1 an unknown word, 2 the end of a caption, words from 3 on.

    words: each once, in lower case. Errors: ValueError for words that are there twice, or that are
    none.
    """

    def __init__(self, words):
        self.words = tuple(words)
        if wrong := [word for word in self.words if parted(word) != [word]]:
            raise ValueError(f"{wrong[0]!r} is not a single word in lower case.")
        if len(set(self.words)) < len(self.words):
            raise ValueError("A vocabulary has each word once.")
        self.number = {word: i for i, word in enumerate(self.words, 3)}

    def __len__(self) -> int:                        # of all numbers, the three special ones too
        return len(self.words) + 3

    def encode(self, captions: list[str] | str, length: int = LENGTH) -> Tensor:
        """Rows (n, length), int64: the words' numbers, 2, and zeros; one row for a single string.

        Unknown words and captions that are cut give a warning that names them. Errors: ValueError
        for a caption without a word, for none at all, and for a length below 2.
        """
        captions = [captions] if isinstance(captions, str) else list(captions)
        if not captions or length < 2:
            raise ValueError("At least one caption is needed." if length >= 2 else
                             f"A row holds a word and the end, so 2 numbers or more, not {length}.")
        unknown, cut = {}, []
        rows = torch.full((len(captions), length), PADDING)
        for row, caption in zip(rows, captions):
            if not isinstance(caption, str):
                raise ValueError(f"A caption is a string, not {caption!r}.")
            words = parted(caption)
            if not any(word.isalnum() for word in words):
                raise ValueError(f"The caption {caption!r} holds no word.")
            unknown |= dict.fromkeys(w for w in words if w not in self.number and w.isalnum())
            if len(words) >= length:
                cut.append(f"{' '.join(words[:length - 1])!r}")
            numbers = [self.number.get(word, UNKNOWN) for word in words[:length - 1]] + [END]
            row[:len(numbers)] = torch.tensor(numbers)
        said = [f"unknown words, which say nothing here: {', '.join(unknown)}"] * bool(unknown)
        said += [f"captions cut after {length - 1} words: {'; '.join(cut)}"] * bool(cut)
        if said:
            warnings.warn(". ".join(said).capitalize() + ".", stacklevel=2)
        return rows

    def decode(self, rows: Tensor) -> list[str]:
        """The words of each row (n, length) up to its end, with spaces between."""
        names = ("", "?", "", *self.words)
        return [" ".join(names[i] for i in row[:row.index(END) if END in row else None] if i)
                for row in rows.tolist()]


# What captions of drawn portraits and of CelebA's can hold.
VOCABULARY = Vocabulary("""
    a and of with wearing on in front no pair , - person portrait someone face head man woman young
    hair long short wavy straight black blond brown gray grey red ginger blue bald
    smiling smile frowning frown beard bearded light tan dark skin skinned
    glasses eyeglasses spectacles sunglasses shades earrings lipstick necklace necktie
    hat shirt sweater top background wall green purple yellow pink violet
""".split())
