"""Networks that are told a time."""
import math

import torch
from torch import Tensor, nn

from course_lib.nets.blocks import mlp


class TimeEmbedding(nn.Module):
    """sin(ω_i t) and cos(ω_i t), ω_i = 10,000^(−2i/width)    Vaswani et al. 2017, Section 3.5

    Then two linear layers.
    """

    def __init__(self, width: int, out: int):
        super().__init__()
        self.width = width
        self.net = nn.Sequential(nn.Linear(width, out), nn.SiLU(), nn.Linear(out, out))

    def forward(self, t: Tensor) -> Tensor:          # (batch,) → (batch, out)
        two_i = torch.arange(0, self.width, 2, device=t.device)
        omega = torch.exp(-math.log(10_000) * two_i / self.width)
        angle = t[:, None].to(self.net[0].weight.dtype) * omega
        return self.net(torch.cat([angle.sin(), angle.cos()], 1))


class TimeMLP(nn.Module):
    """(x_t, t) → out numbers, for points (batch, d)    Tancik et al. 2020, eq. 4

    x_t, sin and cos of 1, 2 and 4 times x_t, and an embedding of t, into linear layers with SiLU.
    Without these Fourier features small networks stay too smooth. out: d unless given.
    """

    def __init__(self, d: int = 2, width: int = 128, out: int | None = None):
        super().__init__()
        self.time = TimeEmbedding(32, 32)
        self.net = mlp(7 * d + 32, width, width, width, out or d, activation=nn.SiLU)

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:    # → (batch, out)
        if y is not None:
            raise ValueError("This network knows no classes: it takes no y.")
        waves = [f(k * x) for k in (1, 2, 4) for f in (torch.sin, torch.cos)]
        return self.net(torch.cat([x, *waves, self.time(t)], 1))


class TimeLinear(nn.Module):
    """W x_t + b_t, for points (batch, d): logits whose biases are looked up, one row for each time
    0 … T."""

    def __init__(self, d: int, T: int, out: int):
        super().__init__()
        self.points, self.bias = nn.Linear(d, out, bias=False), nn.Embedding(T + 1, out)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:                             # → (batch, out)
        return self.points(x) + self.bias(t)
