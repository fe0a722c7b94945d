"""Portraits in pixels, painted from parts, with attributes and captions: faces as data.

The attributes carry CelebA's names where it has them (Liu et al. 2015, Section 5). Parts and their
licence: SOURCES.md.
"""
import functools
import io
import itertools
import random
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.data.captions import caption
from course_lib.data.digits import HERE, verified

SHA256 = "54d695d9f23925ca07c8676c15dd8956646b08738c779ec3f4cf4a7ca8727505"
# What excludes each other, with the share of each; None: an attribute of the group is not needed.
GROUPS = {
    "hair": {"Bald": 0.1, "Black_Hair": 0.15, "Blond_Hair": 0.15, "Brown_Hair": 0.15,
             "Gray_Hair": 0.15, "Red_Hair": 0.15, "Blue_Hair": 0.15},
    "length": {None: 0.5, "Long_Hair": 0.5},
    "beard": {"No_Beard": 0.7, None: 0.3},
    "mouth": {"Smiling": 0.4, "Frowning": 0.4, None: 0.2},
    "glasses": {None: 0.5, "Eyeglasses": 0.25, "Sunglasses": 0.25},
    "earrings": {None: 0.7, "Wearing_Earrings": 0.3},
    "hat": {None: 0.6, "Red_Hat": 0.1, "Blue_Hat": 0.1, "Green_Hat": 0.1, "Purple_Hat": 0.1},
    "skin": {"Light_Skin": 1 / 3, "Tan_Skin": 1 / 3, "Dark_Skin": 1 / 3},
    "shirt": {f"{colour}_Shirt": 0.25 for colour in ("Red", "Blue", "Green", "Yellow")},
    "background": {f"{colour}_Background": 0.25 for colour in ("Blue", "Pink", "Green", "Violet")},
}
ATTRIBUTES = ("Bald", "Black_Hair", "Blond_Hair", "Brown_Hair", "Eyeglasses", "Gray_Hair",
              "No_Beard", "Smiling", "Wearing_Earrings", "Wearing_Hat",        # these are CelebA's
              "Frowning", "Sunglasses", "Long_Hair", "Red_Hair", "Blue_Hair",
              "Light_Skin", "Tan_Skin", "Dark_Skin", "Red_Hat", "Blue_Hat", "Green_Hat",
              "Purple_Hat", "Red_Shirt", "Blue_Shirt", "Green_Shirt", "Yellow_Shirt",
              "Blue_Background", "Pink_Background", "Green_Background", "Violet_Background")
PALETTE = {     # of each group, in its order
    "hair": ("000000", "17120f", "ebc95c", "57310f", "a6a6ad", "c8561e", "2a7fd0"),
    "skin": ("ffdbac", "cb9e6e", "96602f"),
    "shirt": ("d11141", "2f6fb5", "2e9e5b", "ffc425"),
    "hat": ("000000", "c8102e", "1f4fa3", "2b7a4b", "7a4fa3"),
    "background": ("b6e3f4", "ffd5dc", "c9f0d3", "d6c8f0"),
    "mouth": ("d0123f",), "glasses": ("191919",), "eyes": ("4a6b7a",), "earrings": ("00b3a4",),
}
VARIANTS = {    # of each part, one tuple for each member of its group
    "skin": (("face",),),
    "clothing": (("variant01", "variant03", "variant04", "variant05", "variant08", "variant11",
                  "variant12", "variant14"),),
    "eyes": (("variant01", "variant05", "variant06", "variant07", "variant08", "variant09",
              "variant10", "variant11"),),
    "glasses": ((), ("light05", "light06", "light07"), ("dark05", "dark06", "dark07")),
    "beard": ((), ("variant01", "variant03", "variant06", "variant07")),
    "mouth": (("happy09", "smile"), ("sad01", "frown"), ("sad06", "sad07")),
    "hair": ((), ("short02", "short06", "short14", "short15", "short16", "short17"),
             ("short14", "short15", "short17"),
             ("long04", "long07", "long09", "long12", "long13", "long20")),
    "accessories": ((), ("variant02", "variant03")),
    "hat": ((), ("variant02", "variant03", "variant05", "variant06", "variant07", "variant08"),
            tuple(f"variant{i:02d}" for i in range(1, 11))),
}


class Faces(NamedTuple):
    """images (n, 3, H, W) in [−1, 1], attributes (n, A) bool, n captions    Liu et al. 2015, Sec. 5

    Drawn portraits have the columns ATTRIBUTES, and photographs of CelebA its own 40.
    """

    images: Tensor
    attributes: Tensor
    captions: list[str]


def faces(n: int, *, seed: int = 0, size: int = 16,
          attributes: dict[str, bool | Tensor] | None = None,
          without: Iterable[dict[str, bool]] = ()) -> Faces:
    """x ← own · colour + white + keep · x, part after part, for n portraits

    size: 16, or 32 by repetition. attributes: those that are fixed, each for all portraits or by a
    bool tensor (n,); the others are drawn, with the shares in GROUPS. without: combinations that
    are never drawn, as `[{"Smiling": True, "Wearing_Hat": True}]`, for a split that holds them out.

    A head is bald or has one of six hair colours; a bald one is neither long-haired nor wears a
    hat, under which it could not be seen. Eyeglasses are clear and never Sunglasses. Who neither
    smiles nor frowns keeps a straight mouth. A hat has one of four colours. A beard has the hair's
    colour, a bald person's any but blond. Earrings lie over long hair.
    Errors: ValueError for another size, unknown names, and combinations that exclude each other.
    """
    if size not in (16, 32):
        raise ValueError(f"Portraits are drawn at size 16, or 32 by repetition, not {size}.")
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"The number of portraits must be a whole number from 1 on, not {n!r}.")
    generator = torch.Generator().manual_seed(seed)
    table, weights = combinations()
    rows = _drawn(n, table, weights, dict(attributes or {}), without, generator)
    images = paint(table[rows], generator)
    if size == 32:
        images = images.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return Faces(images, table[rows], described(table[rows], ATTRIBUTES, seed))


def described(attributes: Tensor, names: tuple[str, ...], seed: int) -> list[str]:
    """A caption of each row of bool attributes (n, A), in the wording that the seed draws."""
    rng, known = random.Random(seed), frozenset(names)
    return [caption(set(itertools.compress(names, row)), known, rng)
            for row in attributes.tolist()]


@functools.cache
def combinations() -> tuple[Tensor, Tensor]:
    """All combinations (m, A) of attributes that a portrait can have, and their shares (m,)."""
    groups = [list(group.items()) for group in GROUPS.values()]
    members = torch.cartesian_prod(*(torch.arange(len(group)) for group in groups))
    column = {name: members[:, i] == k for i, group in enumerate(groups)
              for k, (name, _) in enumerate(group)}
    column["Wearing_Hat"] = sum(column[f"{c}_Hat"] for c in ("Red", "Blue", "Green", "Purple")) > 0
    possible = ~(column["Bald"] & (column["Wearing_Hat"] | column["Long_Hair"]))
    table = torch.stack([column[name] for name in ATTRIBUTES], 1)[possible]
    shares = [torch.tensor([share for _, share in group], dtype=torch.float64)[members[:, i]]
              for i, group in enumerate(groups)]
    weights = torch.stack(shares).prod(0)[possible]
    bald = table[:, 0]
    weights[bald] *= 0.1 / weights[bald].sum()              # the shares in GROUPS, though some
    weights[~bald] *= 0.9 / weights[~bald].sum()           # combinations are impossible
    return table, weights


def _columns(names: Iterable[str]) -> list[int]:
    if unknown := [name for name in names if name not in ATTRIBUTES]:
        raise ValueError(f"Portraits have no attribute {unknown[0]!r}; they have "
                         f"{', '.join(ATTRIBUTES)}.")
    return [ATTRIBUTES.index(name) for name in names]


def _drawn(n, table, weights, fixed, without, generator) -> Tensor:
    """Rows (n,) of the table, drawn by their weights among those that agree with what is fixed."""
    if isinstance(without, dict):
        raise ValueError("`without` is a list of combinations, as [{'Smiling': True}].")
    allowed = torch.ones(len(table), dtype=torch.bool)
    for never in without:
        columns = _columns(never)
        allowed &= (table[:, columns] != torch.tensor([bool(v) for v in never.values()])).any(1)
    index = allowed.nonzero()[:, 0]
    columns = _columns(fixed)
    for name, value in fixed.items():
        value = torch.as_tensor(value)
        if value.dtype != torch.bool or value.shape not in ((), (n,)):
            raise ValueError(f"{name} must be True, False or a bool tensor of shape ({n},), not "
                             f"{value.dtype} of shape {tuple(value.shape)}.")
        fixed[name] = value.expand(n)
    # A combination's code are the bits of its fixed attributes; the rows of one code lie together.
    bits = 2 ** torch.arange(len(columns))
    code, order = (table[index][:, columns].long() @ bits).sort(stable=True)
    index = index[order]
    wanted = (torch.stack([*fixed.values()], 1).long() @ bits if fixed
              else torch.zeros(n, dtype=torch.long))
    total = torch.cat([torch.zeros(1, dtype=torch.float64), weights[index].cumsum(0)])
    first, end = torch.searchsorted(code, wanted), torch.searchsorted(code, wanted, right=True)
    if (first == end).any():
        row = torch.stack([*fixed.values()], 1)[int((first == end).nonzero()[0])] if fixed else []
        asked = ", ".join(f"{name}={bool(value)}" for name, value in zip(fixed, row))
        if fixed and not (table[:, columns] == row).all(1).any():
            raise ValueError(f"No portrait has {asked}: these attributes exclude each other.")
        raise ValueError("`without` keeps out every portrait"
                         f"{' that has ' + asked if asked else ''}.")
    u = torch.rand(n, generator=generator, dtype=torch.float64)
    u = total[first] + u * (total[end] - total[first])
    return index[(torch.searchsorted(total, u, right=True) - 1).clamp(first, end - 1)]


@functools.cache
def _parts() -> tuple[dict[str, int], Tensor]:
    """Name -> number of each part, and their weights (parts, 3, 17, 18): own, white, keep.

    There is a margin at both sides and above, so that portraits can be shifted by a pixel.
    """
    arrays = np.load(io.BytesIO(verified(HERE / "face_parts.npz", SHA256)))
    cells = torch.from_numpy(arrays["cells"]).permute(0, 3, 1, 2).float() / 255
    empty = torch.tensor([0.0, 0, 1])[:, None, None]
    canvas = empty.expand(len(cells), 3, 17, 18).clone()
    canvas[:, :, 1:, 1:17] = cells
    return {name.decode(): i for i, name in enumerate(arrays["names"])}, canvas


def paint(attributes: Tensor, generator: torch.Generator) -> Tensor:
    """Portraits (n, 3, 16, 16) of the attributes (n, A), in variants that the generator draws."""
    n = len(attributes)
    number, parts = _parts()
    has = lambda name: attributes[:, ATTRIBUTES.index(name)]

    def member(group):                                # which of its group each portrait has, (n,)
        names = list(GROUPS[group])
        found = torch.full((n,), names.index(None) if None in names else 0)
        for i, name in enumerate(names):
            if name:
                found[has(name)] = i
        return found

    def colours(group, which):                                                    # (n, 3, 1, 1)
        rgb = [[int(code[i:i + 2], 16) / 255 for i in (0, 2, 4)] for code in PALETTE[group]]
        return torch.tensor(rgb)[which][:, :, None, None]

    def painted(part, which, colour):         # over x, in the rows that the part reaches
        choices = [[number[f"{part}/{name}"] for name in names] or [0] for names in VARIANTS[part]]
        counts = torch.tensor([len(names) for names in choices])
        padded = torch.tensor([names + [0] * (max(counts) - len(names)) for names in choices])
        chosen = (torch.rand(n, generator=generator) * counts[which]).long()
        reached = (parts[padded.unique(), 2] < 1).any(0).any(1).nonzero()
        rows = slice(int(reached.min()), int(reached.max()) + 1)
        own, white, keep = parts[:, :, rows][padded[which, chosen]].split(1, dim=1)
        x[:, :, rows] = own * colour + white + keep * x[:, :, rows]               # (n, 3, rows, 18)

    none = torch.zeros(n, dtype=torch.long)
    hat, long_hair, hair = has("Wearing_Hat"), has("Long_Hair"), member("hair")
    beards = torch.tensor([1, 3, 4, 5, 6])                    # of bald heads: not blond, seen badly
    beards = beards[torch.randint(len(beards), (n,), generator=generator)]
    hair_colour = torch.where(has("Bald"), beards, hair)
    # Short hair is seen beneath flat hats only, and not all of it.
    hair_form = torch.where(long_hair, 3, torch.where(hat, 2, 1)).where(~has("Bald"), 0)
    hat_form = torch.where(long_hair, 2, 1).where(hat, 0)

    x = colours("background", member("background")).repeat(1, 1, 17, 18)
    painted("skin", none, colours("skin", member("skin")))
    painted("clothing", none, colours("shirt", member("shirt")))
    painted("eyes", none, colours("eyes", none))
    painted("glasses", member("glasses"), colours("glasses", none))
    painted("beard", member("beard"), colours("hair", hair_colour))
    painted("mouth", member("mouth"), colours("mouth", none))
    painted("hair", hair_form, colours("hair", hair_colour))
    painted("accessories", member("earrings"), colours("earrings", none))
    painted("hat", hat_form, colours("hat", member("hat")))

    down, right = (torch.randint(high, (n,), generator=generator) for high in (2, 3))
    x = x.unfold(2, 16, 1).unfold(3, 16, 1)[torch.arange(n), :, down, right]      # (n, 3, 16, 16)
    light = 0.94 + 0.1 * torch.rand(n, 1, 1, 1, generator=generator)
    noise = torch.randn(n, 3, 16, 16, generator=generator)
    return (2 * light * x - 1 + 0.02 * noise).clamp(-1, 1)
