"""What the cycle term and the identity term of CycleGAN buy, on portraits, digits and points.

cyclegan: recipes/cyclegan.py with and without its terms, 300 steps a run; "cycle alone" has no
discriminators; "log form" is eq. 1 in place of least squares, where G descends log(1 − D) or,
non-saturating, −log D. translated: the share of 1,000 test pictures that end up in the other
domain, as course_lib.evaluate's judge sees the attribute (of digits: nobody asks). kept: of
portraits the share of the 28 other attributes, of digits the share of labels, that the judge sees
in the translation as they were (of digits: as labelled); person: portraits with all 28. cycle_x:
‖F(G(x)) − x‖₁, a mean over pixels of [−1, 1]; cycle_y: ‖G(F(y)) − y‖₁. distance_Y: Fréchet distance
of 2,000 G(x) to the test pictures of Y, in the judge's features; of F(y) to X alike. gain: ‖G(p +
z) − G(p)‖₁ / ‖z‖₁ for faint noise z of standard deviation 0.02, of a real p = x and of p = F(y):
where the second is much larger, F(y) hides what G needs to bring y back.
cyclegan_shipped: the same of the weights that ship, one seed. before: the Fréchet distance of X to
Y as they are; floor_Y: that of 2,000 training pictures of Y to the test pictures of Y; floor_X
alike.
cyclegan_points: two clusters of unequal or equal weights, turned by an angle, 500 steps. right: the
share of points that land in the cluster of their own weight, by G and by F; up: the share that
G puts into the heavier cluster (Y has `weight` there); cycle: ‖F(G(x)) − x‖₁.
cyclegan_hidden: X = N(0, I) and Y = N(0, diag(1, 0.1²)) in the plane, λ = 1, 1,500 steps. back:
‖F(given) − x‖₁, a mean over both coordinates; who knows nothing of one of them errs by √(2/π)/2 =
0.40. thickness: the standard deviation of the second coordinate of what is given; D_Y: its loss,
a mean of the last 100 steps; ½ is that of a D that cannot tell.
"""
import math
import time
from typing import NamedTuple

import torch
from common import chosen, write
from torch import Tensor

from course_lib.core import falling, fit, load
from course_lib.data import ATTRIBUTES, digits
from course_lib.data.domains import clusters, flat, unpaired
from course_lib.evaluate import attributes, classify, features, frechet_distance, parameters
from course_lib.gan.cyclegan import LEAST_SQUARES, LOG, Adversarial, CycleGAN, points_cyclegan
from course_lib.gan.minimax import discriminator_loss, non_saturating_generator_loss
from course_lib.recipes import weights
from course_lib.recipes.cyclegan import MODELS, domains, train

TABLES = {"cyclegan": ["task", "terms"], "cyclegan_points": ["weight", "angle", "terms"],
          "cyclegan_shipped": ["task"], "cyclegan_hidden": ["given"]}
TERMS = {"all": (True, True, True), "no identity": (True, True, False),
         "no cycle": (True, False, True), "GAN alone": (True, False, False),
         "cycle alone": (False, True, False), "log form": (True, True, True),
         "log form, non-saturating": (True, True, True)}
NO_GAME = Adversarial(LEAST_SQUARES.discriminator, lambda fake: 0 * fake.mean())
FORMS = {"log form": LOG,
         "log form, non-saturating": Adversarial(discriminator_loss, non_saturating_generator_loss)}
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
    model.adversarial = FORMS.get(terms, model.adversarial)
    cpu = time.process_time()
    train(model, task, steps=300, seed=seed)
    cpu = time.process_time() - cpu
    return figures(model, task) | {"cpu_seconds": cpu}


def figures(model: CycleGAN, task: str) -> dict:
    X, Y = domains(task, "test")
    all_Y, all_X = model.to_Y(X), model.to_X(Y)
    x, y, fake_Y, fake_X = X[:1000], Y[:1000], all_Y[:1000], all_X[:1000]
    kind = kind_of(task)
    return judged(task, x, y, fake_Y, fake_X) | {
        "cycle_x": (model.to_X(fake_Y) - x).abs().mean().item(),
        "cycle_y": (model.to_Y(fake_X) - y).abs().mean().item(),
        "distance_Y": frechet(all_Y, Y, kind), "distance_X": frechet(all_X, X, kind),
        "gain_real": gain(model.to_Y, x), "gain_translated": gain(model.to_Y, fake_X)}


def kind_of(task: str) -> str:
    return "digits" if task == "digits" else "faces"


def shipped(task: str, terms: str, seed: int) -> dict:
    """The weights that ship, beside the distances before, and of other real pictures."""
    model = load(MODELS[task](), weights(f"cyclegan_{task}"))
    (X, Y), (more_X, more_Y), kind = domains(task, "test"), domains(task), kind_of(task)
    return figures(model, task) | {
        "before": frechet(X, Y, kind), "floor_Y": frechet(more_Y[:2000], Y, kind),
        "floor_X": frechet(more_X[:2000], X, kind), "parameters": parameters(model)}


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


def hidden(seed: int) -> list[dict]:
    """A row for each thing that F is given."""
    generator = torch.Generator().manual_seed(seed)
    x, y, test = (flat(n, s, generator=generator)
                  for n, s in ((5000, 1.0), (5000, 0.1), (2000, 1.0)))
    torch.manual_seed(seed)
    model = points_cyclegan(lam=1.0)
    history = fit(model, unpaired(x, y, size=64), steps=1500, lr=1e-3, betas=(0.5, 0.99), ema=0.99,
                  seed=seed, schedule=falling)
    fake_Y = model.to_Y(test)
    noise = torch.randn(fake_Y.shape, generator=generator)
    given = {"G(x)": fake_Y, "G(x) without its thickness": fake_Y * torch.tensor([1.0, 0.0])}
    given |= {f"G(x), noise of {std}": fake_Y + std * noise for std in (0.01, 0.03, 0.1)}
    D_Y = sum(history.losses["D_Y"][-100:]) / 100
    return [{"given": name, "seed": seed, "back": (model.to_X(p) - test).abs().mean().item(),
             "thickness": p[:, 1].std().item(), "D_Y": D_Y} for name, p in given.items()]


RUNS = [Run("cyclegan", "eyeglasses", terms, seed) for seed in range(3) for terms in TERMS]
RUNS += [Run("cyclegan", "digits", terms, seed) for seed in range(3)
         for terms in ("no identity", "GAN alone")]
RUNS += [Run("cyclegan_shipped", task, "all", 0) for task in COLUMN | {"digits": ""}]
RUNS += [Run("cyclegan_hidden", "", "no identity", seed) for seed in range(3)]
RUNS += [Run("cyclegan_points", task, terms, seed) for seed in range(4)
         for task, terms in (("0.5 at 90", "GAN alone"), ("0.5 at 90", "no identity"),
                             ("0.8 at 90", "GAN alone"), ("0.8 at 90", "no identity"),
                             ("0.8 at 60", "no identity"), ("0.8 at 60", "all"))]
# Weights and the identity term, each with and without the other, at one angle.
RUNS += [Run("cyclegan_points", f"{weight} at 60", terms, seed) for weight in (0.5, 0.8)
         for terms in ("no identity", "all") for seed in range(8)
         if weight == 0.5 or seed > 3]

if __name__ == "__main__":
    for run in chosen(RUNS, __doc__):
        if run.table == "cyclegan_hidden":
            write(run.table, hidden(run.seed), ("given", "seed"))
            continue
        if run.table == "cyclegan_points":
            weight, angle = run.task.split(" at ")
            row = {"weight": weight, "angle": angle, "terms": run.terms, "seed": run.seed}
            keys, measured = ("weight", "angle", "terms", "seed"), on_points
        elif run.table == "cyclegan":
            row = {"task": run.task, "terms": run.terms, "seed": run.seed}
            keys, measured = ("task", "terms", "seed"), ablation
        else:
            row, keys, measured = {"task": run.task}, ("task",), shipped
        row |= measured(run.task, run.terms, run.seed)
        print(run.table, row, flush=True)
        write(run.table, [row], keys)
