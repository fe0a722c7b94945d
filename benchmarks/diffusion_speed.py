"""This course's U-Net beside diffusers.UNet2DModel, of the same widths and of about as many parameters: images a second in
training (batch 32) and in sampling (batch 250), interleaved in one run -> results/diffusion_speed.csv.

Ours is a smaller net on unshuffled pixels: it works at 14×14 and 7×7, theirs at 28×28 and 14×14.
    OMP_NUM_THREADS=2 python diffusion_speed.py     on a quiet machine
    python diffusion_speed.py fid                   both after 12,800 images; 2,000 samples in 10 steps -> results/diffusion_equal_images.csv
"""
import statistics
import sys
import time

import torch
from common import write
from diffusers import UNet2DModel
from torch import nn

from course_lib.data import digits
from course_lib.diffusion.schedule import cosine
from course_lib.evaluate import fid, parameters
from course_lib.recipes.diffusion import DigitsDDPM, digits_ddpm, train_digits


class Theirs(nn.Module):
    def __init__(self, widths: tuple[int, ...], layers: int):
        super().__init__()
        down, up = ("DownBlock2D",) * (len(widths) - 1), ("UpBlock2D",) * (len(widths) - 1)
        self.net = UNet2DModel(28, 1, 1, layers_per_block=layers, block_out_channels=widths, norm_num_groups=8,
                               attention_head_dim=8, down_block_types=(*down, "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", *up))

    def forward(self, x, t, y=None):
        return self.net(x, t).sample


WIDTHS = (32, 64)
MODELS = {"ours": digits_ddpm, "diffusers, same widths": lambda: DigitsDDPM(Theirs(WIDTHS, 2), cosine(1000), (1, 28, 28)),
          "diffusers, about equal parameters": lambda: DigitsDDPM(Theirs((16, 32), 2), cosine(1000), (1, 28, 28))}

if sys.argv[1:] == ["fid"]:
    for name in ("ours", "diffusers, same widths"):
        torch.manual_seed(0)
        model = MODELS[name]()
        history = train_digits(model, digits().images, steps=400)
        x = torch.cat([model.sample(250, steps=10, generator=torch.Generator().manual_seed(i)) for i in range(8)])
        row = {"model": name, "images": 32 * 400, "fid": fid(x), "seconds": history.seconds}
        print(row, flush=True)
        write("diffusion_equal_images", [row], ("model",))
    sys.exit()

models, times = {name: make() for name, make in MODELS.items()}, {}
optimisers = {name: torch.optim.Adam(model.parameters(), 1e-4) for name, model in models.items()}
images, x_T, t = digits().images[:32], torch.randn(250, 1, 28, 28), torch.full((250,), 500)
for _ in range(12):                                          # interleaved, so that a busy moment meets all
    for name, model in models.items():
        start = time.perf_counter()
        optimisers[name].zero_grad()
        model.loss(images, "model").backward()
        optimisers[name].step()
        middle = time.perf_counter()
        with torch.no_grad():
            model(x_T, t)
        times.setdefault(name, []).append((middle - start, time.perf_counter() - middle))
rows = []
for name, pairs in times.items():
    train, sample = (statistics.median(column) for column in zip(*pairs[2:]))
    rows.append({"model": name, "parameters": parameters(models[name]), "train_images_per_s": 32 / train,
                 "sample_images_per_s_50_steps": 250 / sample / 50, "steps_in_60_s": 60 / train})
for row in rows:
    row |= {"ours_is_faster_train": rows[0]["train_images_per_s"] / row["train_images_per_s"],
            "ours_is_faster_sample": rows[0]["sample_images_per_s_50_steps"] / row["sample_images_per_s_50_steps"]}
    print(row)
write("diffusion_speed", rows)
