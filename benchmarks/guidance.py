"""Precision, recall, FID and class accuracy over the guidance scale, for both algorithms and
without a classifier. Three seeds of the sampler; 2,000 samples each, whose FID is about 3 higher
than that of 5,000.

The classes are asked for equally often; accuracy is that of the course's fixed classifier, which
guidance never sees.
"""
from typing import NamedTuple

import torch
from common import chosen, write

from course_lib.core import load
from course_lib.data import digits
from course_lib.diffusion import ddim, guidance
from course_lib.evaluate import classify, features, fid, precision_recall
from course_lib.recipes import weights
from course_lib.recipes.diffusion import digits_classifier, digits_ddpm

TABLES = {"guidance": ["method", "scale"]}
STEPS, N = 20, 2000
SCALES = {"1": (0.0, 1.0, 2.0, 3.0, 5.0, 8.0), "2": (0.0, 1.0, 2.0, 3.0, 5.0, 8.0),
          "free": (0.0, 0.5, 1.0, 3.0)}


class Run(NamedTuple):
    method: str
    scale: float
    seed: int


RUNS = [Run(method, scale, seed) for seed in range(3)
        for method, scales in SCALES.items() for scale in scales]


def draw(method: str, scale: float, generator: torch.Generator) -> torch.Tensor:
    x_T = torch.randn(len(y), 1, 28, 28, generator=generator).to(device)
    if method == "1":
        return guidance.guided_sample(model, few, x_T, classifier.log_prob, y, scale, clip=True,
                                      variance=few.posterior_variance, generator=generator)
    if method == "2":
        eps_model = guidance.guided(model, schedule, classifier.log_prob, y, scale)
    else:
        eps_model = guidance.classifier_free(conditional, y, scale)
    return ddim.ddim_sample(eps_model, schedule, x_T, STEPS, clip=True)


runs = chosen(RUNS, __doc__)
torch.set_grad_enabled(False)
device = "cuda" if torch.cuda.is_available() else "cpu"
model = load(digits_ddpm(), weights("diffusion_digits")).eval().to(device)
conditional = load(digits_ddpm(10), weights("diffusion_classes")).eval().to(device)
classifier = load(digits_classifier(), weights("diffusion_classifier")).eval().to(device)
classifier.requires_grad_(False)
schedule, real = model.schedule, features(digits().images[:5000])
few = schedule.respace(STEPS)
y = torch.arange(250, device=device) % 10
for method, scale, seed in runs:
    generator = torch.Generator().manual_seed(seed)
    x = torch.cat([draw(method, scale, generator) for _ in range(N // len(y))]).cpu()
    precision, recall = precision_recall(real, features(x))
    accuracy = (classify(x).argmax(1) == y.cpu().repeat(N // len(y))).float().mean().item()
    row = {"method": method, "scale": scale, "seed": seed, "fid": fid(x), "precision": precision,
           "recall": recall, "accuracy": accuracy}
    print(row, flush=True)
    write("guidance", [row], ("method", "scale", "seed"))
