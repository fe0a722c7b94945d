"""Ramesh et al. 2022, "Hierarchical Text-Conditional Image Generation with CLIP Latents" (unCLIP),
Section 3: an image x as a pair (z_i, x_T), of what CLIP sees in it and all the rest; and what can
be done with the pair: variations, interpolations, and changes by words.
"""
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.diffusion import ddim


def arc(z: Tensor, z_d: Tensor, share: float) -> Tensor:
    """slerp(z, z_d, θ) of unit vectors (n, d), itself a unit vector    unCLIP, Section 3.2

    Errors: ValueError for opposite vectors, between which no arc is the shortest; as `ddim.slerp`.
    """
    if (torch.cosine_similarity(z, z_d) < -1 + 1e-6).any():
        raise ValueError("Two vectors are opposite: no arc between them is the shortest.")
    return nnf.normalize(ddim.slerp(z, z_d, share), dim=1)


def difference(z_t: Tensor, z_t0: Tensor) -> Tensor:
    """z_d = (z_t − z_t0)/‖z_t − z_t0‖, (n, d)    unCLIP, Section 3.3

    Errors: ValueError where both texts say the same, which gives no direction.
    """
    if ((z_t - z_t0).norm(dim=-1) < 1e-6).any():
        raise ValueError("Both texts have the same embedding: their difference has no direction.")
    return nnf.normalize(z_t - z_t0, dim=-1)


class Manipulations(nn.Module):
    """What needs `clip` and `decoder`, and no prior    unCLIP, Section 3

    Images (n, 3, H, W). steps: of DDIM, each way; w: the decoder's guidance, with which even η = 0
    does not give x back.
    """

    @torch.no_grad()
    def latent(self, x: Tensor, steps: int = 100) -> tuple[Tensor, Tensor]:
        """(z_i, x_T): CLIP's embedding, and DDIM's inversion given it    unCLIP, Section 3"""
        z_i = self.clip.embed_image(x.to(self.clip.device))
        return z_i, self.decoder.encode(x, z_i, steps)

    @torch.no_grad()
    def variations(self, x: Tensor, n: int = 4, *, eta: float = 1.0, w: float = 0.0,
                   steps: int = 100, generator: torch.Generator | None = None) -> Tensor:
        """n images with x's z_i, from its x_T, by DDIM with η > 0    unCLIP, Section 3.1

        x: (1, 3, H, W). η = 0, w = 0: x again; the larger η, the more differs of what CLIP does not
        see.
        """
        z_i, x_T = self.latent(x, steps)
        return self.decoder.sample(n, y=z_i, w=w, steps=steps, eta=eta, x_T=x_T,
                                   generator=generator)

    @torch.no_grad()
    def interpolate(self, x_1: Tensor, x_2: Tensor, shares: Sequence[float], *,
                    x_T: Tensor | None = None, w: float = 0.0, steps: int = 100) -> Tensor:
        """An image for each share from 0 to 1: z_i = slerp(z_i1, z_i2, θ), η = 0
        unCLIP, Section 3.2

        x_1, x_2: (1, 3, H, W). x_T: between both images' own, by slerp as well, so that the ends
        are the images; or one that is given, (1, 3, H, W), for all.
        """
        (z_1, x_T1), (z_2, x_T2) = self.latent(x_1, steps), self.latent(x_2, steps)
        z_i = torch.cat([arc(z_1, z_2, share) for share in shares])
        if x_T is None:
            x_T = torch.cat([ddim.slerp(x_T1, x_T2, share) for share in shares])
        return self.decoder.sample(len(z_i), y=z_i, w=w, steps=steps, eta=0.0, x_T=x_T)

    @torch.no_grad()
    def text_difference(self, x: Tensor, y: str, y_0: str, theta: float, *, w: float = 0.0,
                        steps: int = 100) -> Tensor:
        """x, changed from what y_0 says to what y says: z_i = slerp(z_i, z_d, θ), η = 0, x's x_T
        unCLIP, Section 3.3

        x: (n, 3, H, W), y, y_0: a caption each. θ: the share of the way to z_d; the paper's most
        is 0.25 to 0.5.
        """
        z_i, x_T = self.latent(x, steps)
        z_d = difference(self.clip.embed_text(y), self.clip.embed_text(y_0)).expand_as(z_i)
        return self.decoder.sample(len(x), y=arc(z_i, z_d, theta), w=w, steps=steps, eta=0.0,
                                   x_T=x_T)
