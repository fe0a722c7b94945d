"""The full MNIST and USPS in their official formats, from a folder or fetched.

MNIST: IDX files (yann.lecun.com/exdb/mnist). USPS: the text files of LIBSVM
(csie.ntu.edu.tw/~cjlin), or of The Elements of Statistical Learning
(hastie.su.domains/ElemStatLearn). Packed or unpacked.
"""
import bz2
import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
import pooch

from course_lib.data.digits import Digits, as_digits

MIRRORS = {"mnist": "https://ossci-datasets.s3.amazonaws.com/mnist/",
           "usps": "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"}
FILES = {("mnist", "train"): ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
         ("mnist", "test"): ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
         ("usps", "train"): ("usps.bz2",), ("usps", "test"): ("usps.t.bz2",)}
KNOWN_HASHES = {
    "train-images-idx3-ubyte.gz": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "md5:d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "md5:9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "md5:ec29112dd5afa0611ce80d1b7f02629c",
    "usps.bz2": "md5:ec16c51db3855ca6c91edd34d0e9b197",
    "usps.t.bz2": "md5:8ea070ee2aca1ac39742fdd1ef5ed118",
}


def full_digits(name: str, split: str = "train", *, folder: str | Path | None = None,
                url: str | None = None, hashes: dict[str, str] | None = None,
                cache: str | Path | None = None) -> Digits:
    """All of "mnist" or "usps"    LeCun et al. 1998, Section III-A; Hull 1994

    MNIST has 60,000 + 10,000 digits, USPS 7,291 + 2,007.
    folder: where the official files lie, packed or not. Without it they are fetched from `url`
    (default: a known mirror), checked against `hashes` (default: the known ones) and kept in
    `cache` (default: the user's cache folder).
    Errors: ValueError for an unknown name or split and for a wrong or truncated file;
    FileNotFoundError; ConnectionError.
    """
    if (name, split) not in FILES:
        raise ValueError("Known are 'mnist' and 'usps' with the splits 'train' and 'test', "
                         f"not {name!r}, {split!r}.")
    if folder is None:
        folder = fetched(FILES[name, split], url or MIRRORS[name], hashes or KNOWN_HASHES, cache)
    folder = Path(folder)
    if name == "usps":
        images, labels = read_usps(_find(folder, *FILES[name, split], f"zip.{split}.gz"))
    else:
        image_file, label_file = FILES[name, split]
        images = read_idx(_find(folder, image_file), dimensions=3)
        labels = read_idx(_find(folder, label_file), dimensions=1)
    if len(images) != len(labels):
        raise ValueError(f"{folder} holds {len(images)} images and {len(labels)} labels; "
                         "they do not belong together.")
    if not len(labels) or labels.max() > 9:
        largest = f"the largest is {labels.max()}" if len(labels) else "there are none"
        raise ValueError(f"The {name} files in {folder} are not of digits: "
                         f"expected labels 0 … 9, but {largest}.")
    return as_digits(images, labels)


def fetched(files: tuple[str, ...], url: str, hashes: dict[str, str],
            cache: str | Path | None = None) -> Path:
    """Downloads what is not in the cache yet and returns the cache's folder.

    Nothing half-written stays there.
    """
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"The address must begin with http:// or https://, not {url!r}.")
    if lacking := sorted(set(files) - set(hashes)):
        raise ValueError(f"hashes lacks the checksum of {', '.join(lacking)}; "
                         "nothing is fetched unchecked.")
    folder = Path(cache) if cache else pooch.os_cache("course_lib")
    for file in files:
        address = url.rstrip("/") + "/" + file
        try:
            pooch.retrieve(address, known_hash=hashes[file], fname=file, path=folder)
        except OSError as error:                     # no network, no server, a connection cut short
            raise ConnectionError(f"{file} could not be fetched from {url} "
                                  f"({type(error).__name__}); give folder=… where it lies, "
                                  "or use digits(), which needs no network.") from error
        except ValueError as error:
            raise ValueError(f"{file} from {url} is not the known file (its checksum differs); "
                             "nothing was kept.") from error
    return folder


def _find(folder: Path, *files: str) -> Path:
    names = [name for file in files for name in (file, Path(file).stem)]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder} holds none of {', '.join(names)}.")


def _content(path: Path) -> bytes:
    unpack = {".gz": gzip.decompress, ".bz2": bz2.decompress}.get(path.suffix, bytes)
    try:
        return unpack(path.read_bytes())
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ValueError(f"{path} is truncated, or no {path.suffix} file.") from error


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """0, 0, 8, dimensions, big-endian sizes, data    LeCun, MNIST's page, Section FILE FORMATS

    An IDX file; the 8 says unsigned bytes. Errors: ValueError for another kind of file, or where
    there are more or fewer bytes than the sizes say.
    """
    data = _content(path)
    head = 4 + 4 * dimensions
    if data[:4] != bytes([0, 0, 8, dimensions]) or len(data) < head:
        plural = "s" if dimensions > 1 else ""
        raise ValueError(f"{path} is no IDX file of bytes in {dimensions} dimension{plural}.")
    shape = struct.unpack(f">{dimensions}I", data[4:head])
    if dimensions == 3 and shape[1:] != (28, 28):
        height, width = shape[1:]
        raise ValueError(f"{path} holds images of {height}×{width} pixels; MNIST's have 28×28.")
    if len(data) - head != int(np.prod(shape, dtype=object)):
        raise ValueError(f"{path} is truncated or damaged: {len(data) - head} bytes of data, "
                         f"its header says {shape}.")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def read_usps(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """USPS as text, a line a digit, 256 values in [−1, 1].

    LIBSVM: `label index:value …`, label = digit + 1. ESL: `digit value …`.
    Returns images (n, 16, 16) and labels (n,), uint8. Errors: ValueError with the line's number.
    """
    images, labels = [], []
    lines = _content(path).decode("ascii", "replace").splitlines()
    for number, line in enumerate(lines, 1):
        libsvm = ":" in line
        try:
            label, *entries = line.split()
            pairs = [entry.split(":") for entry in entries] if libsvm else [*enumerate(entries, 1)]
            index, value = np.array(pairs, dtype=float).T
            digit = float(label) - libsvm
            in_order = np.array_equal(index, np.arange(1, 257))
            if digit not in range(10) or not in_order or not (abs(value) <= 1).all():
                raise ValueError
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: expected a label and 256 values in [−1, 1]; "
                             "the file is truncated or another one.") from error
        images.append(np.round((value + 1) * 127.5).reshape(16, 16))
        labels.append(digit)
    if not images:
        raise ValueError(f"{path} is empty.")
    return np.stack(images).astype(np.uint8), np.array(labels, dtype=np.uint8)
