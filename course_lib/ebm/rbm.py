"""Smolensky 1986, "Information Processing in Dynamical Systems": the restricted Boltzmann machine,
trained by contrastive divergence (Hinton 2002, CD) or with persistent chains (Tieleman 2008, PCD).

Visible units v and hidden units h are 0 or 1; images are −1 and +1, x = 2v − 1. Sums over states
are for small machines; `course_lib.ebm.ais` estimates log Z of others.
"""
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from course_lib.core import GenerativeModel, sampling

LARGEST = 20                               # 2^20 states are enumerated within seconds


def bernoulli(p: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """1 with probability p, else 0. Errors: ValueError for a p outside [0, 1]."""
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("A probability lies in [0, 1], and these do not all.")
    return (torch.rand(p.shape, generator=generator, dtype=p.dtype).to(p.device) < p).to(p.dtype)


def states(n: int, like: Tensor) -> Tensor:
    """All of {0, 1}^n, (2^n, n). Errors: ValueError for an n that is too large to enumerate."""
    if n > LARGEST:
        raise ValueError(f"2^{n} states are too many to enumerate: at most 2^{LARGEST} are tried. "
                         "For a larger machine, course_lib.ebm.ais estimates log Z.")
    bits = torch.arange(n - 1, -1, -1, device=like.device)
    return ((torch.arange(2**n, device=like.device)[:, None] >> bits) & 1).to(like)


class RBM(GenerativeModel):
    """p(v, h) = exp(−E(v, h))/Z, E = −vᵀWh − bᵀv − cᵀh    Smolensky 1986

    shape: of an image, n_v = its size; n_h hidden units; k: steps of the chain in `loss`.
    """

    def __init__(self, shape: tuple[int, ...], n_h: int, k: int = 1):
        super().__init__()
        self.shape, self.k, n_v = tuple(shape), k, math.prod(shape)
        self.W = nn.Parameter(0.01 * torch.randn(n_v, n_h))
        self.b, self.c = nn.Parameter(torch.zeros(n_v)), nn.Parameter(torch.zeros(n_h))

    def energy(self, v: Tensor, h: Tensor) -> Tensor:
        """E(v, h) = −vᵀWh − bᵀv − cᵀh    Smolensky 1986

        v: (…, n_v), h: (…, n_h). Returns (…,), nats.
        """
        return -((v @ self.W) * h).sum(-1) - v @ self.b - h @ self.c

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v) = −log Σ_h e^{−E(v, h)} = −bᵀv − Σ_j log(1 + e^{c_j + (vᵀW)_j})    Smolensky 1986

        v: (…, n_v). Returns (…,), nats; p(v) = e^{−F(v)}/Z.
        """
        return -v @ self.b - softplus(self.c + v @ self.W).sum(-1)

    def p_h(self, v: Tensor) -> Tensor:
        """P(h_j = 1 | v) = σ(c_j + (vᵀW)_j), (…, n_h)    Salakhutdinov & Murray 2008, Section 2"""
        return torch.sigmoid(self.c + v @ self.W)

    def p_v(self, h: Tensor) -> Tensor:
        """P(v_i = 1 | h) = σ(b_i + (Wh)_i), (…, n_v)    Salakhutdinov & Murray 2008, Section 2"""
        return torch.sigmoid(self.b + h @ self.W.T)

    @torch.no_grad()
    def gibbs(self, v: Tensor, k: int, generator: torch.Generator | None = None) -> Tensor:
        """k times: h ~ p(h | v), then v ~ p(v | h), a whole layer at once    Hinton 2002"""
        for _ in range(k):
            h = bernoulli(self.p_h(v), generator)
            v = bernoulli(self.p_v(h), generator)
        return v

    def visible(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """v ~ Bernoulli((x + 1)/2), (batch, n_v): certain where x = ±1, a draw where x is grey

        Errors: ValueError for an x outside [−1, 1].
        """
        return bernoulli((x.flatten(1) + 1) / 2, generator).to(self.W)

    def loss(self, x: Tensor, player: str) -> Tensor:
        """F(v) − F(v_k), v_k after k steps from v    CD-k: Hinton 2002, Section 3

        x: images in [−1, 1]. The chain is held fixed; only the gradient means something: minus the
        update ⟨vhᵀ⟩_data − ⟨vhᵀ⟩_k.
        """
        v = self.visible(x)
        v_k = self.gibbs(v, self.k)
        return self.free_energy(v).mean() - self.free_energy(v_k).mean()

    def log_Z(self) -> Tensor:
        """log Z = log Σ_h exp(cᵀh + Σ_i log(1 + e^{b_i + (Wh)_i})), or over v    Smolensky 1986

        By enumeration of the smaller layer. Errors: ValueError where it has more than 20 units.
        """
        n_v, n_h = self.W.shape
        if n_v < n_h:
            parts = [-self.free_energy(v) for v in states(n_v, self.W).split(4096)]
        else:
            parts = [h @ self.c + softplus(self.b + h @ self.W.T).sum(-1)
                     for h in states(n_h, self.W).split(4096)]
        return torch.cat(parts).logsumexp(0)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(v) = −F(v) − log Z, by enumeration    Smolensky 1986

        x: images of ±1. Returns (batch,), nats an image.
        Errors: ValueError for other images, and for a machine that is too large.
        """
        if not (x.abs() == 1).all():
            raise ValueError("Only images of −1 and +1 have a probability here: binarise first.")
        v = (x.flatten(1).to(self.W) + 1) / 2
        return -self.free_energy(v) - self.log_Z()

    @sampling
    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None,
               steps: int = 1000) -> Tensor:
        """v after so many steps of block Gibbs sampling from noise, as images of ±1, (n, *shape)

        Errors: ValueError for a class y, which it does not know.
        """
        if y is not None:
            raise ValueError("This machine is unconditional: it takes no class y.")
        v = bernoulli(torch.full((n, len(self.b)), 0.5).to(self.W), generator)
        return 2 * self.gibbs(v, steps, generator).view(n, *self.shape) - 1


class PersistentRBM(RBM):
    """An RBM whose chains go on where the last update left them    Tieleman 2008"""

    def __init__(self, shape: tuple[int, ...], n_h: int, k: int = 1, chains: int = 100):
        super().__init__(shape, n_h, k)
        start = torch.randint(2, (chains, len(self.b))).to(self.W)
        self.register_buffer("chains", start, persistent=False)    # no part of the weights

    def loss(self, x: Tensor, player: str) -> Tensor:
        """F(v) − F(v'), v' the chains after k more steps    PCD: Tieleman 2008"""
        self.chains = self.gibbs(self.chains, self.k)
        return self.free_energy(self.visible(x)).mean() - self.free_energy(self.chains).mean()
