"""What the digits' network is asked for, and at which times: FID after 1,600 steps of 32, one seed.

Every loss is a mean of w(t) ‖x_0 − x̂_0‖², x̂_0 from what the network predicts; L_simple is ε with
w = SNR. `times` is how t is drawn: uniform, or mostly middle ones; "as a factor" draws uniformly
and multiplies w by the density of the middle times instead. `place`: the network has a learned map
at its low level.
"""
from typing import NamedTuple

import torch
from common import chosen, write

from course_lib.core import fit, warmup_cosine
from course_lib.data import batches, digits
from course_lib.diffusion.ddpm import DDPM
from course_lib.diffusion.gaussian_chain import q_sample
from course_lib.diffusion.parametrisations import eps_from_x_0, x_0_from_eps, x_0_from_v
from course_lib.diffusion.schedule import cosine
from course_lib.evaluate import fid
from course_lib.nets import PlacedUNet, UNet
from course_lib.recipes.diffusion import middle_times

TABLES = {"diffusion_parametrisations": ["predicts", "weight", "times", "place"]}
STEPS, SAMPLE_STEPS = 1600, 25
SNR = cosine(1000).snr
SNR[0] = 0
Q = middle_times(1000)
WEIGHTS = {"SNR": SNR, "SNR + 1": SNR + 1, "clamp(SNR, 1, 5)": SNR.clamp(1, 5)}
X_0 = {"ε": x_0_from_eps, "v": x_0_from_v, "x_0": lambda schedule, x_0, x_t, t: x_0}


class Run(NamedTuple):
    predicts: str
    weight: str
    times: str = "uniform"
    place: str = "no"
    seed: int = 0


class Asked(DDPM):
    """A DDPM whose loss is mean w(t) (x_0 − x̂_0)²    Salimans & Ho 2022, Section 4"""

    def __init__(self, net: torch.nn.Module, run: Run):
        super().__init__(net, cosine(1000), (1, 28, 28))
        self.run, self.w = run, WEIGHTS[run.weight].clone()
        if run.times == "as a factor":
            self.w[1:] *= 1000 * Q

    def x_0(self, x_t, t):
        return X_0[self.run.predicts](self.schedule, self.net(x_t, t), x_t, t)

    def forward(self, x_t, t, y=None):
        return eps_from_x_0(self.schedule, self.x_0(x_t, t), x_t, t)

    def loss(self, x_0, player):
        t = self.schedule.draw(len(x_0), Q if self.run.times == "middle" else None)
        eps = torch.randn_like(x_0)
        x_hat = self.x_0(q_sample(self.schedule, x_0, t, eps), t)
        return (self.schedule.at(self.w, t, x_0) * (x_0 - x_hat) ** 2).mean()


RUNS = [Run("ε", "SNR"), Run("x_0", "clamp(SNR, 1, 5)"), Run("v", "SNR + 1"),
        Run("v", "clamp(SNR, 1, 5)"), Run("x_0", "clamp(SNR, 1, 5)", "as a factor"),
        Run("x_0", "clamp(SNR, 1, 5)", "middle"), Run("x_0", "clamp(SNR, 1, 5)", place="yes"),
        Run("x_0", "clamp(SNR, 1, 5)", "middle", "yes")]

for run in chosen(RUNS, __doc__):
    torch.manual_seed(run.seed)
    model = Asked(PlacedUNet() if run.place == "yes" else UNet(), run)
    model.to(memory_format=torch.channels_last)
    fit(model, batches(digits().images, size=32), steps=STEPS, lr=3e-3, betas=(0.9, 0.99),
        schedule=warmup_cosine(), clip=1.0, ema=0.998, seed=run.seed)
    x = torch.cat([model.sample(500, steps=SAMPLE_STEPS, generator=torch.Generator().manual_seed(i))
                   for i in range(10)])
    row = run._asdict() | {"training_steps": STEPS, "sampling_steps": SAMPLE_STEPS, "fid": fid(x)}
    print(row, flush=True)
    write("diffusion_parametrisations", [row], Run._fields)
