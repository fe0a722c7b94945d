"""The digits' diffusion models that ship: unconditional, class-conditional, and the noise-aware classifier of guidance.

    python -m course_lib.diffusion.digits        trains all three and writes weights/*.safetensors
"""
from pathlib import Path

import torch
from torch import Tensor

from course_lib.core import History, fit, save, warmup_cosine
from course_lib.data import batches, digits
from course_lib.diffusion.ddpm import DDPM, eps_from_x_0, q_sample
from course_lib.diffusion.schedule import cosine
from course_lib.nets import UNet


class DigitsDDPM(DDPM):
    """A DDPM whose network predicts x_0, with the weight clamp(SNR(t), 1, 5)    Salimans & Ho 2022, Section 4; Hang et al. 2023, eq. 8

    In ε the same loss has the weight clamp(SNR, 1, 5)/SNR: less for the last, nearly clean steps than L_simple gives.
    Batches of pictures and classes train it on classes; one class in ten is hidden, as "none" (Ho & Salimans 2021, Algorithm 1).
    """

    def forward(self, x_t: Tensor, t: Tensor, y: Tensor | int | None = None) -> Tensor:
        return eps_from_x_0(self.schedule, self.net(x_t, t, y), x_t, t)

    def loss(self, batch, player: str) -> Tensor:
        x_0, y = (batch, None) if isinstance(batch, Tensor) else batch
        t, eps = self.draw(x_0)
        if y is not None:
            y = torch.where(torch.rand(len(y), device=y.device) < 0.1, self.net.classes, y)
        weight = self.schedule.at(self.schedule.snr.clamp(1, 5), t, x_0)
        return (weight * (x_0 - self.net(q_sample(self.schedule, x_0, t, eps), t, y)) ** 2).mean()


def digits_ddpm(classes: int = 0, widths: tuple[int, int] = (32, 64), T: int = 1000) -> DigitsDDPM:
    """A diffusion model of digits, (batch, 1, 28, 28)    DDPM, Section 4, with the cosine schedule"""
    return DigitsDDPM(UNet(1, widths, classes), cosine(T), (1, 28, 28))
