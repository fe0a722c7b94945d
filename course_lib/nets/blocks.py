"""Parts that several networks are made of: a perceptron, a residual block, attention."""
from torch import Tensor, nn
from torch.nn import functional as nnf


def mlp(*widths: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """h ← activation(W h + b) between the given widths    Rumelhart et al. 1986, eqs. 1 and 2

    Linear at the end. mlp(2, 128, 1): (batch, 2) → (batch, 1).
    """
    layers: list[nn.Module] = []
    for n_in, n_out in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers[:-1])


def smooth_mlp(*widths: int) -> nn.Sequential:
    """mlp with SiLU, h σ(h), whose slopes have slopes of their own, too    Elfwing et al. 2018"""
    return mlp(*widths, activation=nn.SiLU)


class Residual(nn.Module):
    """h + F(h), told an embedding    DDPM, Ho et al. 2020, Appendix B

    F: norm, SiLU, 3×3 convolution, norm scaled and shifted by the embedding, SiLU, convolution that
    starts at 0. Scale and shift: FiLM, Perez et al. 2018, eq. 2, as Dhariwal & Nichol 2021, eq. 3.
    """

    def __init__(self, width: int, embedding: int):
        super().__init__()
        self.first = nn.Sequential(
            nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1))
        self.norm = nn.GroupNorm(8, width)
        self.film = nn.Linear(embedding, 2 * width)
        self.last = nn.Conv2d(width, width, 3, padding=1)
        for parameter in (*self.film.parameters(), *self.last.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:   # (batch, width, H, W) → the same
        scale, shift = self.film(embedding)[:, :, None, None].chunk(2, 1)
        return h + self.last(nnf.silu(self.norm(self.first(h)) * (1 + scale) + shift))


class Attention(nn.Module):
    """h + W softmax(QKᵀ/√d) V over the positions of an image    Vaswani et al. 2017, eq. 1

    W = 0 at the start.
    """

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.qkv, self.out = nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, h: Tensor) -> Tensor:          # (batch, width, H, W) → the same
        q, k, v = self.qkv(self.norm(h)).flatten(2).mT.chunk(3, -1)     # each (batch, H·W, width)
        mixed = nnf.scaled_dot_product_attention(q, k, v)
        return h + self.out(mixed.mT.unflatten(2, h.shape[2:]))
