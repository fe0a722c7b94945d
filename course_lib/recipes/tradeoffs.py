"""The rows of the trade-off table, and how one is measured: each system of digits that is here is
trained by its own recipe for the same seconds, and then asked the same    Bond-Taylor et al. 2021

    measure(ROWS["DCGAN"], seconds=20)

The survey's table (`course_lib.data.survey`) collects what papers say; this one measures. Seconds
are `core.clock`'s. A new system is a model, its recipe, and a line of ROWS.
"""
import math
import statistics
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as nnf

from course_lib import core
from course_lib.core import GenerativeModel, History
from course_lib.data import digits
from course_lib.evaluate import bits_per_dim, features, fid, parameters, precision_recall
from course_lib.recipes import (
    biggan,
    continuous,
    diffusion,
    flows,
    gan,
    igebm,
    lapgan,
    pixelcnn,
    score,
    vae,
)

SIZES = (16, 28, 56)                            # pixels in a row, for how cost grows
BAR = 166.4     # FID of 1,000 samples of the Gaussian mixture: benchmarks/results/tradeoffs_bar.csv
SHARES = (2 / 90, 4 / 90, 8 / 90, 15 / 90, 25 / 90, 40 / 90, 60 / 90)     # of a run, for snapshots
SLOW = 5.0                                      # seconds for 1,000 samples, from where on it is
DENSITIES = {"log_prob": "exact", "estimate": "estimate", "elbo": "≤"}    # a method, and what it is


class Row(NamedTuple):
    """A system of the table    Bond-Taylor et al. 2021, Table 1

    name: the survey's where it has the system; make(size): the untrained model of size×size
    pixels; train(model, x, seconds=…, seed=…, on_step=…): its recipe; free_form: whether its
    network may be any, with no form that its Jacobian must have; held_out: of how many digits bits
    per dimension are taken; note: what its figures alone don't say. Whether it has a density is
    told by its methods, `density`.
    """

    name: str
    family: str
    make: Callable[[int], GenerativeModel]
    train: Callable[..., History]
    free_form: bool
    held_out: int = 1000
    note: str = ""


def table(*rows: Row) -> dict[str, Row]:
    return {row.name: row for row in rows}


ROWS = table(
    Row("DCGAN", "gan", gan.digits_gan, gan.train_digits, True),
    Row("BigGAN", "gan", biggan.digits_biggan, biggan.train_digits, True),
    Row("IGEBM", "ebm", igebm.digits_igebm, igebm.train_digits, True),
    Row("Denoising Diffusion", "ebm", diffusion.digits_velocity, diffusion.train_digits, True,
        held_out=50, note="it predicts v, as Salimans & Ho 2022, where the paper predicts ε"),
    Row("DDPM++ Continuous", "ebm", continuous.digits_score_sde, continuous.train_score_sde, True,
        held_out=200),
    Row("Convolutional VAE", "vae", vae.digits_vae, vae.train_vae, True),
    Row("VQ-VAE", "vae", vae.digits_vqvae, vae.train_vqvae, False),
    Row("Gated PixelCNN", "ar", pixelcnn.digits_pixelcnn, pixelcnn.train_digits, False),
    Row("RealNVP", "flow", flows.digits_realnvp, flows.train_realnvp, False),
    Row("GLOW", "flow", flows.digits_glow, flows.train_glow, False),
    Row("FFJORD", "flow", continuous.digits_ffjord, continuous.train_ffjord, True,
        note="each pixel's own law is made normal before the flow (Chen & Gopinath 2000); one "
             "scale where the paper has several"),
    # not in the survey
    Row("LAPGAN", "gan", lapgan.digits_lapgan, lapgan.train_digits, True),
    Row("NCSN", "ebm", lambda size: score.digits_ncsn(size=size), score.train_ncsn, True),
)


class Snapshots:
    """An `on_step` that keeps the weights, and their averages, as they are at some seconds of
    training: `kept`, pairs of seconds and both."""

    def __init__(self, times):
        self.due, self.kept, self.seconds, self.since = list(times), [], 0.0, core.clock()

    def __call__(self, step: int, model: GenerativeModel) -> None:
        self.seconds += core.clock() - self.since
        if self.due and self.seconds >= self.due[0]:
            self.due = [time for time in self.due if time > self.seconds]
            copied = lambda tensors: {name: w.detach().clone() for name, w in tensors.items()}
            average = copied(model.ema) if model.ema else None
            self.kept.append((self.seconds, copied(model.state_dict()), average))
        self.since = core.clock()


def lasting(n: int, passes: Callable[[int], bool], *, halve: bool = False) -> int | None:
    """The first of 0 … n − 1 from which on all pass, or None where the last one does not

    Asked from the last one back; halve: by bisection, which asks less, and sees no relapse.
    """
    if not passes(n - 1):
        return None
    low, high = -1, n - 1                                   # high passes; low does not, if there
    while high - low > 1:
        middle = (low + high) // 2 if halve else high - 1
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def density(model: GenerativeModel) -> str:
    """"exact", "≤" (a bound) or "estimate", as its method is named; "—" where it has none."""
    return next((word for name, word in DENSITIES.items() if hasattr(model, name)), "—")


@torch.no_grad()
def held_out_bits(model: GenerativeModel, n: int, generator: torch.Generator) -> Tensor:
    """Bits per dimension of each of n held-out digits, (n,)    Theis et al. 2016, Section 3.1"""
    name = next(name for name in DENSITIES if hasattr(model, name))
    options = {} if name == "log_prob" else {"generator": generator}
    x = digits(split="test").images[:n]
    with model.averaged():
        nats = torch.cat([getattr(model, name)(part, **options) for part in x.split(100)])
    return bits_per_dim(nats.double(), x[0].numel())


def drawn(model: GenerativeModel, n: int, generator: torch.Generator) -> Tensor:
    return torch.cat([model.sample(min(500, n - i), generator=generator)
                      for i in range(0, n, 500)])


def measure(row: Row, *, seed: int = 0, seconds: float = 90.0,
            n: int = 5000) -> tuple[dict, Tensor | None]:
    """One run of a row: its figures by name, and n samples

    fid, precision, recall: of n samples, as `evaluate.score`; seconds_per_1000: of sampling them.
    seconds_to_bar: of training, until 1,000 samples of the averaged weights have an FID below that
    of a Gaussian mixture, BAR, and keep it: looked at after SHARES of the run. density, bits, error
    (of the mean, one standard deviation): of held-out digits. Where the network or a chain becomes
    infinite, "failed" says so, and there are no samples.
    """
    torch.manual_seed(seed)
    model, kept = row.make(28), Snapshots(share * seconds for share in SHARES)
    figures = {"row": row.name, "seed": seed, "budget": seconds, "steps": "", "fid": "",
               "precision": "", "recall": "", "seconds_per_1000": "", "seconds_to_bar": "",
               "parameters": parameters(model), "density": density(model), "bits": "", "error": "",
               "failed": ""}
    rng = lambda: torch.Generator().manual_seed(seed)
    try:
        history = row.train(model, digits().images, seconds=seconds, seed=seed, on_step=kept)
        if history.interrupted:                                 # `fit` keeps half a run
            raise KeyboardInterrupt
        with model.averaged():                                  # once, not for each batch anew
            start = core.clock()
            x = drawn(model, n, rng())
            each = (core.clock() - start) / n
        precision, recall = precision_recall(features(digits().images[:n]), features(x))
        figures |= {"steps": history.steps, "fid": fid(x), "precision": precision,
                    "recall": recall, "seconds_per_1000": 1000 * each}
        if density(model) != "—":
            bits = held_out_bits(model, row.held_out, rng())
            figures |= {"bits": bits.mean().item(),
                        "error": bits.std().item() / math.sqrt(len(bits))}

        def passes(i: int) -> bool:
            if i == len(kept.kept):
                return fid(x[:1000]) < BAR
            _, weights, model.ema = kept.kept[i]
            model.load_state_dict(weights)
            return fid(drawn(model, 1000, rng())) < BAR

        first = lasting(len(kept.kept) + 1, passes, halve=1000 * each > SLOW)
        times = [time for time, *_ in kept.kept] + [history.seconds]
        figures["seconds_to_bar"] = f"not in {seconds:g} s" if first is None else times[first]
    except (FloatingPointError, ValueError) as error:           # a loss, or a chain of samples
        if not kept.seconds:
            raise                                               # no step was done: a mistake
        return figures | {"failed": str(error)}, None
    return figures, x


def resized(x: Tensor, size: int) -> Tensor:
    """8-bit images (n, 1, H, W) as (n, 1, size, size), 8-bit again; a pixel is its area's mean."""
    x = nnf.interpolate(x, size=(size, size), mode="area")
    return ((x + 1) * 127.5).round() / 127.5 - 1


def cost(row: Row, size: int, *, seconds: float = 2.0) -> dict:
    """Seconds an image of a step of training and of sampling, at size×size pixels

    A step's is the median of those in so many seconds, over the size of a batch; a sample's is that
    of as many at once as take a second. "failed" as in `measure`.
    """
    torch.manual_seed(0)
    model, marks, batch = row.make(size), [], []
    loss = model.loss

    def counted(x, player):
        batch.append(len(x) if isinstance(x, Tensor) else len(x[0]))
        return loss(x, player)

    model.loss = counted
    figures = {"row": row.name, "size": size, "training": "", "sampling": "", "failed": ""}
    try:
        row.train(model, resized(digits().images, size), seconds=seconds, seed=0,
                  on_step=lambda step, model: marks.append(core.clock()))
        steps = [after - before for before, after in zip(marks, marks[1:])]
        if steps:
            figures["training"] = statistics.median(steps) / batch[0]
        n, spent = 5, 0.0
        with model.averaged():
            while spent < 1 and n < 500:
                n, start = min(500, 2 * n), core.clock()
                model.sample(n, generator=torch.Generator().manual_seed(0))
                spent = core.clock() - start
        figures["sampling"] = spent / n
    except (FloatingPointError, ValueError) as error:
        figures["failed"] = str(error)
    return figures


def slope(sizes, seconds) -> float:
    """s of seconds ~ pixels^s: least squares of log seconds on log pixels, pixels = size²"""
    pixels = torch.tensor([2 * math.log(size) for size in sizes], dtype=torch.float64)
    log = torch.tensor(seconds, dtype=torch.float64).log()
    centred = pixels - pixels.mean()
    return float((centred * log).sum() / (centred**2).sum())
