"""LAPGAN beside a plain GAN of about the same CPU time, on digits, over three seeds.

FID, precision and recall are of 5,000 samples. The log-likelihoods are Parzen-window estimates in
nats, pixels in [0, 1] (Denton et al. 2015, Section 4.1 and Appendix A): of whole pictures for both
models, with 5,000 samples as windows, and by level for LAPGAN, which does not compare with the
first. σ is chosen on 500 test digits (100 by level), and mean and spread are over 1,000 others (300
by level). The row of real digits has 5,000 training digits as windows. The budget is in CPU seconds
of training, in steps that take so long. All three seeds are measured at 40 s and at 80 s, which
side by side shows how both go on (`--budget 80` takes 9 CPU minutes).
"""
import time
from typing import NamedTuple

import torch
from common import chosen, write

from course_lib.data import digits
from course_lib.evaluate import features, fid, parameters, precision_recall
from course_lib.gan.parzen import best_sigma, multiscale_parzen, parzen
from course_lib.recipes.gan import digits_gan
from course_lib.recipes.gan import train_digits as train_gan
from course_lib.recipes.lapgan import digits_lapgan
from course_lib.recipes.lapgan import train_digits as train_lapgan

TABLES = {"lapgan": ["model", "budget"]}
MODELS = {"GAN": (digits_gan, train_gan, {40: 1400, 80: 2800}),
          "LAPGAN": (digits_lapgan, train_lapgan, {40: 250, 80: 500})}
REAL, HELD_OUT = digits().images, digits(split="test").images
VALIDATION, TEST = HELD_OUT[:500], HELD_OUT[500:1500]
NONE = dict.fromkeys(["steps", "cpu_seconds", "parameters", "multiscale", "multiscale_spread",
                      "level_0", "level_1", "level_2"], "")


class Run(NamedTuple):
    model: str
    budget: int
    seed: int


def whole_pictures(x: torch.Tensor) -> dict:
    unit = lambda x: (x + 1) / 2
    sigma = best_sigma(unit(VALIDATION), unit(x))
    nats = parzen(unit(TEST), unit(x), sigma)
    precision, recall = precision_recall(features(REAL[:5000]), features(x))
    return {"fid": fid(x), "precision": precision, "recall": recall, "sigma": sigma,
            "parzen": nats.mean().item(), "parzen_spread": nats.std().item()}


def measured(run: Run) -> dict:
    if run.model == "real digits":
        return NONE | whole_pictures(REAL[5000:])
    make, train, steps = MODELS[run.model]
    steps = steps[run.budget]
    torch.manual_seed(run.seed)
    model, cpu = make(), time.process_time()
    train(model, steps=steps, seed=run.seed)
    row = {"steps": steps, "cpu_seconds": time.process_time() - cpu,
           "parameters": parameters(model)}
    generator = torch.Generator().manual_seed(run.seed)
    x = torch.cat([model.sample(500, generator=generator) for _ in range(10)])
    row |= whole_pictures(x)
    if run.model == "LAPGAN":
        coarse = torch.cat([model.steps(500, generator=generator)[0] for _ in range(10)])
        nats = multiscale_parzen(model, TEST[:300], VALIDATION[:100], coarse, generator=generator)
        row |= {"multiscale": nats.sum(1).mean().item(),
                "multiscale_spread": nats.sum(1).std().item()}
        row |= {f"level_{k}": mean for k, mean in enumerate(nats.mean(0).tolist())}
    return row


RUNS = [Run(model, budget, seed) for budget in (40, 80) for seed in range(3) for model in MODELS]
RUNS.append(Run("real digits", 0, 0))
for run in chosen(RUNS, __doc__):
    row = run._asdict() | NONE | measured(run)
    print(row, flush=True)
    write("lapgan", [row], ("model", "budget", "seed"))
