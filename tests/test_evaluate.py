import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from course_lib import evaluate
from course_lib.core import GenerativeModel
from course_lib.data import ATTRIBUTES, digits, faces, modes
from course_lib.recipes.face_features import of_all_combinations
from course_lib.recipes.gan import digits_gan

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def test_the_features_are_the_fixed_ones():
    images, labels = digits("mnist", "test")
    right = (evaluate.classify(images).argmax(1) == labels).float().mean()
    assert right > 0.98                                     # 99.1 % on all 10,000 test digits
    assert torch.allclose(evaluate.classify(images[:50]).exp().sum(1), torch.ones(50), atol=1e-5)
    wide = 3 * images[:5]
    assert torch.equal(evaluate.features(wide), evaluate.features(wide.clamp(-1, 1)))


def test_the_judge_of_portraits_is_right_on_those_that_nothing_was_trained_on():
    for x in (faces(1500, seed=31), of_all_combinations(1500, seed=32)):
        log_odds = evaluate.attributes(x.images)
        assert log_odds.shape == (len(x.images), len(ATTRIBUTES))
        right = ((log_odds > 0) == x.attributes).double().mean(0)
        assert right.min() > 0.99, ATTRIBUTES[int(right.argmin())]
    bald = faces(300, seed=33, attributes={"Bald": True})
    assert (evaluate.attributes(bald.images)[:, ATTRIBUTES.index("Bald")] > 0).float().mean() > 0.98


def test_frechet_distance_against_scipy_and_closed_forms():
    rng = np.random.default_rng(0)
    for rank in (12, 5):                                    # a singular covariance is no exception
        a, b = (rng.normal(size=(12, rank)) for _ in range(2))
        m1, m2, s1, s2 = rng.normal(size=12), rng.normal(size=12), a @ a.T, b @ b.T
        reference = ((m1 - m2) ** 2).sum() + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)
        ours = evaluate.frechet_distance(*map(torch.tensor, (m1, s1, m2, s2)))
        tolerance = 1e-8 if rank == 12 else 1e-4            # scipy's singular root is rough
        assert abs(ours - reference) < tolerance
    eye = torch.eye(3, dtype=torch.float64)
    zero = torch.zeros(3, dtype=torch.float64)
    apart = evaluate.frechet_distance(zero, 4 * eye, zero + 1, 9 * eye)
    assert abs(apart - (3 + 3 * (2 - 3) ** 2)) < 1e-12
    assert abs(evaluate.frechet_distance(zero, eye, zero, eye)) < 1e-12


def test_fid_agrees_with_torchmetrics():
    from torchmetrics.image.fid import _compute_fid
    h = evaluate.features(digits().images[:2000]).double()
    w = evaluate._network()
    library = _compute_fid(h.mean(0), h.T.cov(), w["reference.mean"], w["reference.covariance"])
    assert abs(evaluate.fid(digits().images[:2000]) - library.item()) < 1e-3


def test_fid_of_known_sets_is_what_was_measured_before():
    x = digits().images
    noise = torch.randn(5000, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert abs(evaluate.fid(x[:5000]) - 2) < 0.5 and abs(evaluate.fid(x[:2000]) - 5) < 0.5
    for std, expected in ((0.1, 5), (0.2, 18), (0.4, 84)):
        assert abs(evaluate.fid(x[:5000] + std * noise) / expected - 1) < 0.15


def test_fid_of_portraits_grows_with_what_is_wrong():
    x = faces(1000, seed=34).images
    w = evaluate._network("faces")
    assert w["reference.covariance"].shape == (64, 64) and w["reference.mean"].shape == (64,)
    floor = evaluate.fid(x, "faces")
    assert floor < 12                                       # 1.7 for 5,000
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    noisy = [evaluate.fid(x + std * noise, "faces") for std in (0.1, 0.3, 0.6)]
    hats = faces(1000, seed=35, attributes={"Wearing_Hat": True}).images
    assert floor < noisy[0] < noisy[1] < noisy[2] < evaluate.fid(noise, "faces")
    assert evaluate.fid(hats, "faces") > 10 * floor                             # half is missing


@pytest.mark.parametrize("file, bars", [("bars", evaluate.BARS), ("face_bars", evaluate.FACE_BARS)])
def test_the_bars_are_those_that_were_measured(file, bars):
    with open(RESULTS / f"{file}.csv") as file:
        rows = list(csv.DictReader(file))
    for name, value in bars.items():
        runs = [float(row["fid"]) for row in rows if row["bar"] == name]
        assert len(runs) == 3 and abs(sum(runs) / 3 - value) < 0.06


@pytest.mark.parametrize("kind, x, message", [
    ("digits", torch.zeros(2, 28, 28), "digits of shape"),
    ("digits", torch.zeros(2, 1, 16, 16), "digits of shape"),
    ("digits", torch.full((2, 1, 28, 28), math.nan), "NaN"),
    ("digits", torch.zeros(2, 1, 28, 28, dtype=torch.uint8), "floats.*uint8"),
    ("faces", torch.zeros(2, 3, 32, 32), r"portraits of shape \(batch, 3, 16, 16\)"),
    ("faces", torch.zeros(2, 1, 28, 28), "portraits of shape"),
    ("faces", torch.full((2, 3, 16, 16), math.inf), "infinite"),
    ("faces", torch.zeros(2, 3, 16, 16, dtype=torch.uint8), "floats.*uint8"),
    ("faces", torch.rand(2, 3, 16, 16) * 255, r"in \[-1, 1\], got values in"),
    ("cats", torch.zeros(2, 1, 28, 28), "'digits' or 'faces', not 'cats'"),
])
def test_bad_images_are_refused(kind, x, message):
    calls = [lambda: evaluate.features(x, kind), lambda: evaluate.fid(x, kind)]
    for call in calls + [lambda: evaluate.attributes(x)] * (kind == "faces"):
        with pytest.raises(ValueError, match=message):
            call()


DIGITS = digits().images[:65]


@pytest.mark.parametrize("x, message", [
    (DIGITS[:64], "FID needs 65 digits or more.*got 64"),
    (DIGITS[:0], "got 0"),
    ((DIGITS + 1) / 2, r"got values in \[0, 1\]; those in \[0, 1\] are 2 \* x - 1"),
    ((DIGITS + 1) * 127.5, r"in \[-1, 1\], got values in \[0, 255\].*x / 127.5 - 1"),
    ((DIGITS + 0.7386) / 0.6162, r"in \[-1, 1\], got values in \[-0.42"),     # to mean 0 and std 1
    (((DIGITS + 1) * 127.5).byte(), "floats.*uint8"), (DIGITS.long(), "floats.*int64"),
    (torch.where(DIGITS > 0.9, math.nan, DIGITS), "NaN"), (DIGITS.squeeze(1), "digits of shape")])
def test_fid_refuses_other_ranges_and_too_few(x, message):
    with pytest.raises(ValueError, match=message) as error:
        evaluate.fid(x)
    assert "\n" not in str(error.value)
    assert 0 < evaluate.fid(DIGITS) < evaluate.fid(0.1 * DIGITS) < math.inf     # dim ones are fine


def test_precision_and_recall_in_cases_that_are_known():
    rng = torch.Generator().manual_seed(0)
    a, far = torch.randn(200, 4, generator=rng), torch.randn(200, 4, generator=rng) + 100
    assert evaluate.precision_recall(a, a) == (1, 1)
    assert evaluate.precision_recall(a, far) == (0, 0)
    half = torch.cat([a[:100], far[:100]])
    precision, recall = evaluate.precision_recall(a, half)
    # Half of the fakes are real points; these cover their own half.
    assert abs(precision - 0.5) < 1e-6 and 0.5 < recall < 1
    collapsed = a[:1] + 1e-3 * torch.randn(200, 4, generator=rng)
    precision, recall = evaluate.precision_recall(a, collapsed)
    assert precision == 1 and recall <= 0.01
    line = torch.arange(10.0)[:, None]        # neighbours at 1, 2, 3: a ball of radius 3 at an end
    fake = torch.tensor([[-2.9], [12.1], [4.2], [4.8]])
    assert evaluate.precision_recall(line, fake, k=3) == (0.75, 1)
    with pytest.raises(ValueError, match="more than 3"):
        evaluate.precision_recall(a, a[:3])


def test_bits_and_counts():
    uniform = -784 * math.log(256)                          # log p(x), 256 values a pixel
    assert evaluate.bits_per_dim(uniform, 784) == pytest.approx(8)
    assert evaluate.parameters(torch.nn.Linear(3, 2)) == 8
    centres = modes("ring")
    assert evaluate.modes_covered(centres.repeat(10, 1), centres) == (8, 1)
    assert evaluate.modes_covered(torch.zeros(50, 2), centres) == (0, 0)
    assert evaluate.modes_covered(centres[:1].repeat(50, 1), centres) == (1, 1)
    assert evaluate.nearest(digits().images[[5, 9]], digits().images[:20]).tolist() == [5, 9]


def test_a_score_says_the_bars():
    text = str(evaluate.score(digits_gan(), digits().images[:500], n=200))
    assert all(name in text for name in evaluate.BARS) and "FID" in text


class Drawer(GenerativeModel):
    """A model whose samples are real portraits."""

    def sample(self, n, *, y=None, generator=None):
        return faces(n, seed=int(torch.randint(10**9, (), generator=generator))).images


def test_a_score_of_portraits_says_theirs():
    real = faces(1000, seed=36).images
    score = evaluate.score(Drawer(), real, n=1000, kind="faces",
                           generator=torch.Generator().manual_seed(0))
    assert all(name in str(score) for name in evaluate.FACE_BARS) and score.kind == "faces"
    assert score.fid < 10 and min(score.precision, score.recall) > 0.8 and score.parameters == 0
    with pytest.raises(ValueError, match="kind must be"):
        evaluate.score(Drawer(), real, n=10, kind="dogs")
