"""The judge of question 6: a small classifier of digits that no student sees. It is neither the
classifier that the ascent climbs nor that of `course_lib.evaluate`: it has another architecture,
and learned from digits that the first of them never saw, USPS and MNIST's test split.

    python -m course_lib.hidden.ex03.judge      trains it, in about a minute, and writes its weights
"""
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import Trainable, fit, warmup_cosine
from course_lib.data import batches, digits

WEIGHTS = Path(__file__).with_name("judge.safetensors")


class Judge(Trainable):
    """x (batch, 1, 28, 28) → logits (batch, 10): patches of 4 pixels, two convolutions, and the
    mean over all places    He et al. 2015, Section 3.3"""

    def __init__(self, width: int = 32):
        super().__init__()
        self.net = nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(4, width, 3, padding=1), nn.GELU(),
            nn.MaxPool2d(2), nn.Conv2d(width, width, 3, padding=1), nn.GELU(),
            nn.Conv2d(width, 2 * width, 3), nn.GELU(), nn.AdaptiveMaxPool2d(2), nn.Flatten(),
            nn.Linear(8 * width, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)

    def loss(self, batch: tuple[Tensor, Tensor], player: str) -> Tensor:
        """−log p(y | x), of pictures that are shifted, scaled, turned and made noisy."""
        x, y = batch
        angle, size = 0.15 * torch.randn(len(x)), 1 + 0.1 * torch.randn(len(x))
        turned = torch.stack([angle.cos() * size, -angle.sin() * size, 0.05 * torch.randn(len(x)),
                              angle.sin() * size, angle.cos() * size, 0.05 * torch.randn(len(x))])
        places = nnf.affine_grid(turned.T.view(-1, 2, 3), list(x.shape), align_corners=False)
        x = nnf.grid_sample(x + 1, places, align_corners=False) - 1
        return nnf.cross_entropy(self(x + 0.1 * torch.randn_like(x)), y)


def train(steps: int = 2000) -> Judge:
    parts = digits("usps"), digits("usps", "test"), digits("mnist", "test")
    x, y = (torch.cat(tensors) for tensors in zip(*parts))
    torch.manual_seed(0)
    judge = Judge()
    fit(judge, batches(x, y, size=64), steps=steps, lr=3e-3, schedule=warmup_cosine(), device="cpu")
    return judge


@cache
def judge() -> Judge:
    found = Judge()
    found.load_state_dict(load_file(str(WEIGHTS)))
    return found.eval().requires_grad_(False)


@torch.no_grad()
def recognises(x: Tensor) -> Tensor:
    """The class that the judge sees in each picture, (batch,)."""
    return judge()(x.float().clamp(-1, 1)).argmax(1)


if __name__ == "__main__":
    save_file(train().state_dict(), str(WEIGHTS))
    unseen = digits()
    right = (recognises(unseen.images) == unseen.labels).float().mean()
    print(f"right on {100 * right:.1f} % of MNIST's training digits")
