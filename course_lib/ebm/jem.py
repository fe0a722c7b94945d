"""Grathwohl et al. 2020, "Your Classifier is Secretly an Energy Based Model and You Should Treat it
Like One" (JEM): a classifier's logits f(x) are energies of images and classes together."""
import torch
from torch import Tensor
from torch.nn import functional as nnf

from course_lib.core import sampling
from course_lib.ebm.igebm import IGEBM


class JEM(IGEBM):
    """p(x, y) = e^{f(x)[y]}/Z, and so p(y | x) = softmax f(x)    Grathwohl et al. 2020, Section 3

    net: (batch, *shape) → f(x), (batch, classes). Adding c(x) to all logits leaves p(y | x) as it
    is and lowers E(x) by c(x): that freedom of a classifier holds the density of images.
    """

    def logits(self, x: Tensor) -> Tensor:
        """f(x), (batch, classes)"""
        return self.net(x)

    def joint_energy(self, x: Tensor, y: Tensor) -> Tensor:
        """E(x, y) = −f(x)[y]    Grathwohl et al. 2020, Section 3

        x: (batch, *shape); y: int64 (batch,). Returns (batch,).
        """
        return -self.logits(x).gather(1, y[:, None]).squeeze(1)

    def energy(self, x: Tensor) -> Tensor:
        """E(x) = −log Σ_y e^{f(x)[y]} = E(x, y) + log p(y | x)    Grathwohl et al. 2020, Section 3

        For each y. Returns (batch,).
        """
        return -self.logits(x).logsumexp(1)

    def log_p_y(self, x: Tensor) -> Tensor:
        """log p(y | x) = f(x)[y] − log Σ_y' e^{f(x)[y']}, (batch, classes), nats"""
        return self.logits(x).log_softmax(1)

    def loss(self, batch, player: str) -> Tensor:
        """−log p(y | x) + E(x⁺) − E(x⁻) + α (…)    Grathwohl et al. 2020, Section 4

        batch: images (batch, *shape) and classes, int64 (batch,). log p(x, y) is log p(x) +
        log p(y | x); only the first needs chains.
        """
        x, y = batch
        return nnf.cross_entropy(self.logits(x), y) + self.contrast(x)

    @sampling
    def sample(self, n: int, *, y=None, steps: int = 400, x: Tensor | None = None,
               generator: torch.Generator | None = None) -> Tensor:
        """n images, (n, *shape): of E(x), or of class y, an int or int64 (n,), of E(x, y)
        Grathwohl et al. 2020, Section 4

        x: where chains start. Errors: ValueError for classes that there are not.
        """
        x = (self.start(n, generator) if x is None else x).to(self.device)
        if y is None:
            return self.chain(x, steps, generator=generator)
        y, classes = torch.as_tensor(y, device=self.device).expand(n), self.logits(x[:1]).shape[1]
        if not ((y >= 0) & (y < classes)).all():
            raise ValueError(f"Classes are 0 … {classes - 1}, got {y.unique().tolist()}.")
        E = lambda x: self.joint_energy(x, y)
        return self.chain(x, steps, E=E, generator=generator)
