"""The normalising flows of digits that ship: RealNVP and Glow, on dequantised pixels."""
import torch
from torch import Tensor

from course_lib.core import History, fit, sampling, warmup_cosine
from course_lib.data import batches, digits
from course_lib.likelihood import glow, realnvp
from course_lib.likelihood.bijections import Chain, Flow, Shift
from course_lib.likelihood.dequantisation import Dequantised, Logit, eight_bit
from course_lib.optim import Muon
from course_lib.recipes import Recipe


class DigitsFlow(Dequantised):
    """A flow of 8-bit digits that samples at a temperature, too    Glow, 2018, Section 6"""

    @sampling
    def sample(self, n: int, *, y=None, temperature: float = 1.0,
               generator: torch.Generator | None = None) -> Tensor:
        """n draws as 8-bit images    Dinh et al. 2017, Section 3.1

        temperature: 1 draws from the density, less looks tidier and varies less.
        Errors: ValueError for a class y, and as `Flow.sample`.
        """
        return eight_bit(self.model.sample(n, y=y, temperature=temperature, generator=generator))


def flow(bijection: Chain, shape: tuple[int, int, int]) -> DigitsFlow:
    """Logits of pixels, black at 0, then the bijection    Dinh et al. 2017, Section 4.1

    Four pixels of five are black. At 0 a scale of any size leaves them where they are.
    """
    logit = Logit()
    black = logit(torch.full((1, 1), 0.5))[0].item()
    return DigitsFlow(Flow(Chain([logit, Shift(-black), *bijection]), shape))


def digits_realnvp(size: int = 28) -> DigitsFlow:
    """A RealNVP of digits, (batch, 1, size, size)    Dinh et al. 2017, Section 4.1

    Errors: ValueError for a size that is no multiple of 4.
    """
    shape = (1, size, size)
    return flow(realnvp.images(shape, widths=(32, 48, 48), n=2), shape)


def digits_glow(size: int = 28) -> DigitsFlow:
    """A Glow of digits, (batch, 1, size, size)    Glow, 2018, Section 3

    Errors: ValueError for a size that is no multiple of 4.
    """
    shape = (1, size, size)
    return flow(glow.images(shape, widths=(32, 64), K=4), shape)


def train_realnvp(model: DigitsFlow, x: Tensor | None = None, *, steps: int | None = 3000,
                  seconds: float | None = None, seed: int = 0, on_step=None) -> History:
    """The run of the table and of the shipped weights    Dinh et al. 2017, eq. 3

    x: training images of the model's size, digits().images unless given. Muon in place of Adam;
    3,000 steps are three minutes on one core.
    """
    return _train(model, x, steps, seconds, seed, on_step)


def train_glow(model: DigitsFlow, x: Tensor | None = None, *, steps: int | None = 2000,
               seconds: float | None = None, seed: int = 0, on_step=None) -> History:
    """The run of the table and of the shipped weights    Glow, 2018, Section 5

    x: training images of the model's size, digits().images unless given. Muon in place of Adam;
    2,000 steps are two minutes on one core.
    """
    return _train(model, x, steps, seconds, seed, on_step)


def _train(model, x, steps, seconds, seed, on_step) -> History:
    return fit(model, batches(digits().images if x is None else x, size=32),
               steps=None if seconds else steps, seconds=seconds, lr=3e-3, betas=(0.9, 0.99),
               schedule=warmup_cosine(), clip=1.0, ema=0.998, optimiser=Muon, seed=seed,
               on_step=on_step)


RECIPES = {
    "realnvp_digits": Recipe(digits_realnvp, train_realnvp, "RealNVP of digits"),
    "glow_digits": Recipe(digits_glow, train_glow, "Glow of digits"),
}
