"""Drawn house numbers: a stand-in for SVHN (Netzer et al. 2011) where the photographs are not at
hand. Nothing here is a photograph; the digits are those of the fonts that matplotlib ships."""
import functools
import math
from pathlib import Path

import matplotlib
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn import functional as nnf

from course_lib.data.digits import Digits

FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique",
         "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSerif", "DejaVuSerif-Bold",
         "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic", "STIXGeneral", "STIXGeneralBol",
         "STIXGeneralBolIta", "cmr10", "cmss10", "cmtt10", "cmb10")
SIDE, BOX = 32, 48                              # of a picture, and of a stencil, in pixels


def street_digits(n: int = 10_000, seed: int = 0) -> Digits:
    """n drawn house numbers, as SVHN's cropped digits are framed    after Netzer et al. 2011

    The label is of the digit in the middle; neighbours are cut at the sides. images (n, 3, 32, 32)
    in [−1, 1], 8-bit values, ink lighter or darker than the ground; labels (n,), int64, balanced.
    A seed means one set of pictures. Errors: ValueError for n below 1.
    """
    if n < 1:
        raise ValueError(f"street_digits draws one picture or more, not {n}.")
    images, labels = _drawn(n, seed)
    return Digits(images.float() / 127.5 - 1, labels.clone())


@functools.cache
def stencils() -> Tensor:
    """(fonts, 10, BOX, BOX) in [0, 1]: each digit in the middle, three quarters of the box high."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    boxes = torch.zeros(len(FONTS), 10, BOX, BOX)
    for name, box in zip(FONTS, boxes):
        font = ImageFont.truetype(folder / f"{name}.ttf", 100)
        for digit in range(10):
            left, top, right, bottom = font.getbbox(str(digit))
            width, height = round((right - left) * 36 / (bottom - top)), 36
            page = Image.new("L", (right - left, bottom - top))
            ImageDraw.Draw(page).text((-left, -top), str(digit), 255, font)
            page = page.resize((min(width, BOX), height), Image.Resampling.LANCZOS)
            ink = torch.frombuffer(bytearray(page.tobytes()), dtype=torch.uint8)
            x = (BOX - page.width) // 2
            box[digit, 6:42, x:x + page.width] = ink.view(height, page.width) / 255
    return boxes


@functools.lru_cache(maxsize=8)
def _drawn(n: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n)[torch.randperm(n, generator=generator)] % 10
    images = [_pictures(part, generator) for part in labels.split(1000)]
    return torch.cat(images), labels


def _pictures(labels: Tensor, generator: torch.Generator) -> Tensor:
    """(n, 3, 32, 32), uint8, one a label."""
    n = len(labels)

    def u(low, high, *shape):
        return low + (high - low) * torch.rand(n, *(shape or (1, 1, 1)), generator=generator)

    ink = _ink(labels, u, generator)                                          # (n, 1, 32, 32)
    light = u(0.1, 0.9)
    contrast = u(0.2, 0.7) * torch.where(u(0, 1) < 0.5, -1, 1)
    contrast = torch.where((light + contrast - 0.5).abs() > 0.5, -contrast, contrast)
    colour = lambda grey: grey + u(-0.15, 0.15, 3, 1, 1)
    x = torch.lerp(_ground(colour(light), u), colour(light + contrast), ink)
    x = x * (1 + u(0, 0.4) * _wave(u)) + 0.08 * nnf.interpolate(
        torch.randn(n, 1, 4, 4, generator=generator), SIDE, mode="bicubic")
    x = _blurred(x, u(0.3, 1.5))
    x = x + u(0, 0.05) * torch.randn(x.shape, generator=generator)
    return (255 * x).round().clamp(0, 255).byte()


def _ink(labels: Tensor, u, generator: torch.Generator) -> Tensor:
    """The digit in the middle and, often, one at each side, of one font, size, turn and slant."""
    n = len(labels)
    draw = lambda most: torch.randint(most, (n,), generator=generator)
    font, height, turn, slant = draw(len(FONTS)), u(20, 30, 1), u(-0.15, 0.15, 1), u(-0.2, 0.2, 1)
    narrow, x_0, y_0 = u(0.75, 1.1, 1), u(-2, 2, 1), u(-2, 2, 1)
    gap = u(0.6, 0.85, 1) * height * narrow
    place = (torch.arange(SIDE) - (SIDE - 1) / 2)
    ink = torch.zeros(n, 1, SIDE, SIDE)
    for side in (-1, 0, 1):
        digit = draw(10) if side else labels
        there = u(0, 1) < (0.6 if side else 1)
        x, y = place - x_0, place - y_0                                       # (n, 32) each
        right = x[:, None] * turn.cos()[..., None] + y[:, :, None] * turn.sin()[..., None]
        down = y[:, :, None] * turn.cos()[..., None] - x[:, None] * turn.sin()[..., None]
        right = (right + slant[..., None] * down - side * gap[..., None]) / narrow[..., None]
        grid = torch.stack([right, down], 3) * (36 / BOX * 2 / height)[..., None, None]
        boxes = stencils()[font, digit].unsqueeze(1)
        ink = torch.maximum(ink, there * nnf.grid_sample(boxes, grid, align_corners=False))
    return ink


def _wave(u) -> Tensor:
    """A slope in [−1, 1] across the picture, in any direction."""
    angle, place = u(0, 2 * math.pi), torch.linspace(-1, 1, SIDE)
    return (angle.cos() * place + angle.sin() * place[:, None]) / math.sqrt(2)


def _ground(colour: Tensor, u) -> Tensor:
    """A wall, with the edge of something else near its rim, and a line: a frame, a wire, a joint"""
    edge = torch.sigmoid(20 * (_wave(u) - u(0.35, 0.9)))
    line = torch.exp(-((_wave(u) - u(-0.9, 0.9)) / 0.05).square()) * (u(0, 1) < 0.4)
    wall = torch.lerp(colour.expand(-1, 3, SIDE, SIDE), u(0, 1, 3, 1, 1), edge * u(0.2, 1))
    return torch.lerp(wall, u(0, 1, 3, 1, 1), 0.6 * line)


def _blurred(x: Tensor, sigma: Tensor) -> Tensor:
    """x ∗ N(0, σ²) in both directions, one σ (n, 1, 1, 1) a picture."""
    steps = torch.arange(-4, 5)
    weights = torch.softmax(-(steps / sigma).square() / 2, 3)                 # (n, 1, 1, 9)
    for dim in (2, 3):
        padded = nnf.pad(x, (4, 4, 0, 0) if dim == 3 else (0, 0, 4, 4), mode="replicate")
        x = sum(weights[..., k, None] * padded.narrow(dim, k, SIDE) for k in range(9))
    return x
