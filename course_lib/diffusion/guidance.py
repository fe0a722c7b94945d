"""Dhariwal & Nichol 2021, "Diffusion Models Beat GANs on Image Synthesis": guidance by a
classifier, Algorithms 1 and 2. And without one: Ho & Salimans 2021, "Classifier-Free Diffusion
Guidance".
"""
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.core import Trainable, noise_like
from course_lib.diffusion.denoiser import Denoiser, check_denoiser, check_images
from course_lib.diffusion.gaussian_chain import q_sample, reverse_mean
from course_lib.diffusion.schedule import NoiseSchedule


def log_p_gradient(log_p: Callable, x_t: Tensor, t: Tensor, y: Tensor) -> Tensor:
    """∇_{x_t} log p_φ(y | x_t), each image with its own y    Dhariwal & Nichol 2021, Section 4.1

    log_p(x_t, t, y): (batch,) in nats, one image never looking at another. Returns x_t's shape;
    leaves no gradient behind.
    """
    with torch.enable_grad():
        x_t = x_t.detach().requires_grad_()
        return torch.autograd.grad(log_p(x_t, t, y).sum(), x_t)[0]


def guided(eps_model: Callable, schedule: NoiseSchedule, log_p: Callable, y: Tensor,
           scale: float = 1.0) -> Denoiser:
    """ε̂ = ε_θ − s √(1 − ᾱ_t) ∇ log p_φ(y | x_t), a denoiser    Dhariwal & Nichol 2021, Algorithm 2

    The scale s stands on the gradient; the paper lists it as an input and does not print it in that
    line. schedule: the one that the network was trained with. Errors: ValueError for another one.
    """
    check_denoiser(eps_model, schedule)
    if schedule.T != schedule.trained_T:
        raise ValueError("`guided` needs the whole schedule; the sampler takes the steps.")

    def eps_hat(x_t: Tensor, t: Tensor) -> Tensor:
        alpha_bar = schedule.at(schedule.alpha_bar, t, x_t)
        gradient = log_p_gradient(log_p, x_t, t, y)
        return eps_model(x_t, t) - scale * (1 - alpha_bar).sqrt() * gradient

    return Denoiser(eps_hat, schedule.T)


@torch.no_grad()
def guided_sample(eps_model: Callable, schedule: NoiseSchedule, x_T: Tensor, log_p: Callable,
                  y: Tensor, scale: float = 1.0, *, variance: Tensor | None = None,
                  at_mean: bool = False, clip: bool = False,
                  generator: torch.Generator | None = None) -> Tensor:
    """x_{t−1} ~ N(μ + s Σ ∇ log p_φ(y | x_t), Σ)    Dhariwal & Nichol 2021, Algorithm 1

    variance: Σ = σ_t² I, (T + 1,); schedule.beta unless given. at_mean: the gradient is taken at μ,
    where the derivation expands (eq. 5), in place of x_t, where the algorithm takes it; t is told
    as for x_t. clip: the predicted x_0 within μ is clamped to [−1, 1]. The last step has z = 0, and
    is not shifted. Errors: ValueError for x_T not finite, a model or a variance of another T.
    """
    check_denoiser(eps_model, schedule)
    variance = schedule.beta if variance is None else variance
    x = check_images(x_T)
    for t in range(schedule.T, 0, -1):
        time = schedule.told(t, x)
        mu = reverse_mean(schedule, eps_model(x, time), x, t, clip)
        if t == 1:
            return mu
        Sigma = schedule.at(variance, t, x)
        gradient = log_p_gradient(log_p, mu if at_mean else x, time, y)
        z = noise_like(x, generator)
        x = mu + scale * Sigma * gradient + Sigma.sqrt() * z


def classifier_free(eps_model: Callable, y: Tensor, w: float) -> Denoiser:
    """ε̃(x_t, t) = (1 + w) ε_θ(x_t, t, y) − w ε_θ(x_t, t)    Ho & Salimans 2021, eq. 6

    w = 0 is the conditional model; some write 1 + w as the scale. For the exact ε it is `guided` by
    the exact classifier with s = 1 + w; of a network the difference of both answers is only near
    that gradient. eps_model takes y, None for "no class"; both are asked in one batch.
    """
    def eps_tilde(x_t: Tensor, t: Tensor) -> Tensor:
        labels = torch.as_tensor(y, device=x_t.device).expand(len(x_t))
        none = torch.full_like(labels, eps_model.net.classes)
        x_t, t, labels = torch.cat([x_t, x_t]), torch.cat([t, t]), torch.cat([labels, none])
        with_y, without = eps_model(x_t, t, labels).chunk(2)
        return (1 + w) * with_y - w * without

    return Denoiser(eps_tilde, eps_model.T)


class NoisyClassifier(Trainable):
    """p_φ(y | x_t, t), trained on noised pictures at all t    Dhariwal & Nichol 2021, Section 4

    net(x_t, t): logits (batch, classes). Batches are pairs of pictures and classes (int64).
    """

    def __init__(self, net: nn.Module, schedule: NoiseSchedule):
        super().__init__()
        self.net, self.schedule = net, schedule

    def log_prob(self, x_t: Tensor, t: Tensor, y: Tensor) -> Tensor:
        """log p_φ(y | x_t), nats, (batch,)    Dhariwal & Nichol 2021, Section 4

        Errors: ValueError for a class that does not exist.
        """
        log_p = self.net(x_t, t).log_softmax(1)
        y = torch.as_tensor(y, device=x_t.device).expand(len(x_t))
        if y.dtype != torch.int64 or y.min() < 0 or y.max() >= log_p.shape[1]:
            raise ValueError(f"There are the classes 0 … {log_p.shape[1] - 1}, as int64; got "
                             f"{y.dtype}, {y.min().item()} … {y.max().item()}.")
        return log_p.gather(1, y[:, None]).squeeze(1)

    def loss(self, batch, player: str) -> Tensor:
        """Cross-entropy at random times    Dhariwal & Nichol 2021, Section 4"""
        x_0, y = batch
        t = self.schedule.draw(len(x_0)).to(x_0.device)
        x_t = q_sample(self.schedule, x_0, t, torch.randn_like(x_0))
        return -self.log_prob(x_t, t, y).mean()
