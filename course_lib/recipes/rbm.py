"""The RBM of digits that ships: persistent contrastive divergence, Tieleman 2008."""
import torch
from torch import Tensor

from course_lib.core import History, fit, sampling
from course_lib.data import batches, digits
from course_lib.ebm.ais import base_rate
from course_lib.ebm.rbm import RBM, PersistentRBM
from course_lib.recipes import Recipe


class DigitsRBM(PersistentRBM):
    """A PersistentRBM that keeps its chains with the weights, and samples from there on
    Tieleman 2008

    Chains that start from noise take thousands of steps to all ten digits; the chains of training
    are there.
    """

    def __init__(self, n_h: int, k: int = 1):
        super().__init__((1, 28, 28), n_h, k)
        self.register_buffer("chains", self.chains)

    @sampling
    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None,
               steps: int = 200) -> Tensor:
        """`mean` of v after so many steps of Gibbs sampling from training's chains    Tieleman 2008

        Grey pictures (n, 1, 28, 28) in [−1, 1]; RBM.sample(model, n) starts from noise, and draws
        ±1. Errors: ValueError for a class y.
        """
        if y is not None:
            raise ValueError("This machine is unconditional: it takes no class y.")
        v = self.chains[torch.arange(n, device=self.device) % len(self.chains)]
        return self.mean(2 * self.gibbs(v, steps, generator).view(n, *self.shape) - 1)

    @torch.no_grad()
    def mean(self, x: Tensor) -> Tensor:
        """2 p_v(p_h(v)) − 1, of images x = 2v − 1 of ±1: without the noise of the last draws"""
        v = (x.flatten(1) + 1) / 2
        return 2 * self.p_v(self.p_h(v)).view_as(x) - 1


def digits_rbm(n_h: int = 256) -> DigitsRBM:
    """An RBM of binarised digits, (batch, 1, 28, 28)    Tieleman 2008"""
    return DigitsRBM(n_h)


def train_digits(model: RBM, *, steps: int | None = 12_000, seconds: float | None = None,
                 seed: int = 0, on_step=None) -> History:
    """The run of the lecture, the benchmark and the shipped weights    Tieleman 2008

    A minute on one core. b starts at the digits' base rate (Hinton 2010, Section 8). Departs from
    the paper: Adam, at a rate that falls linearly to 0, in place of plain gradient steps.
    """
    x = digits().images
    model.b.data = base_rate((x.flatten(1) + 1) / 2).to(model.b)
    return fit(model, batches(x, size=100), steps=None if seconds else steps, seconds=seconds,
               lr=3e-3, schedule=lambda share: 1 - share, seed=seed, on_step=on_step)


RECIPES = {"rbm_digits": Recipe(digits_rbm, train_digits, "RBM of digits, 256 hidden units")}
