"""Du & Mordatch 2019, "Implicit Generation and Modeling with Energy-Based Models" (IGEBM): a
network's output is an energy, Langevin's dynamics draws from it, and chains live on in a buffer.

p(x) ∝ e^{−E(x)/T}, T = noise²/η, is the law that a chain of small steps would have. The paper's
steps are large and its noise is small, T ≈ 10⁻⁶: nearly descent, and so E has no unit of nats.
"""
import torch
from torch import Tensor, nn

from course_lib.core import GenerativeModel, sampling
from course_lib.ebm.langevin import chain


class ReplayBuffer(nn.Module):
    """Where chains stopped, so that they go on from there    Du & Mordatch 2019, Section 3.2

    size: places, filled with noise at first; restart: the share of drawn chains that begin anew.
    A chain is then advanced a times in a row with probability restart (1 − restart)^{a−1}, and
    1/restart times on average. It is no part of the weights. noise(n): n starts.
    """

    def __init__(self, size: int, restart: float, noise):
        super().__init__()
        if size < 1 or not 0 <= restart <= 1:
            raise ValueError(f"A buffer has a place or more and restarts a share of chains in "
                             f"[0, 1]; got size = {size}, restart = {restart}.")
        self.restart, self.noise = restart, noise
        self.register_buffer("x", noise(size), persistent=False)

    def draw(self, n: int) -> tuple[Tensor, Tensor]:
        """n different places, and the chains to go on with: theirs, or noise

        Draws from torch's global generator. Errors: ValueError for more chains than places.
        """
        if n > len(self.x):
            raise ValueError(f"A buffer of {len(self.x)} places has no {n} chains.")
        places = torch.randperm(len(self.x))[:n].to(self.x.device)
        anew = (torch.rand(n) < self.restart).to(self.x.device)
        anew = anew.view(-1, *[1] * (self.x.ndim - 1))
        return places, torch.where(anew, self.noise(n).to(self.x), self.x[places])

    def put(self, places: Tensor, x: Tensor) -> None:
        """Where the chains of `draw` stopped; `latest` are their places."""
        self.x[places], self.latest = x.detach(), places


class IGEBM(GenerativeModel):
    """E(x) = net(x), drawn from by x ← x − (η/2) ∇E(x) + noise · z    Du & Mordatch 2019, Section 3

    net: (batch, *shape) → (batch, 1). noise: √η where None; x stays in ±bound, each ∂E/∂x_i in
    ±clip. steps: of a chain, each time that it is drawn; size, restart: as `ReplayBuffer`; alpha:
    of the energies' squares in the loss; blur: noise on the data, as Grathwohl et al. 2020 have it.
    Departs from the paper: no spectral normalisation, a network without shortcuts.
    """

    def __init__(self, net: nn.Module, shape: tuple[int, ...], *, eta: float = 20.0,
                 noise: float | None = 0.005, clip: float | None = 0.03, bound: float = 1.0,
                 steps: int = 20, size: int = 5000, restart: float = 0.05, alpha: float = 0.1,
                 blur: float = 0.03):
        super().__init__()
        self.net, self.shape, self.steps, self.alpha, self.blur = net, shape, steps, alpha, blur
        self.eta, self.noise, self.clip, self.bound = eta, noise, clip, bound
        self.buffer = ReplayBuffer(size, restart, self.start)

    def start(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n images of uniform noise in ±bound    Du & Mordatch 2019, Algorithm 1"""
        return self.bound * (2 * torch.rand(n, *self.shape, generator=generator) - 1)

    def energy(self, x: Tensor) -> Tensor:
        """E(x) = net(x)    Du & Mordatch 2019, Section 3

        x: (batch, *shape). Returns (batch,), up to a constant, which no chain sees.
        """
        return self.net(x).squeeze(1)

    def chain(self, x: Tensor, steps: int, *, E=None,
              generator: torch.Generator | None = None) -> Tensor:
        """So many steps from x, clamped to ±bound after each    Du & Mordatch 2019, Algorithm 1

        E: `energy` unless given. That pixels and gradients are clipped is in the paper's code.
        Errors: ValueError for a chain that diverges.
        """
        E = self.energy if E is None else E
        for _ in range(steps):
            x = chain(E, x, eta=self.eta, steps=1, noise=self.noise, clip=self.clip,
                      generator=generator).clamp(-self.bound, self.bound)
        return x

    def negatives(self, n: int) -> Tensor:
        """x⁻: n chains of the buffer, some steps further    Du & Mordatch 2019, Algorithm 1"""
        places, x = self.buffer.draw(n)
        x = self.chain(x, self.steps)
        self.buffer.put(places, x)
        return x

    def contrast(self, x: Tensor) -> Tensor:
        """mean E(x⁺) − E(x⁻) + α (E(x⁺)² + E(x⁻)²)    Du & Mordatch 2019, Algorithm 1

        The chains are held fixed. With α = 0 and x⁻ ~ p it has the gradient of −T log p(x).
        """
        x_pos = (x + self.blur * torch.randn_like(x)).clamp(-self.bound, self.bound)
        x_neg = self.negatives(len(x))
        E_pos, E_neg = self.energy(torch.cat([x_pos, x_neg])).chunk(2)
        return (E_pos - E_neg + self.alpha * (E_pos**2 + E_neg**2)).mean()

    def loss(self, x: Tensor, player: str) -> Tensor:
        """`contrast` of data x, (batch, *shape)    Du & Mordatch 2019, Algorithm 1"""
        return self.contrast(x)

    @sampling
    def sample(self, n: int, *, y=None, steps: int = 400, x: Tensor | None = None,
               generator: torch.Generator | None = None) -> Tensor:
        """Where n chains stop, (n, *shape)    Du & Mordatch 2019, Section 3.1

        x: where they start, (n, *shape); noise unless given. 400 steps are what a chain of the
        buffer has behind it on average, `steps`/`restart`. Errors: ValueError for a class y.
        """
        if y is not None:
            raise ValueError("This energy is of images alone: it takes no class y.")
        x = self.start(n, generator) if x is None else x
        return self.chain(x.to(self.device), steps, generator=generator)
