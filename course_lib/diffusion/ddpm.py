"""Ho et al. 2020, "Denoising Diffusion Probabilistic Models" (DDPM): the closed forms, the bound, Algorithms 1 and 2."""
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.core import GenerativeModel, sampling
from course_lib.diffusion.schedule import NoiseSchedule, check_denoiser, check_images


def q_sample(schedule: NoiseSchedule, x_0: Tensor, t: Tensor | int, eps: Tensor) -> Tensor:
    """x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε    DDPM, eq. 4

    x_0, eps: (batch, …); t: (batch,) in 1 … T. Errors: TypeError, ValueError for such t; ValueError for x_0 not finite.
    """
    alpha_bar = schedule.at(schedule.alpha_bar, t, check_images(x_0, "x_0"))
    return alpha_bar.sqrt() * x_0 + (1 - alpha_bar).sqrt() * eps


def posterior_mean(schedule: NoiseSchedule, x_0: Tensor, x_t: Tensor, t: Tensor | int) -> Tensor:
    """μ̃_t(x_t, x_0) = √ᾱ_{t−1} β_t / (1 − ᾱ_t) x_0 + √α_t (1 − ᾱ_{t−1}) / (1 − ᾱ_t) x_t    DDPM, eq. 7"""
    before = schedule.alpha_bar.roll(1)                          # ᾱ_{t−1} at index t
    rest = 1 - schedule.alpha_bar
    on_x_0 = before.sqrt() * schedule.beta / rest
    on_x_t = schedule.alpha.sqrt() * (1 - before) / rest
    return schedule.at(on_x_0, t, x_t) * x_0 + schedule.at(on_x_t, t, x_t) * x_t


def x_0_from_eps(schedule: NoiseSchedule, eps: Tensor, x_t: Tensor, t: Tensor | int) -> Tensor:
    """x_0 = (x_t − √(1 − ᾱ_t) ε) / √ᾱ_t    DDPM, eq. 15"""
    alpha_bar = schedule.at(schedule.alpha_bar, t, x_t)
    return (x_t - (1 - alpha_bar).sqrt() * eps) / alpha_bar.sqrt()


def eps_from_x_0(schedule: NoiseSchedule, x_0: Tensor, x_t: Tensor, t: Tensor | int) -> Tensor:
    """ε = (x_t − √ᾱ_t x_0) / √(1 − ᾱ_t)    DDPM, eq. 4 solved for ε"""
    alpha_bar = schedule.at(schedule.alpha_bar, t, x_t)
    return (x_t - alpha_bar.sqrt() * x_0) / (1 - alpha_bar).sqrt()


def v_from_eps(schedule: NoiseSchedule, eps: Tensor, x_0: Tensor, t: Tensor | int) -> Tensor:
    """v = √ᾱ_t ε − √(1 − ᾱ_t) x_0    Salimans & Ho 2022, Section 4"""
    alpha_bar = schedule.at(schedule.alpha_bar, t, x_0)
    return alpha_bar.sqrt() * eps - (1 - alpha_bar).sqrt() * x_0


def x_0_from_v(schedule: NoiseSchedule, v: Tensor, x_t: Tensor, t: Tensor | int) -> Tensor:
    """x_0 = √ᾱ_t x_t − √(1 − ᾱ_t) v    Salimans & Ho 2022, Section 4"""
    alpha_bar = schedule.at(schedule.alpha_bar, t, x_t)
    return alpha_bar.sqrt() * x_t - (1 - alpha_bar).sqrt() * v


def eps_from_v(schedule: NoiseSchedule, v: Tensor, x_t: Tensor, t: Tensor | int) -> Tensor:
    """ε = √(1 − ᾱ_t) x_t + √ᾱ_t v    Salimans & Ho 2022, Appendix D"""
    alpha_bar = schedule.at(schedule.alpha_bar, t, x_t)
    return (1 - alpha_bar).sqrt() * x_t + alpha_bar.sqrt() * v


def simple_loss(eps_model: Callable, schedule: NoiseSchedule, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
    """L_simple = E ‖ε − ε_θ(√ᾱ_t x_0 + √(1 − ᾱ_t) ε, t)‖²    DDPM, eq. 14, as a mean over images and pixels (the paper: a sum)"""
    return (eps - eps_model(q_sample(schedule, x_0, t, eps), schedule.told(t, x_0))).square().mean()


def reverse_mean(schedule: NoiseSchedule, eps: Tensor, x_t: Tensor, t: Tensor | int, clip: bool = False) -> Tensor:
    """μ_θ(x_t, t) = 1/√α_t (x_t − β_t / √(1 − ᾱ_t) ε_θ(x_t, t))    DDPM, eq. 11

    clip: the same as q's posterior mean of the predicted x_0, which is clamped to [−1, 1] first, for images.
    """
    if clip:
        return posterior_mean(schedule, x_0_from_eps(schedule, eps, x_t, t).clamp(-1, 1), x_t, t)
    alpha, alpha_bar = (schedule.at(values, t, x_t) for values in (schedule.alpha, schedule.alpha_bar))
    return (x_t - (1 - alpha) / (1 - alpha_bar).sqrt() * eps) / alpha.sqrt()


@torch.no_grad()
def ddpm_sample(eps_model: Callable, schedule: NoiseSchedule, x_T: Tensor, *, variance: Tensor | None = None,
                clip: bool = False, generator: torch.Generator | None = None) -> Tensor:
    """x_{t−1} = μ_θ(x_t, t) + σ_t z for t = T … 1, with z = 0 at t = 1    DDPM, Algorithm 2

    eps_model(x_t, t): t int64 (batch,), as the network was told it in training. x_T: (batch, …).
    variance: σ_t², (T + 1,); schedule.beta unless given; schedule.posterior_variance is the paper's other choice.
    clip: as for `reverse_mean`. Errors: ValueError for x_T not finite or a model of another T.
    """
    check_denoiser(eps_model, schedule)
    sigma = (schedule.beta if variance is None else variance).sqrt()
    x = check_images(x_T)
    for t in range(schedule.T, 0, -1):
        mean = reverse_mean(schedule, eps_model(x, schedule.told(t, x)), x, t, clip)
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device) if t > 1 else torch.zeros_like(x)
        x = mean + sigma[t].to(x) * z
    return x


def gaussian_kl(mean_1: Tensor, var_1: Tensor, mean_2: Tensor, var_2: Tensor) -> Tensor:
    """KL(N(μ₁, σ₁²) ‖ N(μ₂, σ₂²)) = ½ (log σ₂²/σ₁² + (σ₁² + (μ₁ − μ₂)²)/σ₂² − 1), per dimension, in nats

    Kingma & Welling 2014, Appendix B, where the second is N(0, 1). Means and variances broadcast.
    """
    return 0.5 * (var_2.log() - var_1.log() + (var_1 + (mean_1 - mean_2) ** 2) / var_2 - 1)


def decoder_log_prob(x_0: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    """log ∫ N(x; μ, σ²) dx over x_0 ± 1/255, open to −∞ at −1 and to ∞ at 1    DDPM, eq. 13

    x_0: 8-bit values mapped to [−1, 1]; nats per dimension, of x_0's shape.
    """
    upper, lower = ((x_0 - mean + side / 255) / var.sqrt() for side in (1, -1))
    upper, lower = upper.masked_fill(x_0 > 0.999, math.inf), lower.masked_fill(x_0 < -0.999, -math.inf)
    flip = lower > 0                                             # both in the right tail: take the left one, where nothing rounds to 1
    upper, lower = torch.where(flip, -lower, upper), torch.where(flip, -upper, lower)
    below = lambda u: 0.5 * torch.erfc(-u / math.sqrt(2))        # Φ(u), with full relative precision in the left tail
    return (below(upper) - below(lower)).clamp(min=1e-30).log()


def bound_term(eps_model: Callable, schedule: NoiseSchedule, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
    """L_{t−1} = KL(q(x_{t−1} | x_t, x_0) ‖ p_θ(x_{t−1} | x_t)) for t ≥ 2, and L_0 = −log p_θ(x_0 | x_1)    DDPM, eq. 5

    The model's variance is σ_t² = β̃_t, and at t = 1, where that is 0, β̃_2. x_0, eps: (batch, …); t: (batch,).
    Nats an image, (batch,); of 8-bit data.
    """
    x_t = q_sample(schedule, x_0, t, eps)
    mean = reverse_mean(schedule, eps_model(x_t, schedule.told(t, x_t)), x_t, t)
    var = schedule.posterior_variance.clone()
    var[:2] = var[2] if schedule.T > 1 else schedule.beta[1]
    var = schedule.at(var, t, x_t)
    kl = gaussian_kl(posterior_mean(schedule, x_0, x_t, t), var, mean, var)
    first = (t == 1).view(-1, *[1] * (x_0.ndim - 1))
    return torch.where(first, -decoder_log_prob(x_0, mean, var), kl).flatten(1).sum(1)


def prior_term(schedule: NoiseSchedule, x_0: Tensor) -> Tensor:
    """L_T = KL(q(x_T | x_0) ‖ N(0, I))    DDPM, eq. 5; nats an image, (batch,)"""
    alpha_bar = schedule.alpha_bar[-1].to(x_0)
    one = torch.ones_like(x_0)
    return gaussian_kl(alpha_bar.sqrt() * x_0, (1 - alpha_bar) * one, 0 * one, one).flatten(1).sum(1)


@torch.no_grad()
def bound_terms(eps_model: Callable, schedule: NoiseSchedule, x_0: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """L_0, L_1, …, L_T of L_vlb = E_q[L_0 + … + L_T], each with one draw of ε    DDPM, eq. 5; nats an image, (T + 1, batch)"""
    check_denoiser(eps_model, schedule)
    terms = [bound_term(eps_model, schedule, x_0, torch.full((len(x_0),), t, device=x_0.device),
                        torch.randn(x_0.shape, generator=generator).to(x_0)) for t in range(1, schedule.T + 1)]
    return torch.stack([*terms, prior_term(schedule, x_0)])


def at_class(eps_model: Callable, y) -> Callable:
    """ε_θ(x_t, t, y) as a function of x_t and t    Ho & Salimans 2021, Section 3.1; y: None, an int or int64 (batch,)"""
    if y is None:
        return eps_model
    model = lambda x_t, t: eps_model(x_t, t, y)
    model.T = eps_model.T
    return model


class DDPM(GenerativeModel):
    """Trained on L_simple, with a network that predicts ε; the model is its own ε_θ(x_t, t)    DDPM, Algorithms 1 and 2

    net(x_t, t, y): (batch, …) → (batch, …). shape: of one sample, such as (1, 28, 28).
    """

    def __init__(self, net: nn.Module, schedule: NoiseSchedule, shape: tuple[int, ...]):
        super().__init__()
        self.net, self.schedule, self.shape, self.T = net, schedule, shape, schedule.T

    def forward(self, x_t: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        """ε_θ(x_t, t)    DDPM, eq. 11"""
        return self.net(x_t, t, y)

    def draw(self, x_0: Tensor) -> tuple[Tensor, Tensor]:
        """t for each image, and ε ~ N(0, I)    DDPM, Algorithm 1, lines 3 and 4"""
        return self.schedule.draw(len(x_0)).to(x_0.device), torch.randn_like(x_0)

    def loss(self, x_0: Tensor, player: str) -> Tensor:
        return simple_loss(self, self.schedule, x_0, *self.draw(x_0))

    @sampling
    def sample(self, n: int, *, y=None, steps: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Algorithm 2 with σ_t² = β̃_t, on `steps` of the T times (all unless given), x_0 clipped    DDPM, Algorithm 2

        Errors: ValueError for a class y that it does not know, or steps outside 1 … T.
        """
        schedule = self.schedule.respace(self.T if steps is None else steps)
        x_T = torch.randn(n, *self.shape, generator=generator).to(self.device)
        return ddpm_sample(at_class(self, y), schedule, x_T, variance=schedule.posterior_variance, clip=True, generator=generator)

    def elbo(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """−L_vlb ≤ log p_θ(x), one draw of ε for each of the T terms    DDPM, eq. 5; nats an image, (batch,)"""
        with self.averaged():
            return -bound_terms(self, self.schedule, x, generator=generator).sum(0)


class BoundDDPM(DDPM):
    """The same network and chain, trained on L_vlb itself: T times a term at random, nats a dimension    DDPM, eq. 5 and Table 2"""

    def loss(self, x_0: Tensor, player: str) -> Tensor:
        return self.T * bound_term(self, self.schedule, x_0, *self.draw(x_0)).mean() / x_0[0].numel()
