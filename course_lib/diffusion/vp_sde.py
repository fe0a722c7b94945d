"""Song et al. 2021, "Score-Based Generative Modeling through Stochastic Differential Equations",
Section 3.4: the SDE whose steps are DDPM's, in the limit of many.
"""
import torch
from torch import Tensor


class VPSDE:
    """dx = −½β(t) x dt + √β(t) dw, β(t) = β_min + t(β_max − β_min)    Song et al. 2021, eqs. 11, 32

    The limit of DDPM's chain, whose linear schedule has β_1 = β_min/N, β_N = β_max/N for N = 1000.
    All take t in (0, 1], of any shape.
    """

    def __init__(self, beta_min: float = 0.1, beta_max: float = 20.0):
        self.beta_min, self.beta_max = beta_min, beta_max

    def beta(self, t: Tensor) -> Tensor:
        """β(t)    Song et al. 2021, eq. 32"""
        return self.beta_min + t * (self.beta_max - self.beta_min)

    def kernel(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """α, σ of x(t) | x(0) ~ N(α x(0), σ² I)    Song et al. 2021, eq. 33

        α² = e^{−∫β}, σ² = 1 − α², ∫β = β_min t + ½(β_max − β_min) t². At t = 0 they are 1 and 0.
        """
        integral = self.beta_min * t + 0.5 * (self.beta_max - self.beta_min) * t**2
        return (-0.5 * integral).exp(), (-torch.expm1(-integral)).sqrt()

    def time(self, integral: Tensor) -> Tensor:
        """The t of a given ∫_0^t β, solving a quadratic    Song et al. 2021, eq. 33"""
        slope = self.beta_max - self.beta_min
        return 2 * integral / (self.beta_min + (self.beta_min**2 + 2 * slope * integral).sqrt())

    def grid(self, first: float, n: int) -> Tensor:
        """1 = t_0 > … > t_n = first    the angle of Salimans & Ho 2022, Appendix D

        In even steps of arctan σ/α. Returns (n + 1,), float64.
        """
        alpha, _ = self.kernel(torch.tensor([1.0, first], dtype=torch.float64))
        angle = torch.linspace(*alpha.acos().tolist(), n + 1, dtype=torch.float64)
        t = self.time(-2 * angle.cos().log())
        t[0], t[-1] = 1.0, first
        return t
