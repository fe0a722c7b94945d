"""Ganin et al. 2016, "Domain-Adversarial Training of Neural Networks" (DANN): features from which
nobody can tell the domain, by a gradient that is turned around."""
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import Trainable


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, lam):
        ctx.lam = lam
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.lam * gradient, None


def reverse_gradient(x: Tensor, lam: float = 1.0) -> Tensor:
    """R(x) = x, dR/dx = −λ I    DANN, eqs. 16 and 17

    Any shape. The loss that follows is descended by what comes after R, and ascended, λ times, by
    what comes before it.
    """
    return _Reversal.apply(x, lam)


def reversal_schedule(p: float, gamma: float = 10.0) -> float:
    """λ_p = 2 / (1 + exp(−γ p)) − 1, p the share done    DANN, Section 5.2.2"""
    return 2 / (1 + math.exp(-gamma * p)) - 1


class DANN(Trainable):
    """min_{f,y} max_d L_y − λ L_d, as one descent through R    DANN, eqs. 13 to 18

    net.features(x, 0) → h (batch, n_h), net.classes: h → logits of classes; d: h → the logit
    (batch, 1) of "source". Batches: ((x, y), x_target). lam: the λ that is reached; it rises as
    `reversal_schedule` over the first `ramp` steps. d itself descends L_d with λ = 1 throughout, as
    in Section 5.2.2.
    """

    def __init__(self, net: nn.Module, d: nn.Module, lam: float = 0.1, ramp: int = 1000):
        super().__init__()
        self.net, self.d, self.lam, self.ramp, self.step = net, d, lam, ramp, 0

    def loss(self, batch, player: str) -> Tensor:
        (x, y), x_t = batch
        lam = self.lam * reversal_schedule(min(self.step / self.ramp, 1.0))
        self.step += self.training
        h, h_t = self.net.features(x, 0), self.net.features(x_t, 0)
        logit = self.d(reverse_gradient(torch.cat([h, h_t]), lam)).squeeze(1)
        of_source = torch.cat([torch.ones(len(h)), torch.zeros(len(h_t))]).to(logit)
        L_y = nnf.cross_entropy(self.net.classes(h), y)
        L_d = nnf.binary_cross_entropy_with_logits(logit, of_source)
        return L_y + L_d
