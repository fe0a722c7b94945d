"""SVHN's cropped digits (Netzer et al. 2011) in their official format, from a folder or fetched:
train_32x32.mat and test_32x32.mat of ufldl.stanford.edu/housenumbers."""
from pathlib import Path

import numpy as np
import torch
from scipy.io import loadmat

from course_lib.data.digits import Digits
from course_lib.data.files import fetched

MIRROR = "http://ufldl.stanford.edu/housenumbers/"
KNOWN_HASHES = {"train_32x32.mat": "md5:e26dedcc434d2e4c54c9b2d4a06d8373",
                "test_32x32.mat": "md5:eb5a983be6a315427106f1b164d9cef3"}


def svhn(split: str = "train", *, most: int = 10_000, folder: str | Path | None = None,
         url: str = MIRROR, hashes: dict[str, str] | None = None,
         cache: str | Path | None = None) -> Digits:
    """The first digits of SVHN, up to `most`, cropped, 32 × 32    Netzer et al. 2011, Section 3

    images (n, 3, 32, 32) in [−1, 1], labels (n,); there are 73,257 for "train", 26,032 for "test".
    folder: where the official files lie. Without it they are fetched (182 and 64 MB) from `url`,
    checked against `hashes` (default: the known ones) and kept in `cache` (default: the user's).
    SVHN → MNIST is `adapt(method, *svhn(), as_street(digits().images))`.
    Errors: ValueError for an unknown split, for `most` below 1, and for a file that is truncated or
    another one; FileNotFoundError; ConnectionError.
    """
    name = f"{split}_32x32.mat"
    if name not in KNOWN_HASHES:
        raise ValueError(f"SVHN is read in the splits 'train' and 'test', not {split!r}.")
    if most < 1:
        raise ValueError(f"most is how many digits to read, 1 or more, not {most}.")
    if folder is None:
        folder = fetched((name,), url, hashes or KNOWN_HASHES, cache)
    images, labels = read_svhn(Path(folder) / name)
    x = torch.from_numpy(images[:most].astype(np.float32))
    return Digits(x / 127.5 - 1, torch.from_numpy(labels[:most].astype(np.int64)))


def read_svhn(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """X (32, 32, 3, n) and y (n, 1), 10 for a 0    Netzer et al. 2011, the data's page, Format 2

    Returns images (n, 3, 32, 32), uint8, and labels (n,), 0 to 9. Errors: FileNotFoundError;
    ValueError for a file that is truncated or another one.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} lacks {path.name}, SVHN's official file.")
    try:
        content = loadmat(path, variable_names=("X", "y"))
    except Exception as error:             # scipy's reader raises a dozen kinds at damaged files
        raise ValueError(f"{path} is truncated, or no MATLAB file.") from error
    if lacking := {"X", "y"} - set(content):
        raise ValueError(f"{path} lacks {' and '.join(sorted(lacking))}; it is not SVHN's file "
                         "of cropped digits.")
    X, y = content["X"], content["y"].ravel()
    if X.ndim != 4 or X.shape[:3] != (32, 32, 3) or X.dtype != np.uint8 or not len(y):
        raise ValueError(f"{path}: X needs the shape 32 × 32 × 3 × n, n at least 1, and the type "
                         f"uint8, not {' × '.join(map(str, X.shape))} and {X.dtype}.")
    if len(y) != X.shape[3] or not np.isin(y, np.arange(1, 11)).all():
        raise ValueError(f"{path}: y needs a label from 1 to 10 a picture; there are {len(y)} "
                         f"from {y.min()} to {y.max()} for {X.shape[3]} pictures.")
    return X.transpose(3, 2, 0, 1), y % 10
