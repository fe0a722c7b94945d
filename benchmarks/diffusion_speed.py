"""This course's U-Net beside diffusers.UNet2DModel, of the same widths and of about as many
parameters: images a second in training (batch 32) and in sampling (batch 250), interleaved in one
run; and, with --fid, both after 12,800 images: FID of 2,000 samples in 10 steps.

Threads: 2

Ours is a smaller net on unshuffled pixels: it works at 14×14 and 7×7, theirs at 28×28 and 14×14.
"""
import argparse
import statistics
import time

import torch
from common import write
from diffusers import UNet2DModel
from torch import nn

from course_lib.data import digits
from course_lib.diffusion.schedule import cosine
from course_lib.evaluate import fid, parameters
from course_lib.recipes.diffusion import DigitsDDPM, digits_ddpm, train_digits

TABLES = {"diffusion_speed": ["model"], "diffusion_equal_images": ["model"]}


class Theirs(nn.Module):
    def __init__(self, widths: tuple[int, ...], layers: int = 2):
        super().__init__()
        plain = len(widths) - 1
        self.net = UNet2DModel(
            28, 1, 1, layers_per_block=layers, block_out_channels=widths, norm_num_groups=8,
            attention_head_dim=8, down_block_types=(*("DownBlock2D",) * plain, "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", *("UpBlock2D",) * plain))

    def forward(self, x, t, y=None):
        return self.net(x, t).sample


def theirs(*widths: int) -> DigitsDDPM:
    return DigitsDDPM(Theirs(widths), cosine(1000), (1, 28, 28))


MODELS = {"ours": digits_ddpm, "diffusers, same widths": lambda: theirs(32, 64),
          "diffusers, about equal parameters": lambda: theirs(16, 32)}


def equal_images() -> None:
    for name in ("ours", "diffusers, same widths"):
        torch.manual_seed(0)
        model = MODELS[name]()
        history = train_digits(model, digits().images, steps=400)
        x = torch.cat([model.sample(250, steps=10, generator=torch.Generator().manual_seed(i))
                       for i in range(8)])
        row = {"model": name, "images": 32 * 400, "fid": fid(x), "seconds": history.seconds}
        print(row, flush=True)
        write("diffusion_equal_images", [row], ("model",))


def speed() -> None:
    models, times = {name: make() for name, make in MODELS.items()}, {}
    optimisers = {name: torch.optim.Adam(m.parameters(), 1e-4) for name, m in models.items()}
    images = digits().images[:32]
    x_T, t = torch.randn(250, 1, 28, 28), torch.full((250,), 500)
    for _ in range(12):                                      # interleaved: a busy moment meets all
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
        rows.append({"model": name, "parameters": parameters(models[name]),
                     "train_images_per_s": 32 / train,
                     "sample_images_per_s_50_steps": 250 / sample / 50,
                     "steps_in_60_s": 60 / train})
    for row in rows:
        for what in ("train", "sample"):
            column = next(key for key in row if key.startswith(f"{what}_images"))
            row[f"ours_is_faster_{what}"] = rows[0][column] / row[column]
        print(row)
    write("diffusion_speed", rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fid", action="store_true", help="FID after equally many images")
    equal_images() if parser.parse_args().fid else speed()
