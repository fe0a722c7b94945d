"""van den Oord et al. 2016b, "Conditional Image Generation with PixelCNN Decoders": an image's
probability is a product over its pixels, each given those before it, and so it is known exactly.

p(x) = ∏ p(x_i | x_1, …, x_{i−1})    van den Oord et al. 2016b, eq. 1
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import GenerativeModel, sampling
from course_lib.nets.pixelcnn import generate, generate_plainly


def drawn(logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """k ~ softmax(logits), the k at which the sum of probabilities passes u ~ U[0, 1)

    (batch, levels) → (batch,), int64.
    """
    u = torch.rand(len(logits), 1, generator=generator, dtype=logits.dtype).to(logits.device)
    return (logits.softmax(1).cumsum(1) <= u).sum(1).clamp(max=logits.shape[1] - 1)


class PixelCNN(GenerativeModel):
    """p(x_i | x_1, …, x_{i−1}) is a softmax over greys    van den Oord et al. 2016b, Section 2

    net: (batch, 1, H, W) → (batch, levels, H, W), of the pixels before each in raster order, as
    nets.GatedPixelCNN(1, levels, …). shape: (1, H, W). Level k is the grey 2k/(levels − 1) − 1.
    Errors: ValueError for images of another shape, or of greys between the levels.
    """

    def __init__(self, net: nn.Module, shape: tuple[int, int, int], levels: int = 256):
        super().__init__()
        if len(shape) != 3 or shape[0] != 1 or levels < 2:
            raise ValueError(f"An image is (1, H, W), of two levels or more; got {shape} and "
                             f"{levels}.")
        self.net, self.shape, self.levels = net, shape, levels

    def level(self, x: Tensor) -> Tensor:
        """Which level each pixel has: (batch, 1, H, W) in [−1, 1] → (batch, H, W), int64"""
        if x.ndim != 4 or x.shape[1:] != self.shape:
            raise ValueError(f"Expected images (batch, {', '.join(map(str, self.shape))}), got "
                             f"{tuple(x.shape)}.")
        k = (x + 1) / 2 * (self.levels - 1)
        if not (k - k.round()).abs().max() < 0.01 or k.min() < -0.01 or k.max() > self.levels - 0.9:
            raise ValueError(f"Expected pixels of {self.levels} levels in [−1, 1], evenly spaced; "
                             f"got others, in [{x.min():g}, {x.max():g}].")
        return k.round().long().squeeze(1)

    def grey(self, k: Tensor) -> Tensor:
        """The inverse of `level`, as float32 of the same shape"""
        return 2 * k / (self.levels - 1) - 1

    def log_probs(self, x: Tensor) -> Tensor:
        """log p(x_i | x_1, …, x_{i−1}) of each pixel, nats, (batch, H, W); one pass for all"""
        k, logits = self.level(x), self.net(x).movedim(1, 3)            # (batch, H, W, levels)
        return -nnf.cross_entropy(logits.flatten(0, 2), k.flatten(), reduction="none").view_as(k)

    def loss(self, x: Tensor, player: str) -> Tensor:
        """−log p(x), nats a dimension    van den Oord et al. 2016b, eq. 1"""
        return -self.log_probs(x).mean()

    @torch.no_grad()
    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) = Σ log p(x_i | x_1, …, x_{i−1}), exactly    van den Oord et al. 2016b, eq. 1

        Nats an image, (batch,).
        """
        with self.averaged():
            return torch.cat([self.log_probs(part).sum((1, 2)) for part in x.split(100)])

    @sampling
    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> Tensor:
        """n images, a pixel at a time    Ramachandran et al. 2017

        Errors: ValueError for a class y.
        """
        return self.drawn_by(generate, n, y, generator)

    @sampling
    def sample_plainly(self, n: int, *, y=None,
                       generator: torch.Generator | None = None) -> Tensor:
        """The same images, by the whole network for each pixel    van den Oord et al. 2016a"""
        return self.drawn_by(generate_plainly, n, y, generator)

    def drawn_by(self, method, n: int, y, generator: torch.Generator | None) -> Tensor:
        if y is not None:
            raise ValueError("This model is of images alone: it takes no class y.")
        dark = next(self.parameters()).new_zeros(n, *self.shape)
        return method(self.net, dark, lambda logits: self.grey(drawn(logits, generator))[:, None])
