"""Noise schedules: β_t, α_t and ᾱ_t of the forward chain, with the paper's time: t = 1 … T, and 0
means "no noise".

linear: Ho et al. 2020, "Denoising Diffusion Probabilistic Models", Section 4. cosine: Nichol &
Dhariwal 2021, "Improved Denoising Diffusion Probabilistic Models", eq. 17.
"""
import math
from collections.abc import Sequence

import torch
from torch import Tensor


class NoiseSchedule:
    """q(x_t | x_{t−1}) = N(√(1 − β_t) x_{t−1}, β_t I);  α_t = 1 − β_t,  ᾱ_t = α_1 ⋯ α_t
    DDPM, eqs. 2 and 4

    beta: β_1 … β_T. The attributes beta, alpha and alpha_bar are float64, shape (T + 1,), with
    β_0 = 0 and α_0 = ᾱ_0 = 1. A respaced schedule visits some times of a longer one: times, shape
    (T + 1,), holds their numbers there, which is what a network is told, and trained_T the longer
    one's T. Errors: ValueError for β outside (0, 1).
    """

    def __init__(self, beta: Tensor | Sequence[float]):
        beta = torch.as_tensor(beta, dtype=torch.float64)
        if beta.ndim != 1 or not len(beta) or not ((beta > 0) & (beta < 1)).all():
            raise ValueError("A schedule needs β_1 … β_T, all between 0 and 1 (both excluded).")
        self.T = self.trained_T = len(beta)
        self.beta = torch.cat([torch.zeros(1, dtype=torch.float64), beta])
        self.alpha = 1 - self.beta
        self.alpha_bar = self.alpha.cumprod(0)
        self.times = torch.arange(self.T + 1)

    @property
    def posterior_variance(self) -> Tensor:
        """β̃_t = (1 − ᾱ_{t−1}) / (1 − ᾱ_t) β_t    DDPM, eq. 7

        Shape (T + 1,). β̃_1 = 0: given x_0, x_0 is known; and β̃_0 = 0.
        """
        alpha_bar, alpha_bar_prev = self.alpha_bar[1:], self.alpha_bar[:-1]
        variance = (1 - alpha_bar_prev) / (1 - alpha_bar) * self.beta[1:]
        return torch.cat([torch.zeros(1, dtype=torch.float64), variance])

    @property
    def snr(self) -> Tensor:
        """SNR(t) = ᾱ_t / (1 − ᾱ_t)    Kingma et al. 2021, eq. 2; shape (T + 1,), infinite at 0"""
        return self.alpha_bar / (1 - self.alpha_bar)

    def at(self, values: Tensor, t: Tensor | int, like: Tensor) -> Tensor:
        """values[t] for each image, in like's dtype, shaped to be multiplied with like
        DDPM writes β_t, ᾱ_t, …

        values: of 0 … T, (T + 1,), or of 1 … T, (T,); t: an int, or int64 (batch,), in 1 … T;
        like: (batch, …). Returns (batch, 1, …) or (1, 1, …). Errors: TypeError where t holds no
        whole numbers; ValueError where t leaves 1 … T or does not fit the batch, or values do not
        fit T.
        """
        if values.shape not in ((self.T,), (self.T + 1,)):
            raise ValueError(f"A chain of T = {self.T} needs {self.T + 1} values, of t = 0 … T, or "
                             f"{self.T}, of t = 1 … T; got {tuple(values.shape)}.")
        from_the_end = self.check(t, like).cpu() - self.T - 1
        return values[from_the_end].to(like).reshape(-1, *[1] * (like.ndim - 1))

    def check(self, t: Tensor | int, like: Tensor) -> Tensor:
        """t as int64 (batch,) or (1,). Errors: as `at`."""
        kind = t.dtype if isinstance(t, Tensor) else type(t)
        if kind not in (int, torch.int64):
            name = kind if isinstance(t, Tensor) else kind.__name__
            raise TypeError(f"t must be an int or an int64 tensor, got {name}.")
        t = torch.as_tensor(t).reshape(-1)
        if t.numel() and (t.min() < 1 or t.max() > self.T):
            raise ValueError(f"t must lie in 1 … {self.T}, where t = 0 means no noise; got "
                             f"{t.min().item()} … {t.max().item()}.")
        if len(t) not in (1, len(like)):
            raise ValueError(f"{len(t)} times do not fit a batch of {len(like)}.")
        return t

    def told(self, t: Tensor | int, like: Tensor) -> Tensor:
        """What a network is told at t, for each image of a batch: int64 (batch,)
        DDIM, Song et al. 2021, Section 4.2"""
        return self.times.to(like.device)[self.check(t, like).to(like.device)].expand(len(like))

    def draw(self, n: int, q: Tensor | None = None) -> Tensor:
        """t ~ q(t), n times, from torch's global generator    DDPM, Algorithm 1, line 3

        int64 (n,). q: of t = 1 … T, (T,), float64, with sum 1; uniform unless given. One in each of
        n equal parts of the distribution, in random order: each t follows q, and a batch's mean
        varies less than with independent draws (stratified sampling).
        """
        u = (torch.randperm(n) + torch.rand(n)) / n
        before = (u * self.T).long() if q is None else torch.searchsorted(q.cumsum(0), u.double())
        return before.clamp(max=self.T - 1) + 1

    def respace(self, steps: int | Sequence[int]) -> "NoiseSchedule":
        """The schedule of the sub-sequence τ: ᾱ'_i = ᾱ_{τ_i}    DDIM, Song et al. 2021, Section 4.2

        steps: how many, evenly spaced and ending at T; or τ_1 < … < τ_S themselves.
        Errors: TypeError where they are no whole numbers; ValueError for steps outside 1 … T, or
        times that do not increase within 1 … T.
        """
        if isinstance(steps, int):
            if not 1 <= steps <= self.T:
                raise ValueError(f"steps must lie in 1 … T = {self.T}, got {steps}.")
            steps = [(self.T * i) // steps for i in range(1, steps + 1)]
        tau = torch.as_tensor([0, *steps] if isinstance(steps, Sequence | Tensor) else [0.5])
        if tau.is_floating_point():
            raise TypeError(f"steps must be a whole number, or a sequence of them, got {steps}.")
        if len(tau) < 2 or not (tau[1:] > tau[:-1]).all() or tau[-1] > self.T:
            raise ValueError(f"A sub-sequence must increase within 1 … {self.T}, got "
                             f"{list(steps)}.")
        alpha_bar = self.alpha_bar[tau]
        short = NoiseSchedule(1 - alpha_bar[1:] / alpha_bar[:-1])
        short.times, short.trained_T, short.alpha_bar = self.times[tau], self.trained_T, alpha_bar
        return short


def linear(T: int = 1000, beta_1: float = 1e-4, beta_T: float = 0.02) -> NoiseSchedule:
    """β_t rises linearly from β_1 to β_T    DDPM, Section 4 (there T = 1000)"""
    return NoiseSchedule(torch.linspace(beta_1, beta_T, T, dtype=torch.float64))


def cosine(T: int = 1000, s: float = 0.008) -> NoiseSchedule:
    """ᾱ_t = f(t)/f(0), f(t) = cos²((t/T + s)/(1 + s) · π/2), β_t at most 0.999
    Nichol & Dhariwal 2021, eq. 17"""
    f = ((torch.arange(T + 1, dtype=torch.float64) / T + s) / (1 + s) * math.pi / 2).cos() ** 2
    return NoiseSchedule((1 - f[1:] / f[:-1]).clamp(max=0.999))
