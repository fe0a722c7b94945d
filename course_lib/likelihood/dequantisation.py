"""Theis et al. 2016, "A Note on the Evaluation of Generative Models", Section 3.1: what a density
of real numbers says of 8-bit images. Dinh et al. 2017 (RealNVP), Section 4.1: logits of pixels.

Images x lie in [−1, 1]; y in [0, 256)^d are the same images as levels 0 … 255 with noise in [0, 1).
P(x) = ∫ p(x + u) du over the noise u is a likelihood of 8-bit images, and E log p(x + u) ≤ log P(x)
(Jensen). A density that is a bijection f of a simple one has log p(y) = log p_z(f(y)) + log |det J|
(Dinh et al. 2017, eq. 2); a bijection here has forward(y) → (z, log_det) and inverse(z) → y.
"""
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import GenerativeModel, sampling


def check_images(x: Tensor) -> None:
    """Errors: ValueError for x that are no floats in [−1, 1]"""
    if not x.is_floating_point() or not (x.abs() <= 1).all():
        raise ValueError("8-bit images are floats in [−1, 1]; these have other values, or NaN.")


def dequantise(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """y = 127.5 (x + 1) + u, u ~ U[0, 1)    Theis et al. 2016, Section 3.1

    x: 8-bit images in [−1, 1], (batch, …), rounded to the levels 0 … 255. u is a multiple of 2⁻¹⁵
    and half of one, so that no float32 rounds y up to the next level. Returns y in [0, 256)^d.
    Errors: ValueError for x that are no such images.
    """
    check_images(x)
    u = (torch.randint(2**15, x.shape, generator=generator) + 0.5) / 2**15
    return (127.5 * (x + 1)).round() + u.to(x)


def eight_bit(y: Tensor) -> Tensor:
    """x = ⌊y⌋ / 127.5 − 1, of levels clamped to 0 … 255    Theis et al. 2016, Section 3.1

    Takes back what `dequantise` did. y: (batch, …). Returns images in [−1, 1].
    """
    return y.floor().clamp(0, 255) / 127.5 - 1


class Logit(nn.Module):
    """z = logit(α + (1 − 2α) y/256)    RealNVP, Dinh et al. 2017, Section 4.1

    Levels y in [0, 256)^d become all but unbounded z; a bijection. There it is 1 − α in place of
    1 − 2α, which ends at an infinite z (MAF, Papamakarios et al. 2017, have it as here).
    """

    def __init__(self, alpha: float = 0.05):
        super().__init__()
        if not 0 <= alpha < 0.5:
            raise ValueError(f"alpha must lie in [0, ½), got {alpha}.")
        self.alpha = alpha

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """y: (batch, …) → z, and log |det ∂z/∂y| in nats, (batch,)"""
        z = (self.alpha + (1 - 2 * self.alpha) * y / 256).logit()
        slope = math.log((1 - 2 * self.alpha) / 256) + nnf.softplus(z) + nnf.softplus(-z)
        return z, slope.flatten(1).sum(1)               # dz/ds = 1 / (s (1 − s)) at s = sigmoid(z)

    def inverse(self, z: Tensor) -> Tensor:
        """y, within 256 α / (1 − 2α) of [0, 256]: a density of all z leaves some mass there"""
        return 256 * (z.sigmoid() - self.alpha) / (1 - 2 * self.alpha)


class _Levels(GenerativeModel):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    @sampling
    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> Tensor:
        """n draws of the density, as 8-bit images    Theis et al. 2016, Section 3.1

        Errors: ValueError for a class y.
        """
        if y is not None:
            raise ValueError("This density is of images alone: it takes no class y.")
        return eight_bit(self.model.sample(n, generator=generator))


class Dequantised(_Levels):
    """E_u log p(x + u) ≤ log ∫ p(x + u) du = log P(x)    Theis et al. 2016, Section 3.1

    model: a density of y in [0, 256)^d, with log_prob(y) → (batch,) in nats and
    sample(n, generator=…) → y. Around it, a model of 8-bit images.
    """

    def loss(self, x: Tensor, player: str) -> Tensor:
        """−mean log p(x + u) / d, in nats a dimension    Theis et al. 2016, Section 3.1"""
        return -self.model.log_prob(dequantise(x)).mean() / x[0].numel()

    @torch.no_grad()
    def elbo(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """log p(x + u) for one draw of u: on average ≤ log P(x)    Theis et al. 2016, Section 3.1

        x: 8-bit images in [−1, 1]. Returns nats an image, (batch,).
        """
        with self.averaged():
            return self.model.log_prob(dequantise(x, generator))


class DequantisedEstimate(_Levels):
    """`Dequantised`, of a density that is only estimated    Theis et al. 2016, Section 3.1

    model: has log_prob_estimate(y, generator) → (batch,) in nats in place of log_prob.
    """

    def loss(self, x: Tensor, player: str) -> Tensor:
        """−mean log p(x + u) / d as estimated, in nats a dimension    Theis et al. 2016"""
        return -self.model.log_prob_estimate(dequantise(x), None).mean() / x[0].numel()

    def estimate(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """log p(x + u) as estimated, one draw of u    Theis et al. 2016, Section 3.1

        x: 8-bit images in [−1, 1]. Returns nats an image, (batch,).
        """
        with torch.no_grad(), self.averaged():
            return self.model.log_prob_estimate(dequantise(x, generator), generator)
