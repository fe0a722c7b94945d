"""What excites a unit of classifier A, sought in pixels and in the code of a generator: does an
independent classifier B see it too, and is it a picture of the data at all?

Each seed trains its own A and inverter (as recipes/deepsim.py; B is course_lib.evaluate's judge).
activation_maximisation: 50 starts a class of digits, 15 an attribute of portraits. start "another"
is a real test picture of another class (or without the attribute), the same for both searches:
its code, or its pixels; "random" is a code |N(0, 1)| σ, or pixels N(0, 0.3²); "black" is pixels of
-1, with 0.05 |N(0, 1)|, for the goal of the random codes. Code of digits: 200 steps with the prior
−λ‖h‖²/2, λ such that A ends a tenth more excited than by real digits (level), by bisection on
other starts and without B; of portraits: no prior, until A is a tenth more excited. Pixels: until
A's unit is as excited as by the code's picture, pair by pair; "A sure": until p_A is 0.99.
A, B: the shares that A and B recognise; B_shown: that B takes for the class of the start's picture;
p_A: A's median probability; distance: to the nearest of 10,000 training pictures, over that of real
test pictures, both the median; distance_at_start.
activation_maximisation_classes: B's share of each digit from another class's start.
activation_maximisation_starts: 200 steps from random starts, in the feature code with two priors,
in the z of the GAN of unit 1 and in (z, class) of the BigGAN of unit 2, which ship (A of each
seed): the share that B recognises, and of the best of 10 starts a class.
"""
import math
from typing import NamedTuple

import torch
from common import chosen, write
from torch import Tensor
from torch.nn import functional as nnf

from course_lib.core import load
from course_lib.data import digits, faces
from course_lib.evaluate import attributes, classify
from course_lib.gan.activation_maximisation import (
    best,
    code_norm,
    gaussian,
    maximise,
    smoothness,
)
from course_lib.recipes import recipes, weights
from course_lib.recipes.deepsim import RECIPES

TABLES = {"activation_maximisation": ["kind", "start", "search"],
          "activation_maximisation_classes": ["search", "class"],
          "activation_maximisation_starts": ["code"]}
MORE = 1.1                 # goal of the search in code, in units of level
KEYS = ("kind", "seed", "start", "search")


class Run(NamedTuple):
    kind: str
    seed: int


def trained(kind: str, seed: int):
    torch.manual_seed(seed)
    recipe = RECIPES[f"deepsim_{kind}"]
    model = recipe.make()
    recipe.train(model, seed=seed)
    model.load_state_dict(model.ema)
    return model.requires_grad_(False).eval()


def data(kind: str) -> tuple[Tensor, Tensor]:
    """Test pictures (n, …) and what they show, bool (n, units)."""
    if kind == "faces":
        real = faces(4000, seed=9)
        return real.images, real.attributes
    real = digits(split="test")
    return real.images, nnf.one_hot(real.labels, 10).bool()


def recognised(x: Tensor, unit: Tensor, kind: str) -> Tensor:
    """Whether B sees the unit's class, or attribute, in x, (n,)"""
    if kind == "digits":
        return classify(x).argmax(1) == unit
    return attributes(x).gather(1, unit[:, None])[:, 0] > 0


def distance(x: Tensor, training: Tensor, real: Tensor) -> float:
    """Median distance of x to its nearest training picture, over that of real pictures"""
    to = lambda y: torch.cdist(y.flatten(1), training.flatten(1)).min(1).values.median()
    return (to(x) / to(real)).item()


def weight(ascend, goal: float) -> float:
    """λ of the prior at which ascend(λ) ends with the activation `goal` on average, by bisection"""
    low, high = 1e-3, 1e-1
    for _ in range(7):
        lam = (low * high) ** 0.5
        low, high = (lam, high) if ascend(lam).activations[-1].mean() > goal else (low, lam)
    return (low * high) ** 0.5


def searches(kind: str, seed: int) -> None:
    model, (x, shows) = trained(kind, seed), data(kind)
    training = digits().images if kind == "digits" else faces(10_000, seed=1).images
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        logits = torch.cat([model.E(part) for part in x.split(1000)])
    units, each = shows.shape[1], 50 if kind == "digits" else 15
    level = torch.stack([logits[shows[:, u], u].mean() for u in range(units)]).mean()
    unit = torch.arange(units).repeat_interleave(each)
    rows = torch.cat([(~shows[:, u]).nonzero()[:, 0][torch.randperm(
        int((~shows[:, u]).sum()), generator=rng)[:each]] for u in range(units)])
    another, shown = x[rows], shows[rows].float().argmax(1)
    normal = torch.randn(another.shape, generator=rng)
    code = {"G": model.G, "bounds": (0.0, 3 * model.sigma), "lr": 0.6}
    if kind == "digits":
        some, h = torch.arange(10).repeat(6), model.E.features(x[:60])
        lam = weight(lambda lam: maximise(model.E, some, h, prior=gaussian(lam), **code),
                     MORE * level)
        code["prior"] = gaussian(lam)
    else:
        lam, code = 0.0, code | {"lr": 0.2, "end_lr": 0.1, "enough": MORE * level, "steps": 300}
    codes = {"another": model.E.features(another),
             "random": torch.randn(len(unit), model.G.n_h, generator=rng).abs() * model.sigma}
    pictures = {"another": another, "random": 0.3 * normal, "black": 0.05 * normal.abs() - 1}
    ends = {start: maximise(model.E, unit, h, **code) for start, h in codes.items()}
    found, classes = [], []

    def note(start, search, first, ascent, goal):
        A, B = model.E(ascent.x), recognised(ascent.x, unit, kind)
        p_A = (A.sigmoid() if kind == "faces" else A.softmax(1)).gather(1, unit[:, None])
        A_sees = p_A[:, 0] > 0.5 if kind == "faces" else A.argmax(1) == unit
        found.append({
            "kind": kind, "seed": seed, "start": start, "search": search,
            "A": A_sees.float().mean().item(), "B": B.float().mean().item(),
            "B_at_start": recognised(first, unit, kind).float().mean().item(),
            "B_shown": recognised(ascent.x, shown, kind).float().mean().item(),
            "B_worst_unit": B.view(units, each).float().mean(1).min().item(),
            "activation": A.gather(1, unit[:, None]).mean().item(), "level": level.item(),
            "reached": (ascent.activations[-1] >= goal).float().mean().item(), "lam": lam,
            "p_A": p_A.median().item(), "distance": distance(ascent.x, training, x[:1000]),
            "distance_at_start": distance(first, training, x[:1000])})
        print(found[-1], flush=True)
        if kind == "digits" and start == "another":
            shares = B.view(units, each).float().mean(1).tolist()
            classes.extend({"seed": seed, "search": search, "class": u, "B": share}
                           for u, share in enumerate(shares))

    for start, h in codes.items():
        note(start, "code", model.G(h), ends[start], MORE * level)
    log_p = lambda x: nnf.logsigmoid(model.E(x)) if kind == "faces" else model.E(x).log_softmax(1)
    for start, first in pictures.items():
        goal = ends[start if start in ends else "random"].activations[-1]
        for search, phi, smooth, enough in (("pixels", model.E, 0.0, goal),
                                            ("smooth pixels", model.E, 0.3, goal),
                                            ("pixels, A sure", log_p, 0.0, math.log(0.99))):
            ascent = maximise(phi, unit, first, prior=smoothness(smooth), bounds=(-1.0, 1.0),
                              lr=0.01, end_lr=0.001, steps=400, enough=enough)
            note(start, search, first, ascent, enough)
    write("activation_maximisation", found, KEYS)
    if kind == "digits":
        write("activation_maximisation_classes", classes, ("seed", "search", "class"))
        write("activation_maximisation_starts", starts(model, gaussian(lam), rng, seed),
              ("seed", "code"))


def starts(model, prior, rng: torch.Generator, seed: int, each: int = 30) -> list[dict]:
    shipped = {name: load(recipes()[name].make(), weights(name)).requires_grad_(False).eval()
               for name in ("gan_digits", "biggan_digits")}
    unit, rows = torch.arange(10).repeat_interleave(each), []
    z = torch.randn(len(unit), 64, generator=rng)
    big = shipped["biggan_digits"].G
    zc = torch.cat([torch.randn(len(unit), big.n_z, generator=rng),
                    torch.full((len(unit), 10), 0.1)], 1)
    features = {"G": model.G, "bounds": (0.0, 3 * model.sigma), "lr": 0.6}
    low = torch.cat([torch.full((big.n_z,), -2.0), torch.zeros(10)])
    high = torch.cat([torch.full((big.n_z,), 2.0), torch.ones(10)])
    for code, h, how in (
            ("features", z.abs() * model.sigma, features | {"prior": prior}),
            ("features, λ = 0.5 on ‖h‖", z.abs() * model.sigma,
             features | {"prior": code_norm(0.5)}),
            ("z of the GAN", z, {"G": shipped["gan_digits"].G, "prior": gaussian(0.1), "lr": 0.1}),
            ("z of the GAN, no prior", z, {"G": shipped["gan_digits"].G, "lr": 0.1}),
            ("z and class of BigGAN", zc, {"G": lambda h: big(h[:, :-10], h[:, -10:]),
                                           "bounds": (low, high), "lr": 0.05})):
        ascent = maximise(model.E, unit, h, **how)
        B, one = recognised(ascent.x, unit, "digits"), best(ascent, each // 3)
        rows.append({"seed": seed, "code": code, "B": B.float().mean().item(),
                     "B_best_of_10": recognised(one.x, unit[::each // 3], "digits").float().mean()
                     .item(), "activation": ascent.activations[-1].mean().item(),
                     "code_rms": ascent.code.square().mean().sqrt().item()})
        print(rows[-1], flush=True)
    return rows


RUNS = [Run(kind, seed) for kind in ("digits", "faces") for seed in range(3)]

if __name__ == "__main__":
    for run in chosen(RUNS, __doc__):
        searches(run.kind, run.seed)
