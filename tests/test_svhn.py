"""SVHN's official files, small ones: what is read, and one clear error a damage."""
import hashlib

import numpy as np
import pytest
import torch
from scipy.io import savemat

from course_lib.data import digits
from course_lib.data.adaptation import as_street
from course_lib.data.svhn import svhn
from course_lib.gan.adaptation import METHODS, adapt

rng = np.random.default_rng(0)
X = rng.integers(0, 256, (32, 32, 3, 12), dtype=np.uint8)
Y = np.array([10, *range(1, 10), 10, 3], dtype=np.uint8)[:, None]


def written(folder, name="train_32x32.mat", **content):
    savemat(folder / name, content or {"X": X, "y": Y})
    return folder


def test_pictures_and_labels_are_those_of_the_file(tmp_path):
    images, labels = svhn(folder=written(tmp_path))
    assert images.shape == (12, 3, 32, 32) and images.dtype == torch.float32
    assert labels.tolist() == [0, *range(1, 10), 0, 3] and labels.dtype == torch.int64
    for k, channel, row, column in ((0, 0, 0, 0), (5, 2, 31, 7), (11, 1, 4, 30)):
        exact = X[row, column, channel, k] / 127.5 - 1
        assert images[k, channel, row, column].item() == pytest.approx(exact, abs=1e-6)


def test_splits_are_two_files_and_most_is_a_limit(tmp_path):
    written(written(tmp_path), "test_32x32.mat", X=X[..., :5], y=Y[:5])
    assert len(svhn("test", folder=tmp_path).labels) == 5
    assert len(svhn("train", folder=tmp_path, most=7).images) == 7


@pytest.mark.parametrize("content, words", [
    ({"X": X}, "lacks y"), ({"z": X}, "lacks X and y"),
    ({"X": X[:28, :28], "y": Y}, "28 × 28 × 3 × 12"),
    ({"X": X.astype(np.float64), "y": Y}, "float64"),
    ({"X": X[..., 0], "y": Y}, "32 × 32 × 3 and"),
    ({"X": X[..., :0], "y": Y[:0]}, "at least 1"),
    ({"X": X, "y": Y[:7]}, "7 from 1 to 10 for 12"),
    ({"X": X, "y": Y - 1}, "from 0 to 9"), ({"X": X, "y": Y + 10}, "from 11 to 20")])
def test_another_file_is_one_clear_error(tmp_path, content, words):
    with pytest.raises(ValueError, match=words):
        svhn(folder=written(tmp_path, **content))


@pytest.mark.parametrize("keep", [0, 3, 100, 200, 5000, -20])
def test_a_truncated_file_is_one_clear_error(tmp_path, keep):
    path = written(tmp_path) / "train_32x32.mat"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="train_32x32.mat"):
        svhn(folder=tmp_path)


def test_no_matlab_file(tmp_path):
    (tmp_path / "train_32x32.mat").write_text("<html>Not found</html>" * 100)
    with pytest.raises(ValueError, match="no MATLAB file"):
        svhn(folder=tmp_path)


def test_arguments_are_checked_before_anything_is_read(tmp_path):
    with pytest.raises(ValueError, match="not 'extra'"):
        svhn("extra", folder=tmp_path)
    with pytest.raises(ValueError, match="1 or more, not 0"):
        svhn(folder=written(tmp_path), most=0)
    with pytest.raises(FileNotFoundError, match="lacks test_32x32.mat"):
        svhn("test", folder=tmp_path)


def test_what_is_fetched_is_checked(tmp_path):
    """The cache holds the file; where its checksum is not the known one, it is fetched anew, which
    fails without a server."""
    sha = hashlib.sha256((written(tmp_path) / "train_32x32.mat").read_bytes()).hexdigest()
    nowhere = "http://127.0.0.1:9/"
    known = {"train_32x32.mat": f"sha256:{sha}"}
    assert len(svhn(url=nowhere, hashes=known, cache=tmp_path).labels) == 12
    with pytest.raises(ConnectionError, match="could not be fetched"):
        svhn(url=nowhere, cache=tmp_path)


@pytest.mark.parametrize("method", METHODS)
def test_svhn_to_mnist_is_the_same_call(tmp_path, method):
    mnist = as_street(digits("mnist", "test").images[:30])
    predict = adapt(method, *svhn(folder=written(tmp_path)), mnist, steps=1)
    assert predict(mnist).shape == (30,)
