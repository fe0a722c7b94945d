"""Goodfellow et al. 2014, "Generative Adversarial Nets": a game of two."""
import torch
from torch import Tensor, nn

from course_lib.core import GenerativeModel, sampling
from course_lib.gan.minimax import discriminator_loss, non_saturating_generator_loss
from course_lib.nets import mlp


class GAN(GenerativeModel):
    """min_G max_D V(D, G), each with its own loss    Goodfellow et al. 2014, eq. 1 and Algorithm 1

    G: (batch, n_z) → samples; D: samples → logits (batch,) or (batch, 1), D(x) = σ(logit).
    generator_loss takes the logits of the samples; by default the non-saturating one of Section 3.
    """

    def __init__(self, G: nn.Module, D: nn.Module, n_z: int,
                 generator_loss=non_saturating_generator_loss):
        super().__init__()
        self.G, self.D, self.n_z, self.generator_loss = G, D, n_z, generator_loss

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"D": list(self.D.parameters()), "G": list(self.G.parameters())}

    def loss(self, x: Tensor, player: str) -> Tensor:
        z = torch.randn(len(x), self.n_z, device=x.device)
        if player == "G":
            return self.generator_loss(self.D(self.G(z)))
        with torch.no_grad():                       # D's turn: G is a fixed sampler
            fake = self.G(z)
        return discriminator_loss(self.D(x), self.D(fake))

    @sampling
    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> Tensor:
        """x = G(z), z ~ N(0, I)    Goodfellow et al. 2014, Section 3

        Errors: ValueError for a class y, which it does not know.
        """
        if y is not None:
            raise ValueError("This GAN is unconditional: it takes no class y.")
        return self.G(torch.randn(n, self.n_z, generator=generator).to(self.device))


def points_gan(n_z: int = 2, width: int = 128,
               generator_loss=non_saturating_generator_loss) -> GAN:
    """A GAN of points in the plane, (batch, 2)    Goodfellow et al. 2014, Section 3"""
    G = mlp(n_z, width, width, 2)
    D = nn.Sequential(mlp(2, width, width, 1), nn.Flatten(0))
    return GAN(G, D, n_z, generator_loss)
