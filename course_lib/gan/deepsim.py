"""Dosovitskiy & Brox 2016, "Generating Images with Perceptual Similarity Metrics based on Deep
Networks" (DeePSiM): a generator that inverts a classifier's features. Deep Generator Networks
search in its code.
"""
import torch
from torch import Tensor, nn

from course_lib.core import Trainable
from course_lib.gan.minimax import discriminator_loss, non_saturating_generator_loss


class DeePSiM(Trainable):
    """min_G λ_feat L_feat + λ_adv L_adv + λ_img L_img against a D    Dosovitskiy & Brox 2016, eq. 1

    E: the encoder, which is no player: x → logits, with E.features(x) the code h (batch, n_h) and
    E.maps(x) the comparator's features C(x); G: h → x; D: (x, h) → logits (batch,). Batches are
    pictures. `sigma` (n_h,), of codes of real pictures, is set by `measure`.
    Departs from the paper: means in place of sums in L_feat and L_img, and weights that fit them.
    Errors: ValueError for a G whose pictures or codes do not fit E.
    """

    def __init__(self, E: nn.Module, G: nn.Module, D: nn.Module, lam_feat: float = 1.0,
                 lam_adv: float = 0.1, lam_img: float = 1.0):
        super().__init__()
        if E.hidden.out_features != G.n_h:
            raise ValueError(f"E has {E.hidden.out_features} features, but G takes codes of "
                             f"{G.n_h}.")
        self.E, self.G, self.D = E, G, D
        self.lam_feat, self.lam_adv, self.lam_img = lam_feat, lam_adv, lam_img
        self.register_buffer("sigma", torch.ones(G.n_h))

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"D": list(self.D.parameters()), "G": list(self.G.parameters())}

    def loss(self, x: Tensor, player: str) -> Tensor:
        """D: −log D(x, h) − log(1 − D(G(h), h)); G: the three terms, h = E(x)
        Dosovitskiy & Brox 2016, eqs. 1 to 5"""
        with torch.no_grad():
            h, C_x = self.E.features(x), self.E.maps(x)
        if player == "D":
            with torch.no_grad():
                fake = self.G(h)
            return discriminator_loss(self.D(x, h), self.D(fake, h))
        fake = self.G(h)
        L_feat = ((self.E.maps(fake) - C_x) ** 2).mean()
        L_adv = non_saturating_generator_loss(self.D(fake, h))
        L_img = ((fake - x) ** 2).mean()
        return self.lam_feat * L_feat + self.lam_adv * L_adv + self.lam_img * L_img

    @torch.no_grad()
    def measure(self, x: Tensor) -> None:
        """σ_i of each feature over real pictures, for the code's bounds    DGN, Section 2"""
        self.sigma.copy_(self.E.features(x).std(0))

    @torch.no_grad()
    def invert(self, x: Tensor) -> Tensor:
        """G(E(x)), the picture that the code of x keeps    Dosovitskiy & Brox 2016, Section 5"""
        return self.G(self.E.features(x))
