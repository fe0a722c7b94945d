"""Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks" (CycleGAN): two maps between two domains of which no two pictures belong together.

G: X → Y is judged by D_Y, F: Y → X by D_X.
"""
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.core import Trainable, sampling
from course_lib.data.domains import check_domains
from course_lib.gan.minimax import discriminator_loss, minimax_generator_loss
from course_lib.nets import PatchD, ResnetG, mlp


class Adversarial(NamedTuple):
    """What D and G minimise, of D's outputs (batch, …) for real and fake    CycleGAN, Section 4"""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def least_squares_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """mean (D(y) − 1)² + mean D(G(x))²    CycleGAN, Section 4

    With densities a of y and b of G(x), the best D is a/(a + b). (batch, …) each → scalar.
    """
    return ((real - 1)**2).mean() + (fake**2).mean()


def least_squares_generator_loss(fake: Tensor) -> Tensor:
    """mean (D(G(x)) − 1)², (batch, …) → scalar    CycleGAN, Section 4"""
    return ((fake - 1)**2).mean()


# In practice; eq. 1 as it stands, where D(y) = σ(output).
LEAST_SQUARES = Adversarial(least_squares_discriminator_loss, least_squares_generator_loss)
LOG = Adversarial(discriminator_loss, minimax_generator_loss)


def cycle_loss(x: Tensor, y: Tensor, x_back: Tensor, y_back: Tensor) -> Tensor:
    """L_cyc = E_x ‖F(G(x)) − x‖₁ + E_y ‖G(F(y)) − y‖₁    CycleGAN, eq. 2

    x_back = F(G(x)), y_back = G(F(y)), (batch, …) each → scalar. ‖·‖₁ is the mean over the pixels,
    as in the authors' code, to which λ = 10 belongs.
    """
    return (x_back - x).abs().mean() + (y_back - y).abs().mean()


def identity_loss(x: Tensor, y: Tensor, F_x: Tensor, G_y: Tensor) -> Tensor:
    """L_identity = E_y ‖G(y) − y‖₁ + E_x ‖F(x) − x‖₁    CycleGAN, Section 5.2

    A picture that lies in a map's own range stays as it is. ‖·‖₁ as in `cycle_loss`.
    """
    return (G_y - y).abs().mean() + (F_x - x).abs().mean()


class ImageBuffer:
    """A history of `size` generated pictures for D    Shrivastava et al. 2017, Section 2.3

    As CycleGAN's authors have it: while it fills, each picture is kept and returned. Then it is
    returned and forgotten with probability ½; else it takes the place of one of the `size`, drawn
    at random, which is returned. So with probability ½ · (1 − q)^(k−1) q, q = 1/(2·size), what
    comes is k ≥ 1 pictures old, and the mean age is `size`. Draws from torch's global generator.
    """

    def __init__(self, size: int = 50):
        self.size, self.pictures = size, []

    def __call__(self, new: Tensor) -> Tensor:       # (batch, …) → the same
        out = []
        for picture in new.detach().clone():
            if len(self.pictures) < self.size:
                self.pictures.append(picture)
            elif self.size and torch.rand(()) < 0.5:
                i = int(torch.randint(self.size, ()))
                picture, self.pictures[i] = self.pictures[i].to(picture), picture
            out.append(picture)
        return torch.stack(out)


class CycleGAN(Trainable):
    """L_GAN(G, D_Y, X, Y) + L_GAN(F, D_X, Y, X) + λ L_cyc(G, F)    CycleGAN, eqs. 3 and 4

    G, F: pictures → pictures of the other domain; D_X, D_Y: pictures → (batch, …), one output each,
    or one a patch. Batches are (x, y), such as those of `course_lib.data.domains.unpaired`.
    lam_identity: the weight of L_identity, which eq. 3 lacks; 0.5 λ where the paper has it.
    Departs from the paper: D's loss is not halved, which Adam would not see.
    Errors: ValueError for domains of different shapes, or an empty one.
    """

    def __init__(self, G: nn.Module, F: nn.Module, D_X: nn.Module, D_Y: nn.Module,
                 adversarial: Adversarial = LEAST_SQUARES, lam: float = 10.0,
                 lam_identity: float = 0.0, buffer: int = 50):
        super().__init__()
        self.G, self.F, self.D_X, self.D_Y = G, F, D_X, D_Y
        self.adversarial, self.lam, self.lam_identity = adversarial, lam, lam_identity
        self.buffer_X, self.buffer_Y = ImageBuffer(buffer), ImageBuffer(buffer)

    def players(self) -> dict[str, list[nn.Parameter]]:
        """D_X, D_Y, and G and F, which play together    CycleGAN, eq. 4"""
        return {"D_X": list(self.D_X.parameters()), "D_Y": list(self.D_Y.parameters()),
                "G": [*self.G.parameters(), *self.F.parameters()]}

    def loss(self, batch: tuple[Tensor, Tensor], player: str) -> Tensor:
        """D_Y: of y and G(x); D_X: of x and F(y); G: eq. 3    CycleGAN, eqs. 1 to 3"""
        x, y = batch
        check_domains(x, y)
        D_loss, G_loss = self.adversarial
        if player == "D_X":
            with torch.no_grad():                    # its turn: G and F are fixed
                fake_X = self.buffer_X(self.F(y))
            return D_loss(self.D_X(x), self.D_X(fake_X))
        if player == "D_Y":
            with torch.no_grad():
                fake_Y = self.buffer_Y(self.G(x))
            return D_loss(self.D_Y(y), self.D_Y(fake_Y))
        fake_Y, fake_X = self.G(x), self.F(y)
        L = G_loss(self.D_Y(fake_Y)) + G_loss(self.D_X(fake_X))
        if self.lam:
            L = L + self.lam * cycle_loss(x, y, self.F(fake_Y), self.G(fake_X))
        if self.lam_identity:
            L = L + self.lam_identity * identity_loss(x, y, self.F(x), self.G(y))
        return L

    @sampling
    def to_Y(self, x: Tensor) -> Tensor:
        """G(x), with the averaged weights    CycleGAN, Section 3"""
        return self.G(x.to(self.device))

    @sampling
    def to_X(self, y: Tensor) -> Tensor:
        """F(y), with the averaged weights    CycleGAN, Section 3"""
        return self.F(y.to(self.device))


def cyclegan(channels: int, r: int, adversarial: Adversarial = LEAST_SQUARES, lam: float = 10.0,
             lam_identity: float = 0.0, net: Callable[[int], nn.Module] = ResnetG) -> CycleGAN:
    """A CycleGAN of small pictures, patches of r×r pixels    CycleGAN, Sections 4 and 7.2"""
    return CycleGAN(net(channels), net(channels), PatchD(channels, r), PatchD(channels, r),
                    adversarial, lam, lam_identity)


def points_cyclegan(lam: float = 10.0, lam_identity: float = 0.0, width: int = 64) -> CycleGAN:
    """A CycleGAN of points in the plane, (batch, 2)    CycleGAN, eq. 3"""
    D_X, D_Y = (nn.Sequential(mlp(2, width, width, 1), nn.Flatten(0)) for _ in "XY")
    G, F = mlp(2, width, width, 2), mlp(2, width, width, 2)
    return CycleGAN(G, F, D_X, D_Y, lam=lam, lam_identity=lam_identity)
