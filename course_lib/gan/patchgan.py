"""Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (pix2pix):
a discriminator that judges patches, and a generator that is told what to draw.

The paper's x (the condition) and y (the picture) are `condition` and `x` here, as pictures are x
throughout the course.
"""
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from course_lib.core import GenerativeModel, sampling
from course_lib.gan.minimax import discriminator_loss, non_saturating_generator_loss
from course_lib.nets import PatchD, UNetG


def receptive_field(layers: Iterable[tuple[int, int]]) -> int:
    """r ← r + (k − 1) jump, jump ← jump s, from r = jump = 1    Araujo et al. 2019, eq. 2

    layers: (kernel k, stride s) of each convolution, first to last. Returns the side, in pixels, of
    the patch that one output sees; jump is how far its neighbour's patch lies.
    """
    r, jump = 1, 1
    for k, s in layers:
        r += (k - 1) * jump
        jump *= s
    return r


def receptive_field_by_gradient(D: nn.Module, size: int, channels: int = 1) -> int:
    """The side of the square where ∂ D(x)_ij / ∂x ≠ 0, for the output ij in the middle

    D: (1, channels, size, size) → (1, 1, h, w), in the mode that it is in. Returns at most `size`.
    """
    x = torch.randn(1, channels, size, size, generator=torch.Generator().manual_seed(0))
    x = x.to(next(D.parameters())).requires_grad_()
    logits = D(x)[0, 0]
    seen, = torch.autograd.grad(logits[len(logits) // 2, len(logits[0]) // 2], x)
    rows, columns = seen[0].abs().sum(0).nonzero().T
    return int(max(rows.max() - rows.min(), columns.max() - columns.min())) + 1


def loss_over_patches(loss: Callable[..., Tensor], *logits: Tensor) -> Tensor:
    """1/N Σ_ij loss(D(x)_ij): every patch is judged, then averaged    pix2pix, Section 3.2.2

    loss: of logits (batch,), and a mean over them, such as those of course_lib.gan.minimax;
    logits: its arguments, (batch, 1, h, w) each. What the paper's code minimises. Returns a scalar.
    """
    return loss(*(logit.flatten() for logit in logits))


def loss_of_average(loss: Callable[..., Tensor], *logits: Tensor) -> Tensor:
    """loss(1/N Σ_ij D(x)_ij): the picture is judged by its mean logit. Another objective

    What "averaging all responses to provide the ultimate output of D" says word by word. Its slope
    is the same in each patch of a picture, however well that patch is drawn; for a convex loss it
    is a lower bound of `loss_over_patches` (Jensen 1906). Arguments as there.
    """
    return loss(*(logit.mean((1, 2, 3)) for logit in logits))


class Pix2Pix(GenerativeModel):
    """min_G max_D L_cGAN(G, D) + λ L_L1(G)    pix2pix, eq. 4

    G: (condition, z) → picture, with G.n_z the length of z; D: condition and picture as channels of
    one picture → logits (batch, 1, h, w), one a patch. Batches are pairs (condition, x).
    Departs from the paper in its noise: z ~ N(0, I) in place of dropout.
    Errors: ValueError for pairs that differ in number, height or width.
    """

    def __init__(self, G: nn.Module, D: nn.Module, lam: float = 100.0):
        super().__init__()
        self.G, self.D, self.lam = G, D, lam

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"D": list(self.D.parameters()), "G": list(self.G.parameters())}

    def judge(self, condition: Tensor, x: Tensor) -> Tensor:
        """The logits D(condition, x), (batch, 1, h, w)    pix2pix, eq. 1"""
        return self.D(torch.cat([condition, x], 1))

    def loss(self, batch: tuple[Tensor, Tensor], player: str) -> Tensor:
        """D: −log D(c, x) − log(1 − D(c, G(c, z))); G: −log D(c, G(c, z)) + λ |x − G(c, z)|
        pix2pix, eqs. 1, 3 and 4, and Section 3.3 for −log D

        The mean over pictures and patches, and of the L1 term over pixels.
        """
        condition, x = batch
        if condition.shape[:1] + condition.shape[2:] != x.shape[:1] + x.shape[2:]:
            raise ValueError("A pair is a condition and a picture of one number, height and width, "
                             f"got {tuple(condition.shape)} and {tuple(x.shape)}.")
        z = torch.randn(len(x), self.G.n_z, device=x.device)
        if player == "G":
            fake = self.G(condition, z)
            L_GAN = loss_over_patches(non_saturating_generator_loss, self.judge(condition, fake))
            L_L1 = (x - fake).abs().mean()
            return L_GAN + self.lam * L_L1
        with torch.no_grad():                       # D's turn: G is a fixed sampler
            fake = self.G(condition, z)
        real_logits, fake_logits = self.judge(condition, x), self.judge(condition, fake)
        return loss_over_patches(discriminator_loss, real_logits, fake_logits)

    @sampling
    def sample(self, n: int, *, condition: Tensor, y=None,
               generator: torch.Generator | None = None) -> Tensor:
        """x = G(condition, z), z ~ N(0, I)    pix2pix, Section 3

        condition: (n, c, H, W), or (1, c, H, W) for n pictures of one. Errors: ValueError for
        another number of conditions, and for a class y, which it does not know.
        """
        if y is not None:
            raise ValueError("pix2pix is told a condition: it takes no class y.")
        if len(condition) not in (1, n):
            raise ValueError(f"{n} samples need {n} conditions, or one; got {len(condition)}.")
        z = torch.randn(n, self.G.n_z, generator=generator).to(self.device)
        return self.G(condition.to(self.device).expand(n, -1, -1, -1), z)


def pix2pix(condition_channels: int, channels: int, r: int, lam: float = 100.0) -> Pix2Pix:
    """pix2pix with patches of r×r pixels    pix2pix, Sections 3.2 and 6.1"""
    return Pix2Pix(UNetG(condition_channels, channels), PatchD(condition_channels + channels, r),
                   lam)


def ising_chain(J: float, n: int) -> tuple[Tensor, Tensor]:
    """p(s) ∝ exp(J Σ_i s_i s_{i+1}), s_i = ±1: a Markov random field    Ising 1925

    Returns all states (2^n, n) and their probabilities (2^n,), float64. Spins d apart correlate by
    tanh(J)^d, and are independent only given a spin between them.
    """
    s = torch.cartesian_prod(*n * [torch.tensor([-1.0, 1.0], dtype=torch.float64)])
    return s, (J * (s[:, 1:] * s[:, :-1]).sum(1)).softmax(0)
