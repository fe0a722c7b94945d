"""Goodfellow et al. 2014, "Generative Adversarial Nets", with the networks of DCGAN (Radford et al. 2016): a game of two.

    python -m course_lib.gan.gan        trains the digits' GAN and writes weights/gan_digits.safetensors
"""
from pathlib import Path

import torch
from torch import Tensor, nn

from course_lib.core import GenerativeModel, History, fit, sampling, save
from course_lib.data import batches, digits
from course_lib.gan.minimax import discriminator_loss, non_saturating_generator_loss
from course_lib.nets import ConvD, ConvG, mlp


class GAN(GenerativeModel):
    """min_G max_D V(D, G), each player with its own loss    Goodfellow et al. 2014, eq. 1 and Algorithm 1

    G: (batch, n_z) → samples; D: samples → logits (batch,) or (batch, 1), D(x) = σ(logit). generator_loss takes the
    logits of the samples; by default the non-saturating one of Section 3.
    """

    def __init__(self, G: nn.Module, D: nn.Module, n_z: int, generator_loss=non_saturating_generator_loss):
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
        """x = G(z), z ~ N(0, I)    Goodfellow et al. 2014, Section 3. Errors: ValueError for a class y, which it does not know."""
        if y is not None:
            raise ValueError("This GAN is unconditional: it takes no class y.")
        return self.G(torch.randn(n, self.n_z, generator=generator).to(self.device))


def points_gan(n_z: int = 2, width: int = 128, generator_loss=non_saturating_generator_loss) -> GAN:
    """A GAN of points in the plane, (batch, 2)    Goodfellow et al. 2014, Section 3: both players multilayer perceptrons"""
    return GAN(mlp(n_z, width, width, 2), nn.Sequential(mlp(2, width, width, 1), nn.Flatten(0)), n_z, generator_loss)


def digits_gan() -> GAN:
    """A GAN of digits, (batch, 1, 28, 28), with convolutional players    DCGAN, Radford et al. 2016, Section 3"""
    return GAN(ConvG(64), ConvD(), 64)


def train_digits(model: GAN, *, steps: int | None = 4000, seconds: float | None = None, seed: int = 0,
                 on_step=None) -> History:
    """The run of the lecture, of the benchmark and of the shipped weights: 3 minutes on one core    DCGAN, Section 4

    Departs from it: Adam with β1 = 0 in place of 0.5 (as BigGAN, Brock et al. 2019, Section 3) and a rate ten times as
    large, which spectral normalisation bears; the rate falls linearly over the second half; the weights are averaged.
    """
    return fit(model, batches(digits().images, size=32), steps=None if seconds else steps, seconds=seconds,
               lr=2e-3, betas=(0.0, 0.99), ema=0.995, seed=seed, on_step=on_step,
               schedule=lambda progress: min(1.0, 2 - 2 * progress))


WEIGHTS = Path(__file__).parents[1] / "weights" / "gan_digits.safetensors"

if __name__ == "__main__":
    torch.manual_seed(0)
    model = digits_gan()
    train_digits(model)
    with model.averaged():
        save(model, WEIGHTS)
