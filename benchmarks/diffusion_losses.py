"""L_simple against L_vlb: the same network, chain and steps, three seeds; FID, bits/dim, and where
among the times t the bits are.

linear is the paper's own schedule. Under the cosine schedule β_1000 is clipped at 0.999, so that
the step from t = 1000 has to leap over most of the noise with a variance of almost none: its term
alone is most of what the two losses differ by, and hides what the others say. bits_t_a_b is the sum
of L_{t−1} for t = a … b, one draw of ε a term. The grids in results/diffusion_losses.npz are of
seed 0.
"""
from typing import NamedTuple

import numpy as np
import torch
from common import RESULTS, chosen, write

from course_lib.core import fit, warmup_cosine
from course_lib.data import batches, digits
from course_lib.diffusion import schedule
from course_lib.diffusion.bound import bound_terms
from course_lib.diffusion.ddpm import DDPM, BoundDDPM
from course_lib.evaluate import bits_per_dim, fid
from course_lib.nets import UNet

TABLES = {"diffusion_losses": ["schedule", "loss"]}
STEPS, IMAGES, SAMPLE_STEPS, T = 1600, 256, 25, 1000
MODELS = {"simple": DDPM, "bound": BoundDDPM}
SPLIT = ((2, 10), (11, 100), (101, 500), (501, 999), (1000, 1000))      # t of L_{t−1}
PICTURES = RESULTS / "diffusion_losses.npz"


class Run(NamedTuple):
    schedule: str
    loss: str
    seed: int


RUNS = [Run(name, loss, seed)
        for name in ("linear", "cosine") for seed in range(3) for loss in MODELS]

for run in chosen(RUNS, __doc__):
    torch.manual_seed(run.seed)
    model = MODELS[run.loss](UNet(), getattr(schedule, run.schedule)(T), (1, 28, 28))
    model.to(memory_format=torch.channels_last)
    fit(model, batches(digits().images, size=32), steps=STEPS, lr=2e-3, betas=(0.9, 0.99),
        schedule=warmup_cosine(), clip=1.0, ema=0.998, seed=run.seed)
    x = torch.cat([model.sample(500, steps=SAMPLE_STEPS, generator=torch.Generator().manual_seed(i))
                   for i in range(10)])
    with model.averaged():
        images = digits("mnist", "test").images[:IMAGES]
        generator = torch.Generator().manual_seed(0)
        terms = bound_terms(model, model.schedule, images, generator=generator).mean(1)
    bits = bits_per_dim(-terms, 784)
    row = {"schedule": run.schedule, "loss": run.loss, "seed": run.seed, "steps": STEPS,
           "sampling_steps": SAMPLE_STEPS, "fid": fid(x), "bits_per_dim": bits.sum().item(),
           "bits_L_0": bits[0].item()}
    row |= {f"bits_t_{a}_{b}": bits[a - 1:b].sum().item() for a, b in SPLIT}
    row |= {"bits_L_T": bits[T].item(), "test_images": IMAGES}
    print(row, flush=True)
    write("diffusion_losses", [row], ("schedule", "loss", "seed"))
    if run.seed == 0:
        grids = dict(np.load(PICTURES)) if PICTURES.exists() else {}
        grids[f"{run.schedule}_{run.loss}"] = (127.5 * (x[:20, 0] + 1)).round().byte().numpy()
        np.savez_compressed(PICTURES, **grids)
