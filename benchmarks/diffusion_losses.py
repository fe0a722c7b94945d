"""L_simple against L_vlb: the same network, chain and steps, three seeds; FID and bits/dim, and
where among the times the bits are."""
from typing import NamedTuple

import torch
from common import chosen, write

from course_lib.core import fit, warmup_cosine
from course_lib.data import batches, digits
from course_lib.diffusion.bound import bound_terms
from course_lib.diffusion.ddpm import DDPM, BoundDDPM
from course_lib.diffusion.schedule import cosine
from course_lib.evaluate import bits_per_dim, fid
from course_lib.nets import UNet

TABLES = {"diffusion_losses": ["loss"]}
STEPS, IMAGES, SAMPLE_STEPS = 1600, 64, 25
MODELS = {"simple": DDPM, "bound": BoundDDPM}


class Run(NamedTuple):
    loss: str
    seed: int


for run in chosen([Run(loss, seed) for seed in range(3) for loss in MODELS], __doc__):
    torch.manual_seed(run.seed)
    model = MODELS[run.loss](UNet(), cosine(1000), (1, 28, 28))
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
    row = {"loss": run.loss, "seed": run.seed, "steps": STEPS, "sampling_steps": SAMPLE_STEPS,
           "fid": fid(x), "bits_per_dim": bits.sum().item(), "bits_L_0": bits[0].item(),
           "bits_L_1_to_100": bits[1:101].sum().item(), "bits_rest": bits[101:].sum().item(),
           "test_images": IMAGES}
    print(row, flush=True)
    write("diffusion_losses", [row], ("loss", "seed"))
