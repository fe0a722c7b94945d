"""Generator and discriminator of BigGAN, Brock et al. 2019, Appendix B, at class scale.

A condition c is a row of numbers, (batch, classes): a class as one-hot, or several attributes as −1
and 1. A linear map of a one-hot row is an embedding.
"""
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations


class ConditionalBatchNorm(nn.Module):
    """γ(e) (h − μ)/σ + β(e), γ = 1 + W_γ e, β = W_β e    Brock et al. 2019, Appendix B

    μ and σ are a batch's, of all classes together; in evaluation mode the running ones. e: what
    the block is told, (batch, n_e). Errors: ValueError for a channel's gain without condition.
    """

    def __init__(self, channels: int, n_e: int):
        super().__init__()
        if n_e < 1:
            raise ValueError(f"Conditional batch norm needs a condition, but n_e is {n_e}.")
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = spectral_norm(nn.Linear(n_e, channels, bias=False))
        self.bias = spectral_norm(nn.Linear(n_e, channels, bias=False))

    def forward(self, h: Tensor, e: Tensor) -> Tensor:         # (batch, channels, H, W)
        return (1 + self.gain(e))[:, :, None, None] * self.norm(h) + self.bias(e)[:, :, None, None]


class SelfAttention(nn.Module):
    """h + γ W_o Σ_j softmax_j(θ(h)_i · φ(h)_j) g(h)_j    Zhang et al. 2019, eqs. 1 to 3

    A non-local block: each place i looks at all places j. θ and φ have an eighth of the channels, g
    half. γ begins at 0, so that the block begins as the identity.
    """

    def __init__(self, channels: int):
        super().__init__()
        conv = lambda n_in, n_out: spectral_norm(nn.Conv2d(n_in, n_out, 1, bias=False))
        self.theta, self.phi = conv(channels, channels // 8), conv(channels, channels // 8)
        self.g, self.o = conv(channels, channels // 2), conv(channels // 2, channels)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, h: Tensor) -> Tensor:                    # (batch, channels, H, W)
        theta = self.theta(h).flatten(2)                       # (batch, channels/8, i)
        phi = self.phi(h).flatten(2)                           # (batch, channels/8, j)
        g = self.g(h).flatten(2)                               # (batch, channels/2, j)
        weight = (theta.mT @ phi).softmax(2)                   # (batch, i, j), rows sum to 1
        seen = (g @ weight.mT).unflatten(2, h.shape[2:])
        return h + self.gamma * self.o(seen)


class BigG(nn.Module):
    """(z, c) → a quarter of size → half → size    Brock et al. 2019, Figure 15 and Appendix B

    z falls into three chunks: one makes the coarsest picture, each of the others is told to one
    stage (skip-z) beside the condition's shared embedding. Departs from the paper in the upsampling
    (PixelShuffle, as ConvG), in one convolution a stage without shortcut, and in attention at a
    quarter of the size and not at half, where it costs as much as all else.
    """

    def __init__(self, classes: int, n_z: int = 96, width: int = 32, channels: int = 1,
                 size: int = 28, n_shared: int = 32):
        super().__init__()
        if n_z % 3 or size % 4:
            raise ValueError(f"n_z must be a multiple of 3 and size of 4, got {n_z} and {size}.")
        self.n_z, n_e = n_z, n_z // 3 + n_shared
        self.shared = nn.Linear(classes, n_shared, bias=False)
        self.first = spectral_norm(nn.Linear(n_z // 3, 2 * width * (size // 4) ** 2))
        self.place = nn.Unflatten(1, (2 * width, size // 4, size // 4))
        self.norm_1 = ConditionalBatchNorm(2 * width, n_e)
        self.attention = SelfAttention(2 * width)
        self.conv_1 = spectral_norm(nn.Conv2d(2 * width, 4 * width, 3, padding=1))
        self.norm_2 = ConditionalBatchNorm(width, n_e)
        self.conv_2 = spectral_norm(nn.Conv2d(width, 4 * channels, 3, padding=1))
        self.up = nn.PixelShuffle(2)
        orthogonal(self)

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        z_0, z_1, z_2 = z.chunk(3, 1)
        e = self.shared(c)
        h = self.place(self.first(z_0))                        # (batch, 2 width, size/4, size/4)
        h = self.norm_1(h, torch.cat([z_1, e], 1)).relu()
        h = self.up(self.conv_1(self.attention(h)))            # (batch, width, size/2, size/2)
        h = self.norm_2(h, torch.cat([z_2, e], 1)).relu()
        return self.up(self.conv_2(h)).tanh()                  # (batch, channels, size, size)


class BigGDeep(BigG):
    """z, whole, and the embedding are told to the first layer and to each stage, and a residual
    block stands between    BigGAN-deep, Brock et al. 2019, Figure 16 and Appendix B

    For conditions of many parts, which must find their places in the coarsest picture.
    """

    def __init__(self, classes: int, n_z: int = 15, width: int = 64, channels: int = 3,
                 size: int = 16, n_shared: int = 64):
        super().__init__(classes, n_z, width, channels, size, n_shared)
        n_e = n_z + n_shared
        self.first = spectral_norm(nn.Linear(n_e, 2 * width * (size // 4) ** 2))
        self.norm_1, self.norm_2 = (ConditionalBatchNorm(n, n_e) for n in (2 * width, width))
        self.norm_3 = ConditionalBatchNorm(width, n_e)
        self.conv_3 = spectral_norm(nn.Conv2d(width, width, 3, padding=1))
        orthogonal(self)

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        e = torch.cat([z, self.shared(c)], 1)
        h = self.norm_1(self.place(self.first(e)), e).relu()   # (batch, 2 width, size/4, size/4)
        h = self.up(self.conv_1(self.attention(h)))            # (batch, width, size/2, size/2)
        h = h + self.conv_3(self.norm_3(h, e).relu())
        h = self.norm_2(h, e).relu()
        return self.up(self.conv_2(h)).tanh()                  # (batch, channels, size, size)


class BigD(nn.Module):
    """D(x, c) = ψ · φ(x) + (V c) · φ(x), a logit    projection, Miyato & Koyama 2018, Section 3

    φ: 2×2 pixels as channels, a convolution, a strided convolution (as ConvD), self-attention.
    """

    def __init__(self, classes: int, width: int = 32, channels: int = 1, size: int = 28):
        super().__init__()
        n_phi = 2 * width * (size // 4) ** 2
        self.unshuffle = nn.PixelUnshuffle(2)
        self.conv_1 = spectral_norm(nn.Conv2d(4 * channels, width, 3, padding=1))
        self.conv_2 = spectral_norm(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1))
        self.attention = SelfAttention(2 * width)
        self.psi = spectral_norm(nn.Linear(n_phi, 1))
        self.V = spectral_norm(nn.Linear(classes, n_phi, bias=False))
        orthogonal(self)

    def phi(self, x: Tensor) -> Tensor:                        # (batch, n_phi)
        h = nn.functional.leaky_relu(self.conv_1(self.unshuffle(x)), 0.2)
        h = nn.functional.leaky_relu(self.conv_2(h), 0.2)
        return self.attention(h).flatten(1)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:         # (batch,)
        phi = self.phi(x)
        return self.psi(phi).squeeze(1) + (self.V(c) * phi).sum(1)


def orthogonal(net: nn.Module) -> None:
    """WᵀW = I or WWᵀ = I at the start, for each weight matrix    Saxe et al. 2014, Section 3

    The weight of a convolution is a matrix with a row for each output channel.
    """
    for weight in matrices(net):
        nn.init.orthogonal_(weight)


def matrices(net: nn.Module) -> list[nn.Parameter]:
    """The weights that are matrices, or kernels, before any division by a singular value."""
    return [p for p in net.parameters() if p.ndim > 1]


def without_spectral_norm(net: nn.Module) -> nn.Module:
    """The same net with plain weights in place of W/σ(W), orthogonal at the start."""
    for layer in net.modules():
        if is_parametrized(layer):
            remove_parametrizations(layer, "weight")
    orthogonal(net)
    return net
