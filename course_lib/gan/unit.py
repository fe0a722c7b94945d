"""Liu, Breuel & Kautz 2017, "Unsupervised Image-to-Image Translation Networks" (UNIT): a VAE and a
discriminator a domain, one latent z for all. What is shared are the high-level layers of E, G, D.

Domains are numbered from 0 here, from 1 in the paper. G_j(z), z ~ q_i(z | x), is the translation of
x from i to j, and with i = j its reconstruction.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import Trainable, noise_like, sampling
from course_lib.data.domains import check_domains
from course_lib.gan.minimax import discriminator_loss, non_saturating_generator_loss

LAM = (1.0, 2e-4, 5e-3, 2e-4, 5e-3)


def encoded(mu: Tensor) -> Tensor:
    """z = μ + η, η ~ N(0, I): a draw of q(z | x) = N(E_μ(x), I)    UNIT, Section 3"""
    return mu + torch.randn_like(mu)


def kl(mu: Tensor) -> Tensor:
    """KL(N(μ, I) ‖ N(0, I)) = ½ ‖μ‖²    UNIT, eq. 3, first term

    mu: (batch, …), E's means. Returns the mean over the batch, a scalar, in nats a picture.
    """
    return mu.flatten(1).square().sum(1).mean() / 2


def reconstruction(x_hat: Tensor, x: Tensor) -> Tensor:
    """−log p_G(x | z) = ‖x − G(z)‖₁ + constant, Laplacian    UNIT, eq. 3, second term

    Pictures (batch, C, H, W) each; scale 1, and the constant is dropped. Returns the mean over the
    batch, a scalar, in nats a picture.
    """
    return (x - x_hat).abs().flatten(1).sum(1).mean()


def cycle(mu: Tensor, mu_translated: Tensor, x_cycled: Tensor, x: Tensor,
          lam_3: float, lam_4: float) -> Tensor:
    """λ_3 KL(q_i(z|x) ‖ p) + λ_3 KL(q_j(z|x^{i→j}) ‖ p) − λ_4 log p_{G_i}(x | z)    UNIT, eq. 7

    Two KLs a direction: that of x's code, and that of its translation's, which z is drawn from.
    """
    return lam_3 * (kl(mu) + kl(mu_translated)) + lam_4 * reconstruction(x_cycled, x)


class UNIT(Trainable):
    """min_{E,G} max_D Σ_k L_VAE_k + L_GAN_k + L_CC_k    UNIT, eq. 2

    E(x, k) → means of z, G(z, k) → pictures of domain k, D(x, k) → logits (batch,); what they share
    is theirs. Batches are tuples of pictures, one a domain: two or more, and each step translates
    every domain to its next, and the last to the first (two domains: the paper's). `lam`: λ_0 of
    the adversarial term, λ_1 and λ_2 of the VAE's KL and reconstruction, λ_3 and λ_4 of the
    cycle's. Sums over pixels, where the authors' code has means, so that the terms are nats.
    """

    def __init__(self, E: nn.Module, G: nn.Module, D: nn.Module,
                 lam: tuple[float, ...] = LAM):
        super().__init__()
        self.E, self.G, self.D, self.lam = E, G, D, lam

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"D": list(self.D.parameters()),
                "G": [*self.E.parameters(), *self.G.parameters()]}

    def loss(self, batch: tuple[Tensor, ...], player: str) -> Tensor:
        """Errors: ValueError for domains of different shapes, or an empty one."""
        for k, x in enumerate(batch):
            check_domains(batch[0], x, ("Domain 0", f"Domain {k}"))
        return self.loss_D(batch) if player == "D" else self.loss_G(batch)

    def translations(self, batch: tuple[Tensor, ...]) -> list[Tensor]:
        """Of each domain, to the next one; [j] came from domain j − 1."""
        z = [encoded(self.E(x, i)) for i, x in enumerate(batch)]
        return [self.G(z[j - 1], j) for j in range(len(z))]

    def loss_D(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Σ_j λ_0 (−log D_j(x_j) − log(1 − D_j(G_j(z_i))))    UNIT, eqs. 5 and 6, negated"""
        with torch.no_grad():
            fake = self.translations(batch)
        return self.lam[0] * sum(discriminator_loss(self.D(x, j), self.D(fake[j], j))
                                 for j, x in enumerate(batch))

    def loss_G(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Σ_i of eqs. 3 to 8, with −log D_j(G_j(z_i)) for log(1 − D_j(G_j(z_i)))    UNIT, eq. 2"""
        lam_0, lam_1, lam_2, lam_3, lam_4 = self.lam
        total = 0.0
        for i, x in enumerate(batch):
            j = (i + 1) % len(batch)
            mu = self.E(x, i)
            z = encoded(mu)
            x_ii, x_ij = self.G(z, i), self.G(z, j)
            mu_ij = self.E(x_ij, j)
            x_iji = self.G(encoded(mu_ij), i)
            total += lam_1 * kl(mu) + lam_2 * reconstruction(x_ii, x)
            total += lam_0 * non_saturating_generator_loss(self.D(x_ij, j))
            total += cycle(mu, mu_ij, x_iji, x, lam_3, lam_4)
        return total

    @sampling
    def translate(self, x: Tensor, source: int, target: int, *,
                  generator: torch.Generator | None = None) -> Tensor:
        """G_j(z), z ~ q_i(z | x), i = source, j = target    UNIT, Section 3

        Without a generator z is its mean.
        """
        mu = self.E(x, source)
        return self.G(mu if generator is None else mu + noise_like(mu, generator), target)


class UNITClassifier(UNIT):
    """UNIT whose D also classifies the source and sees a pair alike    UNIT, Section 4 (adaptation)

    D.features(x, k) → h, D.real: h → logit (batch, 1), D.classes: h → logits of classes. Batches:
    ((x, y), x_target), where x is of domain 0 and x_target of 1. D's loss also has λ_class
    −log p(y | x) of the source, and λ_feature ‖h_i − h_j‖₁/n_h of a picture and its translation
    (the paper's pair has the picture's reconstruction in its place).
    """

    def __init__(self, E: nn.Module, G: nn.Module, D: nn.Module, lam_class: float = 10.0,
                 lam_feature: float = 10.0, lam: tuple[float, ...] = (1.0, 2e-4, 0.01, 2e-4, 0.01)):
        super().__init__(E, G, D, lam)
        self.lam_class, self.lam_feature = lam_class, lam_feature

    def loss(self, batch, player: str) -> Tensor:
        (x, y), x_t = batch
        if player == "G":
            return self.loss_G((x, x_t))
        with torch.no_grad():
            of_target, of_source = self.translations((x, x_t))
        h, h_t = self.D.features(x, 0), self.D.features(x_t, 1)
        h_of_target, h_of_source = self.D.features(of_target, 0), self.D.features(of_source, 1)
        L_GAN = (discriminator_loss(self.D.real(h), self.D.real(h_of_target))
                 + discriminator_loss(self.D.real(h_t), self.D.real(h_of_source)))
        L_feature = (h - h_of_source).abs().mean() + (h_t - h_of_target).abs().mean()
        L_class = nnf.cross_entropy(self.D.classes(h), y)
        return self.lam[0] * L_GAN + self.lam_class * L_class + self.lam_feature * L_feature
