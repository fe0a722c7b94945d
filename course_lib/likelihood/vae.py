"""Kingma & Welling 2014, "Auto-Encoding Variational Bayes" (VAE): a bound on log p(x).

p(z) = N(0, I), p(x | z) from a decoder, q(z | x) = N(μ, σ² I) from an encoder. The pixels' law is
that of 8-bit data: a logistic law with a learned mean and scale for each pixel, integrated over
each level (Kingma et al. 2016; Salimans et al. 2017).
"""
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import GenerativeModel, noise_like, sampling
from course_lib.likelihood.dequantisation import check_images, eight_bit


def kl_to_standard(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, I)) = −½ Σ (1 + log σ² − μ² − σ²)    VAE, Appendix B

    mu, log_var: (batch, n_z). Nats, (batch,).
    """
    return -0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(1)


def logistic_log_prob(x: Tensor, mu: Tensor, log_s: Tensor) -> Tensor:
    """log [σ((x + 1/255 − μ)/s) − σ((x − 1/255 − μ)/s)]    Salimans et al. 2017, eq. 2

    x: 8-bit images in [−1, 1], whose levels lie 2/255 apart; −1 reaches to −∞ and 1 to ∞. With
    σ(b) − σ(a) = σ(b) σ(−a) (1 − e^{a − b}) nothing is lost in a tail. Nats, of x's shape.
    Errors: ValueError for x that are no images in [−1, 1].
    """
    check_images(x)
    b = (x + 1 / 255 - mu) * torch.exp(-log_s)
    a = (x - 1 / 255 - mu) * torch.exp(-log_s)
    above, below = nnf.logsigmoid(b), nnf.logsigmoid(-a)      # −∞ … x, and x … ∞
    within = above + below + torch.log(-torch.expm1(-2 / 255 * torch.exp(-log_s)))
    return torch.where(x < -0.999, above, torch.where(x > 0.999, below, within))


def logistic_sample(mu: Tensor, log_s: Tensor, generator: torch.Generator | None) -> Tensor:
    """x = μ + s logit(u), u ~ U(0, 1), as the nearest 8-bit value    Salimans et al. 2017, eq. 1"""
    u = torch.rand(mu.shape, generator=generator).clamp(1e-7, 1 - 1e-7).to(mu)
    return eight_bit(127.5 * (mu + log_s.exp() * u.logit() + 1) + 0.5)


def logistic_mean(mu: Tensor, log_s: Tensor) -> Tensor:
    """E x = −1 + s [log(1 + e^{(μ + 1)/s}) − log(1 + e^{(μ − 1)/s})], of x cut to [−1, 1]

    The integral of P(x > t) over −1 ≤ t ≤ 1; 8-bit x differ by its midpoint rule.
    """
    s = log_s.exp()
    return s * (nnf.softplus((mu + 1) / s) - nnf.softplus((mu - 1) / s)) - 1


class VAE(GenerativeModel):
    """log p(x) ≥ E_q log p(x | z) − KL(q(z | x) ‖ p(z)), q Gaussian    VAE, eq. 3

    encoder(x) → (batch, 2 n_z): μ and log σ². decoder(z) → (batch, 2 C, H, W): mean and log-scale
    of each pixel.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, n_z: int):
        super().__init__()
        self.encoder, self.decoder, self.n_z = encoder, decoder, n_z

    def q(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """μ and log σ² of q(z | x), (batch, n_z) each    VAE, eq. 9"""
        mu, log_var = self.encoder(x).chunk(2, 1)
        return mu, log_var

    def p(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-scale of each pixel given z    Salimans et al. 2017, eq. 1"""
        mu, log_s = self.decoder(z).chunk(2, 1)
        return mu, log_s.clamp(min=-7)

    def log_p(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x | z), nats an image, (batch,)    Salimans et al. 2017, eq. 2"""
        return logistic_log_prob(x, *self.p(z)).flatten(1).sum(1)

    def bound(self, x: Tensor, eps: Tensor) -> Tensor:
        """log p(x | z) − KL(q(z | x) ‖ p(z)) at z = μ + σ ε    VAE, eq. 10

        eps: ε ~ N(0, I), (batch, n_z). Nats an image, (batch,).
        """
        mu, log_var = self.q(x)
        z = mu + (log_var / 2).exp() * eps
        return self.log_p(x, z) - kl_to_standard(mu, log_var)

    def loss(self, x: Tensor, player: str) -> Tensor:
        """−bound, in nats a dimension    VAE, eq. 10"""
        return -self.bound(x, torch.randn(len(x), self.n_z, device=x.device)).mean() / x[0].numel()

    def log_weight(self, x: Tensor, eps: Tensor) -> Tensor:
        """log p(x, z) / q(z | x) at z = μ + σ ε    IWAE, Burda et al. 2016, Section 3"""
        mu, log_var = self.q(x)
        z = mu + (log_var / 2).exp() * eps
        # log p(z) − log q(z | x): the constants cancel, and (z − μ)/σ = ε
        prior_to_q = 0.5 * (eps**2 + log_var - z**2).sum(1)
        return self.log_p(x, z) + prior_to_q

    @sampling
    def elbo(self, x: Tensor, *, K: int = 1,
             generator: torch.Generator | None = None) -> Tensor:
        """E_q log p(x | z) − KL, one draw of z; for K > 1, log 1/K Σ_k p(x, z_k)/q(z_k | x)
        VAE, eq. 10; IWAE, Burda et al. 2016, Section 3

        Both lie below log p(x) on average, and the second rises to it with K. x: 8-bit images in
        [−1, 1]. Nats an image, (batch,). Errors: ValueError for other x, and for K < 1.
        """
        if K < 1:
            raise ValueError(f"The bound needs K ≥ 1 draws of z, got {K}.")
        draw = lambda: noise_like(x.new_empty(len(x), self.n_z), generator)
        if K == 1:
            return self.bound(x, draw())
        log_w = torch.stack([self.log_weight(x, draw()) for _ in range(K)])
        return log_w.logsumexp(0) - math.log(K)

    @sampling
    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> Tensor:
        """x ~ p(x | z), z ~ N(0, I)    VAE, Section 2.1

        Each pixel has noise of its own. Errors: ValueError for a class y.
        """
        if y is not None:
            raise ValueError("This VAE is of images alone: it takes no class y.")
        z = torch.randn(n, self.n_z, generator=generator).to(self.device)
        return logistic_sample(*self.p(z), generator)

    @sampling
    def mean(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """E[x | z], z ~ N(0, I): what papers show of a VAE    VAE, Section 2.1"""
        z = torch.randn(n, self.n_z, generator=generator).to(self.device)
        return logistic_mean(*self.p(z))
