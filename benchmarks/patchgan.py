"""What the size of a discriminator's patch does to pictures drawn from outlines, and what can be
told apart by patches at all.

patchgan: pix2pix on outlines of portraits, 400 steps (12 CPU seconds) a run, λ = 10; patch 0 is the
L1 term alone, patch 16 is the whole picture. distance_p is that of the distributions of p×p patches
to those of the real test pictures (sliced 1-Wasserstein, 64 directions). patchgan_sees: rows of 28
pixels with two spots of one colour, `gap` pixels apart, against rows with two of different colours;
the loss of the best D of patches, by enumeration (log 4 = 1.386: blind).
"""
import time
from typing import NamedTuple

import torch
from common import chosen, write
from torch import Tensor
from torch.nn import functional as nnf

from course_lib.evaluate import fid
from course_lib.gan.minimax import C
from course_lib.gan.patchgan import Pix2Pix, pix2pix
from course_lib.nets import PatchD
from course_lib.recipes.patchgan import pairs, train_pairs

TABLES = {"patchgan": ["patch"], "patchgan_sees": ["patch", "gap"]}


class Run(NamedTuple):
    table: str
    patch: int
    seed: int


class Blur(Pix2Pix):
    """L_L1 alone: what D adds is seen against it    pix2pix, Section 4.2"""

    def loss(self, batch, player: str) -> Tensor:
        condition, x = batch
        return (x - self.G(condition, torch.randn(len(x), self.G.n_z))).abs().mean()


def distance(x: Tensor, real: Tensor, p: int, directions: int = 64) -> float:
    """Mean over directions w of W_1(w·patches of x, w·patches of real)    Rabin et al. 2011

    As many pictures each; patches are p×p pixels at every place, w of length 1.
    """
    w = torch.randn(directions, x.shape[1] * p * p, generator=torch.Generator().manual_seed(0))
    kernel = nnf.normalize(w, dim=1).view(directions, x.shape[1], p, p)
    sorted_ = lambda y: nnf.conv2d(y, kernel).transpose(0, 1).flatten(1).sort(1).values
    return (sorted_(x) - sorted_(real)).abs().mean().item()


def distances(x: Tensor, real: Tensor, sizes: tuple[int, ...]) -> dict[str, float]:
    return {f"distance_{p}": distance(x[:1000], real[:1000], p) for p in sizes}


def edges_to_portraits(patch: int, seed: int) -> dict:
    condition, real = pairs("faces", "test")
    torch.manual_seed(seed)
    model = Blur(*(pix2pix(1, 3, 7).G, PatchD(4, 7))) if patch == 0 else pix2pix(1, 3, patch, 10.0)
    cpu = time.process_time()
    train_pairs(model, "faces", steps=400, seed=seed, turns=None if patch else [("G", 1)])
    cpu = time.process_time() - cpu
    generator = torch.Generator().manual_seed(seed)
    x = model.sample(len(real), condition=condition, generator=generator)
    of_one = torch.stack([model.sample(len(real[:200]), condition=condition[:200],
                                       generator=generator) for _ in range(8)])
    return {"L1": (x - real).abs().mean().item(), "fid": fid(x, kind="faces"),
            **distances(x, real, (1, 4, 7, 16)), "spread_over_z": of_one.std(0).mean().item(),
            "saturation": (x.amax(1) - x.amin(1)).mean().item(), "cpu_seconds": cpu}


def two_spots(gap: int, same: bool, n: int = 28) -> Tensor:
    """All rows of n grey pixels with two spots, black or white, and `gap` pixels between them."""
    rows = []
    for left in range(n - gap - 1):
        for colour in (-1, 1):
            row = torch.zeros(n)
            row[left], row[left + gap + 1] = colour, colour if same else -colour
            rows.append(row)
    return torch.stack(rows)


def sees(patch: int, gap: int) -> dict:
    """The loss of the best D of patches, log 4 − 2 JSD, exactly    Goodfellow et al. 2014, eq. 6"""
    real, fake = (two_spots(gap, same).unfold(1, patch, 1).flatten(0, 1) for same in (True, False))
    kinds, index = torch.cat([real, fake]).unique(dim=0, return_inverse=True)
    p_data, p_g = (torch.bincount(part, minlength=len(kinds)).double() / len(part)
                   for part in index.split([len(real), len(fake)]))
    return {"gap": gap, "loss_of_best_D": 0.0 - C(p_data, p_g).item()}


RUNS = [Run("patchgan", patch, seed) for seed in range(3) for patch in (0, 1, 7, 16)]
RUNS += [Run("patchgan_sees", patch, 0) for patch in (1, 7, 10, 16, 22, 28)]

if __name__ == "__main__":
    for run in chosen(RUNS, __doc__):
        if run.table == "patchgan_sees":
            rows = [{"patch": run.patch} | sees(run.patch, gap) for gap in (2, 6, 10, 14, 18, 22)]
        else:
            rows = [{"patch": run.patch, "seed": run.seed}
                    | edges_to_portraits(run.patch, run.seed)]
        print(run.table, *rows, sep="\n", flush=True)
        keys = ("patch", "gap") if run.table == "patchgan_sees" else ("patch", "seed")
        write(run.table, rows, keys)
