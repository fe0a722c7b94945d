"""Salimans & Ho 2021, "Should EBMs model the energy or the score?": a network with one number for
each point, E_θ(x, σ), whose score is −∇E_θ by construction. It costs a second backward pass, and
gives energies and a field without curl, where a free network gives neither."""
import torch
from torch import Tensor

from course_lib.ebm.ncsn import NCSN


class EnergyNCSN(NCSN):
    """s_θ(x, σ) = −∇E_θ(x, σ)    Salimans & Ho 2021

    net(x, t, y): (batch, …) → (batch, 1), ν. Trained as an `NCSN`, on the same loss.
    """

    def energy(self, x: Tensor, sigma: Tensor) -> Tensor:
        """E_θ(x, σ) = ν(x/√(1 + σ²), t(σ)) · √(1 + σ²)/σ    Salimans & Ho 2021

        The factor gives ∇ν the scale of ε in an `NCSN`. x: (batch, …); sigma: (batch,). Returns
        (batch,), nats, but for a constant log Z(σ) that no score knows.
        """
        at = sigma.to(x)
        return self.told(x, sigma).flatten(1).squeeze(1) * (1 + at**2).sqrt() / at

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """−∇E_θ(x, σ), (batch, …), which a loss can be differentiated through where gradients are
        on    Salimans & Ho 2021"""
        training = torch.is_grad_enabled()
        with torch.enable_grad():
            x = x if x.requires_grad else x.detach().requires_grad_()
            return -torch.autograd.grad(self.energy(x, sigma).sum(), x, create_graph=training)[0]
