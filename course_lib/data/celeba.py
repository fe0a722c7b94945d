"""CelebA, where the user has it, through the same interface as the drawn portraits.

The official layout (mmlab.ie.cuhk.edu.hk/projects/CelebA.html), Liu et al. 2015, Section 5:
img_align_celeba/ or its zip, list_attr_celeba.txt, list_eval_partition.txt; all in one folder, or
in Img/, Anno/ and Eval/.
"""
import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_lib.data.faces import Faces, described

CELEBA_ATTRIBUTES = tuple("""
    5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose
    Black_Hair Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee
    Gray_Hair Heavy_Makeup High_Cheekbones Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard
    Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair
    Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young
""".split())
SPLITS = {"train": "0", "valid": "1", "test": "2"}


class Photographs:
    """Pictures that are read when they are asked for: images[i], images[:5], images[Tensor (k,)].

    What comes is float32 in [−1, 1], the largest centred square scaled to (3, size, size).
    Errors: ValueError for a picture that cannot be read.
    """

    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self, place: Path, names: list[str], size: int):
        self.place, self.names, self.size = place, names, size

    def __len__(self) -> int:
        return len(self.names)

    @property
    def shape(self) -> torch.Size:
        return torch.Size((len(self), 3, self.size, self.size))

    def __getitem__(self, index: int | slice | Tensor) -> Tensor:
        chosen = torch.arange(len(self))[index]
        if chosen.ndim == 0:
            return self._read([self.names[chosen]])[0]
        return self._read([self.names[i] for i in chosen.tolist()])

    def _read(self, names: list[str]) -> Tensor:
        x = np.empty((len(names), self.size, self.size, 3), np.uint8)
        archive = zipfile.ZipFile(self.place) if self.place.is_file() else None
        for i, name in enumerate(names):
            try:
                data = (archive.read(f"img_align_celeba/{name}") if archive
                        else (self.place / name).read_bytes())
                with Image.open(io.BytesIO(data)) as picture:
                    x[i] = _square(picture.convert("RGB"), self.size)
            except (OSError, ValueError, SyntaxError, KeyError, zipfile.BadZipFile,
                    Image.DecompressionBombError) as error:
                raise ValueError(f"{name} in {self.place} is damaged or no picture; "
                                 "unpack CelebA's archive again.") from error
        return torch.from_numpy(x).permute(0, 3, 1, 2).float() / 127.5 - 1


def _square(picture: Image.Image, size: int) -> np.ndarray:
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((size, size), Image.Resampling.BILINEAR))


def celeba(root: str | Path, split: str = "train", *, size: int = 64, seed: int = 0) -> Faces:
    """CelebA's "train", "valid" or "test"    Liu et al. 2015, Section 5

    root: the folder of the official files. size: a multiple of 16. Returns `Faces` with the columns
    CELEBA_ATTRIBUTES, captions in the wording that the seed draws, and images that are read when
    they are asked for: `images[:1000]` is a tensor, and `batches` takes them as they are.
    Errors: ValueError for another split or size, and for a truncated file; FileNotFoundError.
    """
    if split not in SPLITS:
        raise ValueError(f"CelebA has the splits {', '.join(map(repr, SPLITS))}, not {split!r}.")
    if not isinstance(size, int) or size < 16 or size % 16:
        raise ValueError(f"The size must be a multiple of 16, not {size!r}.")
    root = Path(root)
    names, table = _attributes(_find(root, "list_attr_celeba.txt"))
    partition = _find(root, "list_eval_partition.txt")
    parts = [line.split() for line in partition.read_text().splitlines()]
    if [part[0] for part in parts if len(part) == 2 and part[1] in ("0", "1", "2")] != names:
        raise ValueError(f"{partition} does not have one line, with 0, 1 or 2, for each picture of "
                         "list_attr_celeba.txt; one of them is truncated.")
    rows = torch.tensor([part == SPLITS[split] for _, part in parts])
    names = [name for name, here in zip(names, rows.tolist()) if here]
    place = _pictures(root)
    there = ({Path(name).name for name in _archive(place).namelist()} if place.is_file()
             else {path.name for path in place.iterdir()})
    if missing := [name for name in names if name not in there]:
        raise FileNotFoundError(f"{place} lacks {len(missing)} of the {len(names)} pictures of "
                                f"{split!r}, the first is {missing[0]}; it is truncated.")
    attributes = table[rows]
    return Faces(Photographs(place, names, size), attributes,
                 described(attributes, CELEBA_ATTRIBUTES, seed))


def _pictures(root: Path) -> Path:
    for folder in (root, root / "Img"):
        for place in (folder / "img_align_celeba", folder / "img_align_celeba.zip"):
            if place.exists():
                return place
    raise FileNotFoundError(f"{root} holds neither img_align_celeba/ nor img_align_celeba.zip.")


def _find(root: Path, name: str) -> Path:
    for folder in (root, root / "Anno", root / "Eval"):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{root} lacks {name}, one of CelebA's official files.")


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"{path} is truncated, or no zip file.") from error


def _attributes(path: Path) -> tuple[list[str], Tensor]:
    """File names and bool (n, 40). The file: n; 40 names; then a line a picture of −1 and 1."""
    lines = path.read_text().splitlines()
    if len(lines) < 2 or tuple(lines[1].split()) != CELEBA_ATTRIBUTES:
        raise ValueError(f"{path} does not begin with the number of pictures and the names of "
                         "CelebA's 40 attributes.")
    rows = [line.split() for line in lines[2:]]
    for number, row in enumerate(rows, 3):
        if len(row) != 41 or not set(row[1:]) <= {"1", "-1"}:
            raise ValueError(f"{path}, line {number}: expected a picture's name and 40 values, "
                             "each -1 or 1; the file is truncated or damaged.")
    if lines[0].strip() != str(len(rows)):
        raise ValueError(f"{path} is truncated: it has {len(rows)} pictures, its first line says "
                         f"{lines[0].strip()}.")
    return [row[0] for row in rows], torch.tensor([[v == "1" for v in row[1:]] for row in rows])
