"""Real digits that ship with the course: 10,000 + 2,000 of MNIST, 7,000 + 2,000 of USPS.

SOURCES.md says where they are from.
"""
import functools
import hashlib
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as nnf

HERE = Path(__file__).parent
SHA256 = {
    "mnist": "0f13b3d4b41e8f9fcc5d7894d35d91c99266fde411a39964f88fe9abd8c18588",
    "usps": "641a2884e8f14dc7f018264cbc94ea6e4203109b89916fd004eb50df2768d62c",
}


class Digits(NamedTuple):
    """images (n, 1, 28, 28) in [−1, 1], labels (n,)    LeCun et al. 1998, Section III-A

    The images, float32, are framed as in the paper; the labels are int64.
    """

    images: Tensor
    labels: Tensor


def digits(name: str = "mnist", split: str = "train") -> Digits:
    """The embedded subset of "mnist" or "usps"    LeCun et al. 1998, Section III-A; Hull 1994

    split: "train" or "test".
    Errors: ValueError for another name or split, and for a file that is not the one that ships.
    """
    if name not in SHA256:
        known = " and ".join(map(repr, SHA256))
        raise ValueError(f"The embedded digits are {known}, not {name!r}.")
    if split not in ("train", "test"):
        raise ValueError(f'A data set has the splits "train" and "test", not {split!r}.')
    images, labels = _stored(name, split)
    return Digits(images.clone(), labels.clone())         # what a caller changes stays the caller's


@functools.cache
def _stored(name: str, split: str) -> Digits:
    arrays = np.load(io.BytesIO(verified(HERE / f"{name}.npz", SHA256[name])))
    return as_digits(arrays[f"{split}_images"], arrays[f"{split}_labels"])


def verified(path: Path, sha256: str) -> bytes:
    """The file's bytes. Errors: FileNotFoundError; ValueError if its checksum is another."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; reinstall course_lib, "
                                "or `git checkout` the file.")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ValueError(f"{path} is not the file that ships with the course "
                         f"(sha256 {found[:12]}…, expected {sha256[:12]}…): "
                         "it is truncated or changed; `git checkout` brings it back.")
    return data


def as_digits(images: np.ndarray, labels: np.ndarray) -> Digits:
    """uint8 images, (n, 28, 28) or (n, 16, 16), with their labels, as tensors.

    Images of 16×16 are framed as MNIST is.
    """
    x = torch.from_numpy(images.astype(np.float32)).unsqueeze(1) / 255      # (n, 1, H, W) in [0, 1]
    if x.shape[-1] != 28:
        x = (255 * framed(x)).round() / 255            # 8-bit data again, which likelihoods are of
    return Digits(2 * x - 1, torch.from_numpy(labels.astype(np.int64)))


def framed(x: Tensor) -> Tensor:
    """Scaled to 20×20, centre of mass at (14, 14) of 28×28    LeCun et al. 1998, Section III-A

    MNIST's framing. x: (n, 1, H, W) in [0, 1], ink 1, each digit filling its frame in the longer
    direction. Shifts are whole pixels.
    """
    x = nnf.interpolate(x, size=(20, 20), mode="bicubic", antialias=True).clamp(0, 1)
    x = nnf.pad(x, (4, 4, 4, 4))                                            # (n, 1, 28, 28)
    place = torch.arange(28.0)
    mass = x.sum((1, 2, 3)).clamp(min=1e-6)
    # The margin is 4, so that a shift of at most 4 loses no ink.
    down = (14 - (x.sum((1, 3)) * place).sum(1) / mass).round().long().clamp(-4, 4)
    right = (14 - (x.sum((1, 2)) * place).sum(1) / mass).round().long().clamp(-4, 4)
    rows = (torch.arange(28)[None, :] - down[:, None]) % 28
    columns = (torch.arange(28)[None, :] - right[:, None]) % 28
    image = torch.arange(len(x))[:, None, None]
    return x[image, 0, rows[:, :, None], columns[:, None, :]].unsqueeze(1)
