"""Mirza & Osindero 2014, "Conditional Generative Adversarial Nets": both players are told y."""
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from course_lib.core import GenerativeModel, sampling
from course_lib.gan.minimax import discriminator_loss, non_saturating_generator_loss


class ConditionalGAN(GenerativeModel):
    """min_G max_D E[log D(x, y)] + E[log(1 − D(G(z, y), y))]    Mirza & Osindero 2014, eq. 2

    G: (z, y) → samples; D: (samples, y) → logits (batch,); y as rows that are one-hot. Trained on
    batches (x, y), y a class (batch,), with the non-saturating loss for G.
    """

    def __init__(self, G: nn.Module, D: nn.Module, n_z: int, classes: int):
        super().__init__()
        self.G, self.D, self.n_z, self.classes = G, D, n_z, classes

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"D": list(self.D.parameters()), "G": list(self.G.parameters())}

    def loss(self, batch: tuple[Tensor, Tensor], player: str) -> Tensor:
        x, y = batch[0], one_hot(batch[1], self.classes).float()
        z = torch.randn(len(x), self.n_z, device=x.device)
        if player == "G":
            return non_saturating_generator_loss(self.D(self.G(z, y), y))
        with torch.no_grad():                       # D's turn: G is a fixed sampler
            fake = self.G(z, y)
        return discriminator_loss(self.D(x, y), self.D(fake, y))

    @sampling
    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> Tensor:
        """x = G(z, y), z ~ N(0, I)    Mirza & Osindero 2014, Section 3.2

        y: a class, or one for each sample, (n,); drawn uniformly where none is given.
        Errors: ValueError for a class that does not exist, or as many as there are no samples.
        """
        z = torch.randn(n, self.n_z, generator=generator).to(self.device)
        if y is None:
            y = torch.randint(self.classes, (n,), generator=generator)
        y = torch.as_tensor(y, device=self.device)
        if y.shape not in ((), (n,)) or (y < 0).any() or (y >= self.classes).any():
            raise ValueError(f"y must be a class from 0 to {self.classes - 1}, or one for each of "
                             f"the {n} samples.")
        return self.G(z, one_hot(y.long().expand(n), self.classes).float())
