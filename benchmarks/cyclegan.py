"""What the cycle term and the identity term of CycleGAN buy, on portraits, digits and points.

cyclegan: recipes/cyclegan.py with and without its terms, 300 steps a run; "cycle alone" has no
discriminators. translated: the share of 1,000 test pictures that end up in the other domain, as
course_lib.evaluate's judge sees the attribute (of digits: nobody asks). kept: of portraits the
share of the 28 other attributes, of digits the share of labels, that the judge sees in the
translation as they were (of digits: as labelled); person: portraits with all 28. cycle_x:
‖F(G(x)) − x‖₁, a mean over pixels of [−1, 1]; cycle_y: ‖G(F(y)) − y‖₁. distance_Y: Fréchet
distance of 2,000 G(x) to the test pictures of Y, in the judge's features; of F(y) to X alike.
gain: ‖G(p + z) − G(p)‖₁ / ‖z‖₁ for faint noise z of standard deviation 0.02, of a real p = x and of
p = F(y): where the second is much larger, F(y) hides what G needs to bring y back.
cyclegan_points: two clusters of unequal or equal weights, turned by an angle, 500 steps. right: the
share of points that land in the cluster of their own weight, by G and by F; up: the share that
G puts into the heavier cluster (Y has `weight` there); cycle: ‖F(G(x)) − x‖₁.
"""
import math
import time
from typing import NamedTuple

import torch
from common import chosen, write
from torch import Tensor

from course_lib.core import fit
from course_lib.data import ATTRIBUTES, digits
from course_lib.data.domains import clusters, unpaired
from course_lib.evaluate import attributes, classify, features, frechet_distance
from course_lib.gan.cyclegan import LEAST_SQUARES, Adversarial, points_cyclegan
from course_lib.recipes.cyclegan import MODELS, domains, train

TABLES = {"cyclegan": ["task", "terms"], "cyclegan_points": ["weight", "angle", "terms"]}
TERMS = {"all": (True, True, True), "no identity": (True, True, False),
         "no cycle": (True, False, True), "GAN alone": (True, False, False),
         "cycle alone": (False, True, False)}
NO_GAME = Adversarial(LEAST_SQUARES.discriminator, lambda fake: 0 * fake.mean())
COLUMN = {"eyeglasses": "Eyeglasses", "hair": "Long_Hair"}


class Run(NamedTuple):
    table: str
    task: str
    terms: str
    seed: int


def frechet(x: Tensor, y: Tensor, kind: str) -> float:
    of = lambda h: (h.mean(0), h.T.cov())
    return frechet_distance(*of(features(x, kind).double()), *of(features(y, kind).double()))


def gain(G, p: Tensor, std: float = 0.02) -> float:
    z = std * torch.randn(p.shape, generator=torch.Generator().manual_seed(0))
    return ((G(p + z) - G(p)).abs().mean() / z.abs().mean()).item()


def judged(task: str, x: Tensor, y: Tensor, fake_Y: Tensor, fake_X: Tensor) -> dict:
    if task == "digits":
        right = [(classify(fake).argmax(1) == digits(name, "test").labels[:len(fake)])
                 for fake, name in ((fake_Y, "mnist"), (fake_X, "usps"))]
        kept = [part.float().mean().item() for part in right]
        return {"translated_Y": "", "translated_X": "", "kept_Y": kept[0], "kept_X": kept[1],
                "person_Y": "", "person_X": ""}
    has = lambda part: (attributes(part) > 0)[:, ATTRIBUTES.index(COLUMN[task])].float().mean()
    # Whoever gets eyeglasses cannot wear Sunglasses: that is no loss.
    other = [i for i, name in enumerate(ATTRIBUTES) if name not in ("Sunglasses", COLUMN[task])]
    same = [(attributes(a) > 0)[:, other] == (attributes(b) > 0)[:, other]
            for a, b in ((fake_Y, x), (fake_X, y))]
    return {"translated_Y": has(fake_Y).item(), "translated_X": 1 - has(fake_X).item(),
            "kept_Y": same[0].float().mean().item(), "kept_X": same[1].float().mean().item(),
            "person_Y": same[0].all(1).float().mean().item(),
            "person_X": same[1].all(1).float().mean().item()}


def ablation(task: str, terms: str, seed: int) -> dict:
    game, cycle, identity = TERMS[terms]
    torch.manual_seed(seed)
    model = MODELS[task]()
    model.lam *= cycle
    model.lam_identity *= identity
    if not game:
        model.adversarial = NO_GAME
    cpu = time.process_time()
    train(model, task, steps=300, seed=seed)
    cpu = time.process_time() - cpu
    X, Y = domains(task, "test")
    all_Y, all_X = model.to_Y(X), model.to_X(Y)
    x, y, fake_Y, fake_X = X[:1000], Y[:1000], all_Y[:1000], all_X[:1000]
    kind = "digits" if task == "digits" else "faces"
    return judged(task, x, y, fake_Y, fake_X) | {
        "cycle_x": (model.to_X(fake_Y) - x).abs().mean().item(),
        "cycle_y": (model.to_Y(fake_X) - y).abs().mean().item(),
        "distance_Y": frechet(all_Y, Y, kind), "distance_X": frechet(all_X, X, kind),
        "gain_real": gain(model.to_Y, x), "gain_translated": gain(model.to_Y, fake_X),
        "cpu_seconds": cpu}


def on_points(task: str, terms: str, seed: int) -> dict:
    """task: the weight of the first cluster and the angle, as "0.8 at 60"."""
    weight, angle = map(float, task.split(" at "))
    _, cycle, identity = TERMS[terms]
    generator = torch.Generator().manual_seed(seed)
    x = clusters(5000, weight, generator=generator)
    y = clusters(5000, weight, angle=angle, generator=generator)
    torch.manual_seed(seed)
    model = points_cyclegan(10.0 * cycle, 5.0 * identity)
    fit(model, unpaired(x, y, size=64), steps=500, lr=1e-3, betas=(0.5, 0.99), ema=0.99, seed=seed)
    axis = torch.tensor([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
    fake_Y, fake_X = model.to_Y(x), model.to_X(y)
    up = fake_Y @ axis > 0
    return {"right_G": (up == (x[:, 0] > 0)).float().mean().item(),
            "right_F": ((fake_X[:, 0] > 0) == (y @ axis > 0)).float().mean().item(),
            "up": up.float().mean().item(),
            "cycle": (model.to_X(fake_Y) - x).abs().mean().item()}


RUNS = [Run("cyclegan", task, terms, seed) for seed in range(3) for task in ("eyeglasses", "digits")
        for terms in TERMS if (task, terms) not in (("digits", "all"), ("digits", "no cycle"))]
RUNS += [Run("cyclegan_points", task, terms, seed) for seed in range(4)
         for task, terms in (("0.5 at 90", "GAN alone"), ("0.5 at 90", "no identity"),
                             ("0.8 at 90", "GAN alone"), ("0.8 at 90", "no identity"),
                             ("0.8 at 60", "no identity"), ("0.8 at 60", "all"))]

if __name__ == "__main__":
    for run in chosen(RUNS, __doc__):
        if run.table == "cyclegan":
            row = {"task": run.task, "terms": run.terms, "seed": run.seed}
            row |= ablation(run.task, run.terms, run.seed)
            keys = ("task", "terms", "seed")
        else:
            weight, angle = run.task.split(" at ")
            row = {"weight": weight, "angle": angle, "terms": run.terms, "seed": run.seed}
            row |= on_points(run.task, run.terms, run.seed)
            keys = ("weight", "angle", "terms", "seed")
        print(run.table, row, flush=True)
        write(run.table, [row], keys)
