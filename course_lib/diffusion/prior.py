"""Ramesh et al. 2022, "Hierarchical Text-Conditional Image Generation with CLIP Latents" (unCLIP),
Section 2.2: the prior P(z_i | y), from a caption's embedding z_t to embeddings z_i of pictures.

All embeddings are unit vectors (n, d); 0 in place of z_t means "no text".
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import GenerativeModel, sampling
from course_lib.diffusion import ddim
from course_lib.diffusion.denoiser import Denoiser
from course_lib.diffusion.gaussian_chain import q_sample
from course_lib.diffusion.parametrisations import eps_from_x_0
from course_lib.diffusion.schedule import NoiseSchedule


def embeddings(z: Tensor, n: int, d: int, name: str = "z_t") -> Tensor:
    """z as (n, d), one row for all or one each. Errors: ValueError for another shape."""
    if z.ndim != 2 or z.shape[1] != d or len(z) not in (1, n):
        raise ValueError(f"{name} must have the shape ({n}, {d}) or (1, {d}), got "
                         f"{tuple(z.shape)}.")
    return z.expand(n, d)


def dropped(z: Tensor, share: float) -> Tensor:
    """z, whose rows are 0 with the probability `share`    Ramesh et al. 2022, Sections 2.1 and 2.2

    Draws from torch's global generator.
    """
    return z * (torch.rand(len(z), 1) >= share).to(z)


def guidance(with_y: Tensor, without: Tensor, w: float) -> Tensor:
    """(1 + w) f(y) − w f(none)    Ho & Salimans 2021, eq. 6

    For predictions of x_0 as for ε: at a given x_t one is an affine function of the other.
    """
    return (1 + w) * with_y - w * without


class DiffusionPrior(GenerativeModel):
    """A diffusion of z_i, whose network predicts the z_i without noise    unCLIP, Section 2.2

    net(noised z_i, t, z_t): (n, d) → (n, d), on the scale √d z_i, where each number is about 1
    large. A batch is (z_i, z_t).
    """

    def __init__(self, net: nn.Module, schedule: NoiseSchedule, d: int):
        super().__init__()
        self.net, self.schedule, self.d = net, schedule, d

    def loss(self, batch, player: str) -> Tensor:
        """E ‖z_i − f_θ(z_i^(t), t, y)‖²/d, on the scale √d z_i    unCLIP, Section 2.2

        The paper: a sum, not a mean. z_t is hidden 10 % of the time. Errors: ValueError for shapes
        that do not fit.
        """
        z_i, z_t = batch
        z_0 = self.d ** 0.5 * embeddings(z_i, len(z_i), self.d, "z_i")
        z_t = dropped(embeddings(z_t, len(z_i), self.d), 0.1)
        t = self.schedule.draw(len(z_0)).to(z_0.device)
        noised = q_sample(self.schedule, z_0, t, torch.randn_like(z_0))
        return (z_0 - self.net(noised, t, z_t)).square().mean()

    def denoiser(self, z_t: Tensor, w: float = 0.0) -> Denoiser:
        """ε of the predicted z_i, guided by z_t    unCLIP, Section 2.2"""
        def eps(z: Tensor, t: Tensor) -> Tensor:
            z_0 = self.net(z, t, z_t)
            if w:
                z_0 = guidance(z_0, self.net(z, t, torch.zeros_like(z_t)), w)
            return eps_from_x_0(self.schedule, z_0, z, t)
        return Denoiser(eps, self.schedule.T)

    def draw(self, z_t: Tensor, w: float, steps: int, generator) -> Tensor:
        """√d z_i, not yet brought to the sphere, one for each row of z_t    DDIM, eq. 12, η = 1"""
        noise = torch.randn(len(z_t), self.d, generator=generator).to(z_t)
        return ddim.ddim_sample(self.denoiser(z_t, w), self.schedule, noise, steps, 1.0,
                                generator=generator)

    @sampling
    def sample(self, n: int, *, y: Tensor, w: float = 1.0, steps: int = 50, best_of: int = 2,
               generator: torch.Generator | None = None) -> Tensor:
        """Of two samples of z_i the one with the larger z_i · z_t, (n, d)    unCLIP, Section 2.2

        y: z_t, (n, d), or (1, d) for all. best_of: how many in place of two. w: guidance.
        Errors: ValueError for a shape that does not fit.
        """
        z_t = embeddings(y, n, self.d).to(self.device)
        drawn = self.draw(z_t.repeat_interleave(best_of, 0), w, steps, generator)
        z_i = nnf.normalize(drawn, dim=1).unflatten(0, (n, best_of))
        best = (z_i @ z_t[:, :, None]).squeeze(2).argmax(1)
        return z_i[torch.arange(n, device=z_i.device), best]


class RegressionPrior(GenerativeModel):
    """E[z_i | z_t], one point for all pictures that a caption fits; what a prior is compared with

    net(z_t): (n, d) → (n, d), on the scale √d z_i. A batch is (z_i, z_t).
    """

    def __init__(self, net: nn.Module, d: int):
        super().__init__()
        self.net, self.d = net, d

    def loss(self, batch, player: str) -> Tensor:
        """E ‖z_i − f_θ(z_t)‖²/d, on the scale √d z_i: least squares    Bishop 2006, eq. 1.89"""
        z_i, z_t = (embeddings(z, len(batch[0]), self.d, name)
                    for z, name in zip(batch, ("z_i", "z_t"), strict=True))
        return (self.d ** 0.5 * z_i - self.net(z_t)).square().mean()

    @sampling
    def sample(self, n: int, *, y: Tensor,
               generator: torch.Generator | None = None) -> Tensor:
        """E[z_i | z_t]/‖E[z_i | z_t]‖, (n, d), the same each time    Bishop 2006, eq. 1.89"""
        return nnf.normalize(self.net(embeddings(y, n, self.d).to(self.device)), dim=1)
