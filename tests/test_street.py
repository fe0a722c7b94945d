"""Drawn house numbers: what makes them one data set, readable, and unlike MNIST."""
import pytest
import torch
from sklearn.linear_model import RidgeClassifier

from course_lib.data import digits
from course_lib.data.adaptation import as_street
from course_lib.data.street import FONTS, _blurred, stencils, street_digits

IMAGES, LABELS = street_digits(1500, seed=3)


def test_a_seed_means_one_set_of_pictures():
    street_digits(1500, seed=3).images.fill_(0)          # what a caller changes stays the caller's
    again = street_digits(1500, seed=3)
    assert torch.equal(again.images, IMAGES) and torch.equal(again.labels, LABELS)
    assert not torch.equal(street_digits(1500, seed=4).images, IMAGES)


def test_form_range_and_8_bits():
    assert IMAGES.shape == (1500, 3, 32, 32) and IMAGES.dtype == torch.float32
    assert LABELS.shape == (1500,) and LABELS.dtype == torch.int64
    assert IMAGES.min() >= -1 and IMAGES.max() <= 1
    levels = (IMAGES + 1) * 127.5
    assert (levels - levels.round()).abs().max() < 1e-3


@pytest.mark.parametrize("n", [1, 7, 10, 1500])
def test_labels_are_balanced_and_shuffled(n):
    labels = street_digits(n, seed=5).labels
    counts = labels.bincount(minlength=10)
    assert counts.max() - counts.min() <= 1 and counts.sum() == n
    assert n < 100 or (labels[1:] != labels[:-1]).float().mean() > 0.8


def test_stencils_are_ten_different_digits_a_font():
    boxes = stencils()
    assert boxes.shape[:2] == (len(FONTS), 10) and boxes.min() >= 0 and boxes.max() <= 1
    flat = boxes.flatten(1).view(-1, 10, boxes[0, 0].numel())
    distance = torch.cdist(flat, flat) + 100 * torch.eye(10)
    assert distance.min() > 5 and (boxes.amax((2, 3)) > 0.9).all()
    assert (boxes.sum(3) > 0).sum(2).float().sub(36).abs().max() <= 2      # of one height


def test_ink_is_lighter_or_darker_than_the_ground_equally_often():
    """By the sign of the correlation with the digit's mean shape, which has the ink in the middle.
    Of 1500 fair coins, 4 standard deviations are 77."""
    grey = torch.nn.functional.avg_pool2d(IMAGES.mean(1), 2).flatten(1)
    grey = grey - grey.mean(1, keepdim=True)
    shapes = torch.stack([grey[LABELS == k].T @ grey[LABELS == k] for k in range(10)])
    axes = torch.linalg.eigh(shapes).eigenvectors[:, :, -1]               # (10, 256)
    lighter = ((axes[LABELS] * grey).sum(1) > 0).float().mean()
    assert 0.4 < lighter < 0.6


def test_colours_differ():
    spread = (IMAGES.amax(1) - IMAGES.amin(1)).mean((1, 2))
    assert spread.median() > 0.1
    assert IMAGES.mean((1, 2, 3)).std() > 0.2                             # of the light


def test_they_can_be_read():
    """By a linear classifier of edges, of which the sign does not matter: 1200 to learn from, 300
    asked. Chance is 10 %, and 4 standard deviations above it are 17 %."""
    grey = IMAGES.mean(1)
    edges = torch.stack([grey[:, 1:, 1:] - grey[:, :-1, 1:], grey[:, 1:, 1:] - grey[:, 1:, :-1]], 1)
    x = torch.nn.functional.avg_pool2d(edges.abs(), 4).flatten(1)
    x = (x / x.norm(dim=1, keepdim=True)).numpy()
    judge = RidgeClassifier(0.1).fit(x[:1200], LABELS[:1200].numpy())
    assert judge.score(x[1200:], LABELS[1200:].numpy()) > 0.3


@pytest.mark.parametrize("sigma", [0.3, 1.0, 1.5])
def test_blur_keeps_the_mean_and_shrinks_white_noise(sigma):
    """White noise of variance 1 has Σ w² left; a constant picture stays."""
    width = torch.full((4, 1, 1, 1), sigma)
    assert torch.allclose(_blurred(torch.full((4, 3, 32, 32), 0.7), width), torch.tensor(0.7))
    noise = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    w = torch.softmax(-(torch.arange(-4.0, 5) / sigma).square() / 2, 0)
    left = _blurred(noise, width)[..., 4:-4, 4:-4].var() / w.square().sum() ** 2
    assert abs(left - 1) < 0.25


def test_no_picture_is_one_clear_error():
    with pytest.raises(ValueError, match="one picture or more, not 0"):
        street_digits(0)


def test_grey_digits_in_the_form_of_street_numbers():
    x = digits("mnist", "test").images[:5]
    y = as_street(x)
    assert y.shape == (5, 3, 32, 32) and torch.equal(y[:, 0], y[:, 2])
    assert torch.equal(y[:, :1, 2:-2, 2:-2], x)
    assert (y[:, :, [0, 1, -2, -1]] == -1).all() and (y[..., [0, 1, -2, -1]] == -1).all()
    for odd in (y, x[0], x[:, :, :20]):
        with pytest.raises(ValueError, match="28, 28"):
            as_street(odd)
