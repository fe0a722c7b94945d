"""Goodfellow et al. 2014, "Generative Adversarial Nets": the minimax game, its value, its optimum,
and its losses.

Distributions are probability tables: p_data and p_g hold non-negative numbers that sum to 1 over
the last dimension. Everything is in nats. D is a table of the same shape, D(x) in (0, 1).
"""
import torch
from torch import Tensor
from torch.nn.functional import softplus


def value(D: Tensor, p_data: Tensor, p_g: Tensor) -> Tensor:
    """V(D, G) = Σ_x p_data(x) log D(x) + p_g(x) log(1 − D(x))    Goodfellow et al. 2014, eq. 1

    The sum over x is eq. 3.

    All (..., n); returns (...) in nats. 0 log 0 = 0, so that points outside a support do not count.
    """
    return (torch.xlogy(p_data, D) + torch.xlogy(p_g, 1 - D)).sum(-1)


def optimal_discriminator(p_data: Tensor, p_g: Tensor) -> Tensor:
    """D*(x) = p_data(x) / (p_data(x) + p_g(x))    Goodfellow et al. 2014, eq. 2 (Proposition 1)

    Both (...): probabilities, or densities relative to one measure, such as p_data + p_g, which any
    two laws have. Where both are 0 any value is optimal; here it is NaN.
    """
    return p_data / (p_data + p_g)


def kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p ‖ q) = Σ_x p(x) log(p(x) / q(x))    Kullback & Leibler 1951, eq. 2.4

    In nats, (..., n) → (...).
    """
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)


def jsd(p: Tensor, q: Tensor) -> Tensor:
    """JSD(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = ½ (p + q)    Goodfellow et al. 2014, eq. 6

    (..., n) → (...), between 0 and log 2 nats.
    """
    m = (p + q) / 2
    return (kl(p, m) + kl(q, m)) / 2


def C(p_data: Tensor, p_g: Tensor) -> Tensor:
    """C(G) = max_D V(D, G) = −log 4 + 2 JSD(p_data, p_g)    Goodfellow et al. 2014, eqs. 4 and 6

    (..., n) → (...), in nats. Convex in p_g, with the slope log(1 − D*(x)) (Proposition 2).
    """
    m = p_data + p_g
    return (torch.xlogy(p_data, p_data) + torch.xlogy(p_g, p_g) - torch.xlogy(m, m)).sum(-1)


def density_ratio(logit: Tensor) -> Tensor:
    """p_data(x) / p_g(x) = D*(x) / (1 − D*(x)) = exp(logit)    from Goodfellow et al. 2014, eq. 2

    logit: of D*(x), any shape.
    """
    return logit.exp()


def discriminator_loss(logit_real: Tensor, logit_fake: Tensor) -> Tensor:
    """−mean log D(x) − mean log(1 − D(G(z)))    Goodfellow et al. 2014, Algorithm 1, negated

    With D = σ(l): −log σ(l) = softplus(−l) and −log(1 − σ(l)) = softplus(l), finite for every l.
    (batch,) each → scalar, nats.
    """
    return softplus(-logit_real).mean() + softplus(logit_fake).mean()


def minimax_generator_loss(logit_fake: Tensor) -> Tensor:
    """mean log(1 − D(G(z)))    Goodfellow et al. 2014, Algorithm 1

    Saturates while D wins. (batch,) → scalar, nats.
    """
    return -softplus(logit_fake).mean()


def non_saturating_generator_loss(logit_fake: Tensor) -> Tensor:
    """−mean log D(G(z))    Goodfellow et al. 2014, Section 3

    The same fixed point, strong gradients early. (batch,) → scalar, nats.
    """
    return softplus(-logit_fake).mean()
