"""How good samples of digits and portraits are, and what they cost: the figures of every table in
this course.

FID here is the Fréchet distance on a fixed, small network for digits, or on one for portraits
(`data/digit_features.safetensors`, `data/face_features.safetensors`), so that its values compare
with each other and never with a paper's FID, which is taken on Inception features of photographs.
"""
import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as nnf

from course_lib import core

FEATURES = Path(__file__).parent / "data" / "digit_features.safetensors"
FACE_FEATURES = FEATURES.with_name("face_features.safetensors")
# Means over three seeds. `python benchmarks/bars.py` measures them; the runs are in
# benchmarks/results/bars.csv and face_bars.csv.
BARS = {"real digits": 1.8, "Gaussian mixture": 164.5, "noise": 1099.7}
FACE_BARS = {"real portraits": 1.7, "Gaussian mixture": 138.8, "noise": 1280.8}


class Kind(NamedTuple):
    """What the figures of one kind of pictures are taken with."""

    file: Path
    shape: tuple[int, int, int]
    noun: str
    bars: dict[str, float]


KINDS = {"digits": Kind(FEATURES, (1, 28, 28), "digits", BARS),
         "faces": Kind(FACE_FEATURES, (3, 16, 16), "portraits", FACE_BARS)}


def _known(kind: str) -> Kind:
    if kind not in KINDS:
        raise ValueError(f"kind must be {' or '.join(map(repr, KINDS))}, not {kind!r}.")
    return KINDS[kind]


@functools.cache
def _network(kind: str = "digits") -> dict[str, Tensor]:
    return load_file(str(_known(kind).file))


def _layer(name: str, device: torch.device, kind: str = "digits") -> tuple[Tensor, Tensor]:
    w = _network(kind)
    return w[f"{name}.weight"].to(device), w[f"{name}.bias"].to(device)


def _checked(x: Tensor, kind: str) -> Tensor:
    _, shape, noun, _ = _known(kind)
    if x.ndim != 4 or x.shape[1:] != shape:
        form = ", ".join(map(str, shape))
        raise ValueError(f"Expected {noun} of shape (batch, {form}) in [-1, 1], "
                         f"got {tuple(x.shape)}.")
    if not x.is_floating_point():
        raise ValueError(f"Expected {noun} as floats in [-1, 1], got {x.dtype}.")
    if not torch.isfinite(x).all():
        raise ValueError("The images hold NaN or infinite values.")
    if x.numel() and x.min() >= 0 and x.max() > 2:
        raise ValueError(f"Expected {noun} in [-1, 1], got values in [{x.min():g}, {x.max():g}]; "
                         "8-bit ones are x / 127.5 - 1.")
    return x.float().clamp(-1, 1)


def _enough(x: Tensor, kind: str) -> Tensor:
    """Of pictures, those that FID is taken of: none are refused, or all."""
    _checked(x, kind)
    noun, fewest = _known(kind).noun, 1 + len(_network(kind)["reference.mean"])
    if len(x) < fewest:
        raise ValueError(f"FID needs {fewest} {noun} or more, one more than it takes features, "
                         f"got {len(x)}.")
    low, high = map(float, x.aminmax())
    if low >= 0 or (low > -1 and high > 2):
        raise ValueError(f"Expected {noun} in [-1, 1], got values in [{low:g}, {high:g}]; those in "
                         "[0, 1] are 2 * x - 1, 8-bit ones x / 127.5 - 1.")
    return x


def _hidden(x: Tensor, kind: str = "digits") -> Tensor:
    layer = lambda name: _layer(name, x.device, kind)
    h = _checked(x, kind)                                     # digits      (batch, 1, 28, 28)
    h = nnf.max_pool2d(nnf.conv2d(h, *layer("conv1"), padding="same").relu(), 2)    # 16, 14, 14
    h = nnf.max_pool2d(nnf.conv2d(h, *layer("conv2"), padding="same").relu(), 2)    # 32, 7, 7
    return nnf.linear(h.flatten(1), *layer("features")).relu()                      # 64


@torch.no_grad()
def features(x: Tensor, kind: str = "digits") -> Tensor:
    """The 64 features that distances are taken in    LeCun et al. 1998, Figure 2

    The networks are like the figure's, with ReLU. x: (batch, 1, 28, 28) of kind "digits",
    (batch, 3, 16, 16) of kind "faces", in [-1, 1], clamped. Returns (batch, 64) float32.
    Errors: ValueError for another kind or shape, integers, or values that are not finite or those
    of 8-bit images.
    """
    return torch.cat([_hidden(part, kind) for part in x.split(1000)])


@torch.no_grad()
def classify(x: Tensor) -> Tensor:
    """log p(y | x) of the fixed classifier, in nats    LeCun et al. 1998, Section II

    x: as for `features`. Returns (batch, 10). It is right on 99.1 % of MNIST's test digits.
    """
    return nnf.linear(features(x), *_layer("logits", x.device)).log_softmax(1)


@torch.no_grad()
def attributes(x: Tensor) -> Tensor:
    """log p(a | x) − log p(not a | x) of the fixed judge of portraits    Liu et al. 2015, Section 3

    x: portraits (batch, 3, 16, 16), as for `features`. Returns (batch, A), in the order of
    `course_lib.data.ATTRIBUTES`: positive where the judge sees the attribute. It is right on at
    least 99.7 % of 5,000 held-out portraits, whichever the attribute.
    """
    return nnf.linear(features(x, "faces"), *_layer("logits", x.device, "faces"))


def frechet_distance(mean_1: Tensor, covariance_1: Tensor,
                     mean_2: Tensor, covariance_2: Tensor) -> float:
    """d² = ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½)    Heusel et al. 2017, eq. 6

    means (d,), covariances (d, d), float64. The square root is taken as tr (Σ₁^½ Σ₂ Σ₁^½)^½, whose
    matrix is symmetric, so that singular covariances are no exception.
    """
    values, vectors = torch.linalg.eigh(covariance_1)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ covariance_2 @ root).clamp(min=0).sqrt().sum()
    trace = covariance_1.trace() + covariance_2.trace() - 2 * cross
    return float(((mean_1 - mean_2) ** 2).sum() + trace)


def fid(x: Tensor, kind: str = "digits") -> float:
    """Fréchet distance of x's features to those of real pictures    Heusel et al. 2017, eq. 6

    x: as for `features`, and more pictures than features, 65 or more. The real ones are MNIST's
    10,000 test digits, or 10,000 portraits of a seed that nothing else has. The course always takes
    n = 5,000: fewer samples score higher (2,000 real digits: 5).
    Errors: ValueError as for `features`, for fewer pictures, and where no value is negative or none
    is near −1 and some are above 2: these are not in [−1, 1].
    """
    h = features(_enough(x, kind), kind).double().cpu()
    w = _network(kind)
    return frechet_distance(h.mean(0), h.T.cov(), w["reference.mean"], w["reference.covariance"])


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> tuple[float, float]:
    """Share of fake in real's manifold, of real in fake's    Kynkäänniemi et al. 2019, eqs. 1 and 2

    real (n, d), fake (m, d): features. A manifold is the union of the balls around its points that
    reach to their k-th nearest neighbour. Memory is n·m floats. Errors: ValueError where a set has
    no more than k points.
    """
    n, m = len(real), len(fake)
    if min(n, m) <= k:
        raise ValueError(f"k = {k} nearest neighbours need more than {k} points in each set, "
                         f"got {n} and {m}.")

    def covered(points, centres):
        # k + 1, as the nearest one is the point itself
        radius = torch.cdist(centres, centres).kthvalue(k + 1, dim=1).values
        return (torch.cdist(points, centres) <= radius).any(1).float().mean().item()

    return covered(fake, real), covered(real, fake)


def bits_per_dim(nats, d: int):
    """−log p(x) / (d log 2)    Theis et al. 2016, Section 3.1

    nats: −log p(x) of an image of 8-bit data, in [0, 256)^d. Returns bits a dimension.
    """
    return -nats / (d * math.log(2))


def parameters(model: torch.nn.Module) -> int:
    """How many trainable numbers the model has    Bond-Taylor et al. 2021, Table 1

    There it is the column "Num. Params.".
    """
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def nearest(x: Tensor, training: Tensor) -> Tensor:
    """argminᵢ ‖x − training[i]‖ for each sample x    Goodfellow et al. 2014, Figure 2

    Returns the indices, (n,).
    """
    return torch.cdist(x.flatten(1), training.flatten(1)).argmin(1)


def modes_covered(x: Tensor, centres: Tensor, *,
                  radius: float = 0.15, share: float = 0.01) -> tuple[int, float]:
    """How many modes x covers, and the share of x near a mode    Metz et al. 2017, Section 3.3

    x: points (n, d). A mode is covered that gets at least `share` of them; near is within `radius`.
    """
    distance, index = torch.cdist(x, centres.to(x)).min(1)
    near = distance < radius
    counts = torch.bincount(index[near], minlength=len(centres))
    return int((counts >= share * len(x)).sum()), near.float().mean().item()


@dataclass
class Score:
    """FID, precision and recall of samples and what they cost; as text, beside the course's three
    bars (Heusel et al. 2017, eq. 6; Kynkäänniemi et al. 2019, eqs. 1 and 2)."""

    fid: float
    precision: float
    recall: float
    seconds_per_1000: float
    parameters: int
    kind: str = "digits"

    def __str__(self):
        bars = ", ".join(f"{name} {value:.0f}" for name, value in KINDS[self.kind].bars.items())
        return (f"FID {self.fid:.1f} (beside it: {bars}); "
                f"precision {self.precision:.2f}, recall {self.recall:.2f}; "
                f"{self.seconds_per_1000:.2f} s per 1,000 samples; {self.parameters:,} parameters")


def score(model, real: Tensor, n: int = 5000, *, kind: str = "digits",
          generator: torch.Generator | None = None) -> Score:
    """The `Score` of n samples    Heusel et al. 2017, eq. 6; Kynkäänniemi et al. 2019, eqs. 1 and 2

    Precision and recall are against the features of up to 5,000 of `real`. kind: "digits" or
    "faces". Errors: ValueError for another kind, and as for `fid`.
    """
    _known(kind)
    start = core.clock()
    x = torch.cat([model.sample(min(500, n - i), generator=generator) for i in range(0, n, 500)])
    seconds = core.clock() - start
    real = features(real[:5000].to(x.device), kind)
    precision, recall = precision_recall(real, features(x, kind))
    return Score(fid(x, kind), precision, recall, 1000 * seconds / n, parameters(model), kind)
