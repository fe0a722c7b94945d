import bz2
import functools
import gzip
import hashlib
import http.server
import re
import struct
import sys
import threading

import numpy as np
import pytest
import torch

from course_lib.data import batches, digits, full_digits, modes, toys
from course_lib.data.digits import HERE, SHA256, framed, verified
from course_lib.data.files import read_usps
from course_lib.evaluate import classify


@pytest.mark.parametrize("name, split, n", [("mnist", "train", 10_000), ("mnist", "test", 2_000),
                                            ("usps", "train", 7_000), ("usps", "test", 2_000)])
def test_embedded_digits_have_the_promised_form(name, split, n):
    images, labels = digits(name, split)
    assert images.shape == (n, 1, 28, 28)
    assert images.dtype == torch.float32 and labels.dtype == torch.int64
    assert images.min() == -1 and images.max() <= 1 and set(labels.tolist()) == set(range(10))
    ink = (images + 1) / 2
    assert (255 * ink - (255 * ink).round()).abs().max() < 1e-3       # 8-bit data
    for lines in (ink.amax(2), ink.amax(3)):                          # the ink fits a box of 20
        inked = lines[:, 0] > 0
        extent = 28 - inked.int().argmax(1) - inked.flip(1).int().argmax(1)
        assert extent.max() == 20
    assert (labels.bincount() / n - 0.1).abs().max() < (0.02 if name == "mnist" else 1e-6)
    # MNIST's framing puts the centre of mass at pixel 14; shifts by whole pixels leave at most half
    # a pixel, and the rounding of ink.
    for other in (2, 3):
        centre = (ink.sum((1, 5 - other)) * torch.arange(28.0)).sum(1) / ink.sum((1, 2, 3))
        assert (centre - 14).abs().quantile(0.99) < 0.75


def test_usps_framed_as_mnist_is_read_by_a_classifier_of_mnist():
    images, labels = digits("usps", "test")
    right = (classify(images).argmax(1) == labels).float().mean()
    stretched = torch.nn.functional.interpolate(images[:, :, 4:24, 4:24], size=28, mode="bilinear")
    assert right > 0.95
    assert right > (classify(stretched).argmax(1) == labels).float().mean() + 0.05


def test_framing_moves_a_blob_to_the_centre_without_losing_ink():
    x = torch.zeros(1, 1, 16, 16)
    x[..., :8, :8] = 1
    y = framed(x)
    assert abs(y.sum() - 100) < 3                           # a quarter of 20×20
    centre = torch.nonzero(y[0, 0] > 0.5).float().mean(0)
    assert (centre - 14).abs().max() <= 2.5                 # the margin of 4 limits the shift


def test_callers_cannot_change_each_others_digits():
    digits().images.zero_()
    assert digits().images.std() > 0.5


def test_unknown_names_are_refused():
    for call in (lambda: digits("svhn"), lambda: digits("mnist", "validation"),
                 lambda: toys("star", 3), lambda: modes("moons"), lambda: full_digits("emnist")):
        with pytest.raises(ValueError, match="not"):
            call()


def test_digits_come_from_the_verified_archive_only(tmp_path, monkeypatch):
    module = sys.modules["course_lib.data.digits"]
    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(module, "_stored", functools.cache(module._stored.__wrapped__))
    another = (HERE / "usps.npz").read_bytes()
    (tmp_path / "mnist.npz").write_bytes(another)
    with pytest.raises(ValueError, match="not the file that ships"):
        digits("mnist")
    with pytest.raises(FileNotFoundError, match="missing"):
        digits("usps")


def test_a_changed_or_missing_archive_is_refused(tmp_path):
    data = (HERE / "usps.npz").read_bytes()
    (tmp_path / "usps.npz").write_bytes(data[:-1])
    with pytest.raises(ValueError, match="truncated or changed"):
        verified(tmp_path / "usps.npz", SHA256["usps"])
    with pytest.raises(FileNotFoundError, match="missing"):
        verified(tmp_path / "mnist.npz", SHA256["mnist"])


# small files in the official formats

def idx(array):
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def libsvm_line(digit, values):
    return f"{digit + 1} " + " ".join(f"{i}:{v:.6f}" for i, v in enumerate(values, 1))


def esl_line(line):
    """The line of LIBSVM's file as it is in ESL's."""
    label, *pairs = line.split()
    return " ".join([f"{int(label) - 1:.4f}", *(pair.split(":")[1] for pair in pairs)])


@pytest.fixture
def official(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "official"
    folder.mkdir()
    images = rng.integers(0, 256, (7, 28, 28), np.uint8)
    labels = rng.integers(0, 10, 7).astype(np.uint8)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx(images[:3]))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(labels[:3]))
    usps = rng.uniform(-1, 1, (4, 256))
    lines = [libsvm_line(digit, values) for digit, values in zip((0, 9, 4, 4), usps)]
    (folder / "usps.bz2").write_bytes(bz2.compress("\n".join(lines).encode()))
    return folder, images, labels


def test_official_files_round_trip(official):
    folder, images, labels = official
    train, test = (full_digits("mnist", split, folder=folder) for split in ("train", "test"))
    assert torch.equal(((train.images[:, 0] + 1) * 127.5).round().byte(), torch.from_numpy(images))
    assert train.labels.tolist() == labels.tolist() and test.labels.tolist() == labels[:3].tolist()
    usps = full_digits("usps", folder=folder)
    assert usps.labels.tolist() == [0, 9, 4, 4] and usps.images.shape == (4, 1, 28, 28)


def test_usps_reads_the_same_from_both_official_formats(official):
    folder = official[0]
    libsvm = full_digits("usps", folder=folder)
    lines = bz2.decompress((folder / "usps.bz2").read_bytes()).decode().splitlines()
    (folder / "usps.bz2").unlink()
    esl = "\n".join(map(esl_line, lines))
    (folder / "zip.train.gz").write_bytes(gzip.compress(esl.encode()))
    again = full_digits("usps", folder=folder)
    assert torch.equal(again.images, libsvm.images) and torch.equal(again.labels, libsvm.labels)


def test_all_values_and_labels_of_usps_arrive_in_place(tmp_path):
    values = np.linspace(-1, 1, 256)                        # as pixels 0 … 255, row by row
    for digit in range(10):
        (tmp_path / "usps.t").write_text(libsvm_line(digit, values))
        images, labels = read_usps(tmp_path / "usps.t")
        assert labels == [digit] and images.flatten().tolist() == list(range(256))


IMAGES, LABELS, USPS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "usps.bz2"


def inside(packing, spoil):
    """Spoils what a file holds and packs it again."""
    return lambda data: packing.compress(spoil(packing.decompress(data)))


@pytest.mark.parametrize("file, spoil, message", [
    (IMAGES, lambda data: data[:-20], "truncated"),
    (IMAGES, inside(gzip, lambda content: content[:-1]), "its header says"),
    (IMAGES, inside(gzip, lambda content: b"<html>not found</html>"), "no IDX file"),
    (IMAGES, inside(gzip, lambda content: idx(np.zeros((7, 16, 16), np.uint8))), "28×28"),
    (LABELS, inside(gzip, lambda content: idx(np.zeros(6, np.uint8))), "do not belong together"),
    (LABELS, inside(gzip, lambda content: idx(np.full(7, 77, np.uint8))), "the largest is 77"),
    (USPS, lambda data: data[:-9], "truncated"),
    (USPS, inside(bz2, lambda content: content[:-30]), "line 4"),
    (USPS, inside(bz2, lambda content: b""), "empty"),
    (USPS, inside(bz2, lambda content: re.sub(rb" 7:\S+", b" 7:nan", content)), "line 1"),
    (USPS, inside(bz2, lambda content: re.sub(rb"(?m)^1 ", b"11 ", content)), "line 1"),
])
def test_a_spoilt_file_gets_one_clear_sentence(official, file, spoil, message):
    folder = official[0]
    (folder / file).write_bytes(spoil((folder / file).read_bytes()))
    with pytest.raises(ValueError, match=message):
        full_digits(file.split("-")[0].replace("train", "mnist").replace(".bz2", ""), folder=folder)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        full_digits("mnist", folder=tmp_path)


class Quiet(http.server.SimpleHTTPRequestHandler):
    cut = False

    def log_message(self, *_):
        pass

    def copyfile(self, source, output):
        data = source.read()
        output.write(data[:len(data) // 2] if self.cut else data)


def served(folder, handler):
    handler = functools.partial(handler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/"


def hashes_of(folder):
    md5 = lambda path: hashlib.md5(path.read_bytes()).hexdigest()
    return {path.name: "md5:" + md5(path) for path in folder.iterdir()}


def test_fetched_once_then_taken_from_the_cache(official, tmp_path):
    folder, _, labels = official
    server, url = served(folder, Quiet)
    hashes, cache = hashes_of(folder), tmp_path / "cache"
    fetch = lambda: full_digits("mnist", url=url, hashes=hashes, cache=cache)
    assert fetch().labels.tolist() == labels.tolist()
    server.shutdown()
    server.server_close()
    assert fetch().labels.tolist() == labels.tolist()


@pytest.mark.parametrize("kind, error", [
    ("cut", ConnectionError), ("hash", ValueError),
    ("offline", ConnectionError), ("lacking", ConnectionError),
])
def test_nothing_half_written_stays_in_the_cache(official, tmp_path, kind, error):
    folder = official[0]
    handler = type("Cutting", (Quiet,), {"cut": True}) if kind == "cut" else Quiet
    server, url = served(folder, handler)
    hashes, cache = hashes_of(folder), tmp_path / "cache"
    if kind == "hash":
        hashes = dict.fromkeys(hashes, "md5:" + "0" * 32)
    if kind == "lacking":
        url += "nowhere"
    if kind == "offline":
        server.shutdown()
        server.server_close()
    with pytest.raises(error, match="train-images") as raised:
        full_digits("mnist", url=url, hashes=hashes, cache=cache)
    assert error is ValueError or "digits()" in str(raised.value)     # the embedded digits remain
    server.shutdown()
    server.server_close()
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_fetch_that_cannot_be_checked_is_not_tried(tmp_path):
    with pytest.raises(ValueError, match="lacks the checksum of train-images"):
        full_digits("mnist", url="http://127.0.0.1:9/", hashes={USPS: "md5:0"}, cache=tmp_path)
    with pytest.raises(ValueError, match="must begin with http"):
        full_digits("mnist", url="127.0.0.1:9", cache=tmp_path)


# toys and batches

@pytest.mark.parametrize("name", ["ring", "grid"])
def test_mixtures_have_equal_modes_of_the_given_width(name):
    n, centres = 20_000, modes(name)
    x = toys(name, n, generator=torch.Generator().manual_seed(0))
    distance, index = torch.cdist(x, centres).min(1)
    share = index.bincount(minlength=len(centres)) / n
    expected = 1 / len(centres)
    assert (share - expected).abs().max() < 5 * (expected * (1 - expected) / n) ** 0.5
    energy = distance.pow(2) / (2 * 0.05**2)                # of an exponential law: mean 1, std 1
    assert abs(energy.mean() - 1) < 5 / n**0.5


def test_moons_and_bars():
    generator = torch.Generator().manual_seed(0)
    x = toys("moons", 20_000, generator=generator)
    assert x.mean(0).abs().max() < 5 * x.std() / 20_000**0.5
    centre = torch.tensor([-0.5, -0.25])                    # of the upper circle
    upper = (x - centre).norm(dim=1)
    assert ((upper - 1).abs() < 0.25).float().mean() > 0.49           # 5 σ: half of the points
    images = toys("bars", 4000, generator=generator)
    assert images.shape == (4000, 1, 4, 4) and set(images.unique().tolist()) == {-1, 1}
    rows = (images == images[..., :1]).all((1, 2, 3))
    columns = (images == images[..., :1, :]).all((1, 2, 3))
    assert (rows | columns).all()
    # 2·2⁴ patterns, of which all-black and all-white are there twice
    assert len(images.flatten(1).unique(dim=0)) == 30


def test_batches_can_be_iterated_again_and_are_reproducible():
    x, y = torch.arange(10.0), torch.arange(10)
    source = batches(x, y, size=3)
    torch.manual_seed(0)
    first, second = list(source), list(source)
    torch.manual_seed(0)
    again = list(source)
    assert len(source) == len(first) == 3 and all(torch.equal(a.long(), b) for a, b in first)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, again))
    assert not all(torch.equal(a[0], b[0]) for a, b in zip(first, second))
    everything = torch.cat(list(batches(x, size=4, drop_last=False)))
    assert sorted(everything.tolist()) == x.tolist()


@pytest.mark.parametrize("arguments, message", [
    ((torch.zeros(3), torch.zeros(4)), "one length"),
    ((torch.zeros(3),), "between 1 and"),
])
def test_batches_refuses_what_does_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        batches(*arguments, size=5)
