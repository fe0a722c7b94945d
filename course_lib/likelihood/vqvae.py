"""van den Oord et al. 2017, "Neural Discrete Representation Learning" (VQ-VAE): latent variables
are a grid of codes, 0 … K − 1, and their prior is learnt, too.

Two players: the autoencoder, whose encoder's output is replaced by the nearest of K vectors e_k,
and the prior, a gated PixelCNN over the codes (van den Oord et al. 2016b). Decoder and its law of
8-bit data are those of vae.py.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import GenerativeModel, sampling
from course_lib.likelihood.vae import logistic_log_prob, logistic_mean, logistic_sample
from course_lib.nets.pixelcnn import GatedPixelCNN, generate


@torch.no_grad()
def nearest_code(z_e: Tensor, e: Tensor) -> Tensor:
    """k = argmin_j ‖z_e(x) − e_j‖, at each place    VQ-VAE, eq. 1

    z_e: (batch, D, h, w); e: (K, D). Returns int64 (batch, h, w).
    """
    z = z_e.movedim(1, -1).flatten(0, -2)                                   # (batch·h·w, D)
    distance = (e**2).sum(1) - 2 * z @ e.T                                  # but for ‖z_e‖²
    return distance.argmin(1).view(len(z_e), *z_e.shape[2:])


def straight_through(z_e: Tensor, z_q: Tensor) -> Tensor:
    """z_q forwards; backwards, its gradient is z_e's    VQ-VAE, Section 3.2"""
    return z_e + (z_q - z_e).detach()


class VQVAE(GenerativeModel):
    """log p(x) ≥ log p(x | z_q(x)) + log p(z(x))    VQ-VAE, Section 3.2

    encoder(x) → (batch, D, h, w). decoder(z_q) → (batch, 2 C, H, W): mean and log-scale of a pixel.
    prior: of embedded codes, (batch, channels, h, w) → (batch, K, h, w). K: codes; grid: h, w;
    beta: weight of the commitment; patience: a code that so many batches have no place for starts
    anew at a place of the last one (not in the paper, whose codes can die).
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, prior: GatedPixelCNN, K: int, D: int,
                 grid: tuple[int, int], *, beta: float = 0.25, patience: int = 20):
        super().__init__()
        self.encoder, self.decoder, self.prior = encoder, decoder, prior
        self.e = nn.Parameter(torch.randn(K, D))
        self.embedding = nn.Embedding(K, prior.channels)
        self.grid, self.beta, self.patience = grid, beta, patience
        self.register_buffer("idle", torch.zeros(K, dtype=torch.int64))     # batches without it

    def players(self) -> dict[str, list[nn.Parameter]]:
        """The autoencoder with its codes; the prior with its own embedding of them."""
        return {"autoencoder": [*self.encoder.parameters(), self.e, *self.decoder.parameters()],
                "prior": [*self.embedding.parameters(), *self.prior.parameters()]}

    @torch.no_grad()
    def codes(self, x: Tensor) -> Tensor:
        """z(x), int64 (batch, h, w)    VQ-VAE, eq. 1"""
        return nearest_code(self.encoder(x), self.e)

    def vectors(self, z: Tensor) -> Tensor:
        """e_z, (batch, h, w) → (batch, D, h, w)    VQ-VAE, eq. 2"""
        return nnf.embedding(z, self.e).movedim(-1, 1)

    def p(self, z_q: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-scale of each pixel given codes    Salimans et al. 2017, eq. 1"""
        mu, log_s = self.decoder(z_q).chunk(2, 1)
        return mu, log_s.clamp(min=-7)

    def log_p(self, x: Tensor, z_q: Tensor) -> Tensor:
        """log p(x | z_q), nats an image, (batch,)    Salimans et al. 2017, eq. 2"""
        return logistic_log_prob(x, *self.p(z_q)).flatten(1).sum(1)

    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z) = Σ_i log p(z_i | z_<i), nats an image, (batch,)    VQ-VAE, Section 3.3"""
        logits = self.prior(self.embedding(z).movedim(-1, 1))               # (batch, K, h, w)
        return -nnf.cross_entropy(logits, z, reduction="none").flatten(1).sum(1)

    def loss(self, x: Tensor, player: str) -> Tensor:
        """autoencoder: −log p(x | z_q) + ‖sg[z_e] − e‖² + β ‖z_e − sg[e]‖²    VQ-VAE, eq. 3
        prior: −log p(z)    VQ-VAE, Section 3.3

        In nats a dimension of x; the squares as means over places (sg: stop-gradient).
        """
        if player == "prior":
            return -self.log_prior(self.codes(x)).mean() / x[0].numel()
        z_e = self.encoder(x)
        z = nearest_code(z_e, self.e)
        if self.training:
            self.revive(z, z_e.detach())
        z_q = self.vectors(z)
        log_p = self.log_p(x, straight_through(z_e, z_q.detach()))
        codebook = (z_e.detach() - z_q).square().sum(1).mean()
        commitment = (z_e - z_q.detach()).square().sum(1).mean()
        return -log_p.mean() / x[0].numel() + codebook + self.beta * commitment

    @torch.no_grad()
    def revive(self, z: Tensor, z_e: Tensor) -> None:
        """Codes idle for `patience` batches become encoded places    after VQ-VAE, Section 3.2"""
        used = torch.bincount(z.flatten(), minlength=len(self.e)) > 0
        self.idle += 1
        self.idle[used] = 0
        dead = (self.idle >= self.patience).nonzero().squeeze(1)
        places = z_e.movedim(1, -1).flatten(0, -2)
        chosen = torch.randint(len(places), (len(dead),))
        self.e[dead], self.idle[dead] = places[chosen.to(z.device)], 0

    @sampling
    def elbo(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """log p(x | z_q(x)) + log p(z(x)) ≤ log Σ_z p(x | z) p(z)    VQ-VAE, Section 3.2

        One of the sum's terms, with no noise. x: 8-bit images in [−1, 1]. Nats an image, (batch,).
        Errors: ValueError for other x.
        """
        z = self.codes(x)
        return self.log_p(x, self.vectors(z)) + self.log_prior(z)

    def draw(self, n: int, generator: torch.Generator | None) -> Tensor:
        """n grids z ~ p(z), a code at a time    VQ-VAE, Section 3.3"""
        z = []

        def embedded(logits: Tensor) -> Tensor:                              # (n, K)
            z.append(torch.multinomial(logits.softmax(1).cpu(), 1, generator=generator)[:, 0])
            return self.embedding(z[-1].to(logits.device))
        generate(self.prior, self.embedding.weight.new_zeros(n, self.prior.channels, *self.grid),
                 embedded)
        return torch.stack(z, 1).view(n, *self.grid).to(self.device)

    @sampling
    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> Tensor:
        """x ~ p(x | z), z ~ p(z)    VQ-VAE, Section 3.3

        Errors: ValueError for a class y.
        """
        if y is not None:
            raise ValueError("This VQ-VAE is of images alone: it takes no class y.")
        return logistic_sample(*self.p(self.vectors(self.draw(n, generator))), generator)

    @sampling
    def mean(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """E[x | z], z ~ p(z): what papers show    VQ-VAE, Section 3.3"""
        return logistic_mean(*self.p(self.vectors(self.draw(n, generator))))
