"""Liu & Tuzel 2016, "Coupled Generative Adversarial Networks" (CoGAN): a pair of GANs with shared
layers draws from a joint distribution, and has seen draws of its marginals only.

Domains are numbered from 0 here, from 1 in the paper.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import Trainable, sampling
from course_lib.gan.minimax import discriminator_loss, non_saturating_generator_loss


class CoGAN(Trainable):
    """min_G max_D Σ_k V(D_k, G_k), one z for all    CoGAN, Section 3

    H: z (batch, H.n_z) → maps, all shared, as the first layers of G; G(maps, k) → pictures of
    domain k; D(x, k) → logits (batch,). Batches are tuples of pictures, one a domain.
    """

    def __init__(self, H: nn.Module, G: nn.Module, D: nn.Module):
        super().__init__()
        self.H, self.G, self.D = H, G, D

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"D": list(self.D.parameters()),
                "G": [*self.H.parameters(), *self.G.parameters()]}

    def coupled(self, n: int, domains: int, generator: torch.Generator | None = None):
        """(G_0(z), G_1(z), …), one z ~ N(0, I) for all (the paper's is uniform)    CoGAN, Sec. 3"""
        maps = self.H(torch.randn(n, self.H.n_z, generator=generator).to(self.device))
        return tuple(self.G(maps, k) for k in range(domains))

    def loss(self, batch: tuple[Tensor, ...], player: str) -> Tensor:
        if player == "G":
            return self.loss_G(len(batch[0]), len(batch))
        with torch.no_grad():
            fake = self.coupled(len(batch[0]), len(batch))
        return sum(discriminator_loss(self.D(x, k), self.D(fake[k], k))
                   for k, x in enumerate(batch))

    def loss_G(self, n: int, domains: int) -> Tensor:
        """Σ_k −log D_k(G_k(z))    CoGAN, Section 3"""
        return sum(non_saturating_generator_loss(self.D(fake, k))
                   for k, fake in enumerate(self.coupled(n, domains)))

    @sampling
    def sample(self, n: int, *, domains: int = 2, y=None,
               generator: torch.Generator | None = None) -> tuple[Tensor, ...]:
        """n pictures a domain, those of one z at one place    CoGAN, Section 3

        Errors: ValueError for a class y, which it does not know.
        """
        if y is not None:
            raise ValueError("CoGAN is unconditional: it takes no class y.")
        return self.coupled(n, domains, generator)


class CoGANClassifier(CoGAN):
    """CoGAN whose D also classifies the source    CoGAN, Section 5

    D.classes: D.features(x, k) → logits of classes. Batches: ((x, y), x_target), where x is of
    domain 0 and x_target of 1. As in the authors' code, D's loss also has ‖h_0 − h_1‖² of the
    features of a pair that G drew from one z.
    """

    def __init__(self, H: nn.Module, G: nn.Module, D: nn.Module, lam_class: float = 10.0,
                 lam_feature: float = 0.01):
        super().__init__(H, G, D)
        self.lam_class, self.lam_feature = lam_class, lam_feature

    def loss(self, batch, player: str) -> Tensor:
        (x, y), x_t = batch
        if player == "G":
            return self.loss_G(len(x), 2)
        with torch.no_grad():
            fake = self.coupled(len(x), 2)
        h = [self.D.features(x, 0), self.D.features(x_t, 1)]
        h_fake = [self.D.features(fake[k], k) for k in (0, 1)]
        adv = sum(discriminator_loss(self.D.real(h[k]), self.D.real(h_fake[k])) for k in (0, 1))
        feature = (h_fake[0] - h_fake[1]).square().sum(1).mean()
        return (adv + self.lam_class * nnf.cross_entropy(self.D.classes(h[0]), y)
                + self.lam_feature * feature)
