"""Denton et al. 2015, "Deep Generative Image Models using a Laplacian Pyramid of Adversarial
Networks" (LAPGAN): a picture is drawn coarse to fine, and a GAN of its own adds each octave of
detail.

Level 0 is the full size and level K the coarsest: I_0 is the picture, I_{k+1} = d(I_k).
"""
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import GenerativeModel, noise_like, sampling
from course_lib.gan.minimax import discriminator_loss, non_saturating_generator_loss


def down(x: Tensor) -> Tensor:
    """d(I): the mean of each block of 2×2 pixels    Denton et al. 2015, Section 2.2 and Appendix A

    (batch, C, H, W) → (batch, C, H/2, W/2). The d of the paper's appendix; that of its pictures is
    not given. Errors: ValueError for an odd height or width.
    """
    height, width = x.shape[-2:]
    if height % 2 or width % 2:
        raise ValueError(f"Pictures of {height}×{width} cannot be halved: a pyramid of K levels of "
                         "detail needs height and width that are multiples of 2^K.")
    return nnf.avg_pool2d(x, 2)


def up(x: Tensor) -> Tensor:
    """u(I): twice as high and wide, smooth (bilinear)    Denton et al. 2015, Section 2.2

    (batch, C, H, W) → (batch, C, 2H, 2W). Each pixel is 3/4 its own block and 1/4 the next one, in
    both directions; beyond the edge the picture goes on as it ends.
    """
    return nnf.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def pyramid(x: Tensor, levels: int) -> list[Tensor]:
    """h_k = I_k − u(I_{k+1}), and h_K = I_K    Denton et al. 2015, eq. 3

    x: I_0, (batch, C, H, W); levels: K, how often it is halved. Returns [h_0, …, h_K].
    Errors: ValueError for a size that cannot be halved K times, and for K < 0.
    """
    if levels < 0:
        raise ValueError(f"A pyramid is halved 0 times or more, not {levels}.")
    h = []
    for _ in range(levels):
        x, coarse = down(x), x
        h.append(coarse - up(x))
    return h + [x]


def reconstruct(h: Sequence[Tensor]) -> Tensor:
    """I_k = u(I_{k+1}) + h_k, from I_K = h_K    Denton et al. 2015, eq. 4

    h: [h_0, …, h_K], as `pyramid` gives it. Returns I_0. It is exact for every u.
    """
    x = h[-1]
    for h_k in reversed(h[:-1]):
        x = up(x) + h_k
    return x


class LAPGAN(GenerativeModel):
    """h̃_k = G_k(z_k, u(I_{k+1})), judged as D_k(h + l), l = u(I_{k+1})    Denton et al. 2015, eq. 5

    G[k]: (l_k, z_k) → h̃_k of l_k's shape, for k < K, the noise z_k being one more plane of the
    picture, (batch, 1, H, W); G[K]: (batch, n_z) → I_K. D[k]: pictures I_k → logits (batch,).
    No level learns from another: each pair D_k, G_k plays on real pictures of its own size, and the
    l_k of training are of real pictures. Only `sample` draws on what the coarser levels made up.
    """

    def __init__(self, G: Sequence[nn.Module], D: Sequence[nn.Module], n_z: int,
                 generator_loss=non_saturating_generator_loss):
        super().__init__()
        if len(G) != len(D):
            raise ValueError(f"Each level needs a G and a D, got {len(G)} and {len(D)}.")
        self.G, self.D = nn.ModuleList(G), nn.ModuleList(D)
        self.n_z, self.generator_loss = n_z, generator_loss

    @property
    def K(self) -> int:
        return len(self.G) - 1

    def players(self) -> dict[str, list[nn.Parameter]]:
        """D_0, G_0, …, D_K, G_K: 2 (K + 1) players, of whom only D_k and G_k play each other."""
        return {f"{name}_{k}": list(nets[k].parameters())
                for k in range(self.K + 1) for name, nets in (("D", self.D), ("G", self.G))}

    def loss(self, x: Tensor, player: str) -> Tensor:
        """The two losses of a GAN, on level k alone    Denton et al. 2015, eqs. 1 and 2

        x: I_0, (batch, C, H, W). Errors: ValueError for a size that cannot be halved K times.
        """
        name, k = player[0], int(player[2:])
        for _ in range(k):
            x = down(x)
        l_k = up(down(x)) if k < self.K else None             # of the real picture
        if name == "G":
            return self.generator_loss(self.D[k](self.generate(k, l_k, len(x))))
        with torch.no_grad():                                 # D_k's turn: G_k is a fixed sampler
            fake = self.generate(k, l_k, len(x))
        return discriminator_loss(self.D[k](x), self.D[k](fake))

    def generate(self, k: int, l_k: Tensor | None, n: int, generator=None) -> Tensor:
        """Ĩ_k = l_k + G_k(z_k, l_k), and Ĩ_K = G_K(z_K)    Denton et al. 2015, eq. 5

        z ~ N(0, I); the paper draws it uniformly from [−1, 1].
        """
        if k == self.K:
            return self.G[k](torch.randn(n, self.n_z, generator=generator).to(self.device))
        return l_k + self.G[k](l_k, noise_like(l_k[:, :1], generator))

    @sampling
    def steps(self, n: int, *, start: Tensor | None = None,
              generator: torch.Generator | None = None) -> list[Tensor]:
        """[Ĩ_K, Ĩ_{K−1}, …, Ĩ_0], coarse to fine    Denton et al. 2015, eq. 5 and Figure 1

        start: pictures (n, C, H, W) of level K to begin with, in place of G_K's. Errors: ValueError
        where they are not n.
        """
        if start is not None and len(start) != n:
            raise ValueError(f"{n} samples need as many pictures to start from, got {len(start)}.")
        x = self.generate(self.K, None, n, generator) if start is None else start.to(self.device)
        found = [x]
        for k in reversed(range(self.K)):
            x = self.generate(k, up(x), n, generator)
            found.append(x)
        return found

    @sampling
    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> Tensor:
        """Ĩ_0    Denton et al. 2015, eq. 5. Errors: ValueError for a class y."""
        if y is not None:
            raise ValueError("This LAPGAN is unconditional: it takes no class y.")
        return self.steps(n, generator=generator)[-1]
