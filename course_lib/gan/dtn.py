"""Taigman, Polyak & Wolf 2017, "Unsupervised Cross-Domain Image Generation" (DTN): a generator that
draws the target from f(x), and f of the drawing is f(x) again. Here in its smallest form."""
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import Trainable, sampling

FROM_SOURCE, FROM_TARGET, REAL = 0, 1, 2                 # D_1, D_2 and D_3 of the paper


def constancy(f_x: Tensor, f_drawn: Tensor) -> Tensor:
    """L_CONST = mean over x of ‖f(x) − f(g(f(x)))‖²/n_h    DTN, eq. 5

    (batch, n_h) each. Departs from the paper's sum in that it is a mean over features.
    """
    return (f_x - f_drawn).square().mean()


class DTN(Trainable):
    """min_g L_GANG + α L_CONST + β L_TID, min_D L_D    DTN, eqs. 3 to 6

    f: x → h (batch, n_h), fixed, learnt on the source's labels; g: h → pictures of the target;
    D: x → logits (batch, 3). Batches: ((x, y), x_target); y is not
    looked at. Without the paper's total variation term.
    """

    def __init__(self, f: nn.Module, g: nn.Module, D: nn.Module, alpha: float = 15.0,
                 beta: float = 15.0):
        super().__init__()
        self.f, self.g, self.D, self.alpha, self.beta = f, g, D, alpha, beta

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"D": list(self.D.parameters()), "G": list(self.g.parameters())}

    def judged(self, x: Tensor, kind: int) -> Tensor:
        """−log D_kind(x), the mean over the batch, in nats    DTN, eqs. 3 and 4"""
        return nnf.cross_entropy(self.D(x), torch.full((len(x),), kind, device=x.device))

    def loss(self, batch, player: str) -> Tensor:
        (x, _), x_t = batch
        with torch.no_grad():
            h, h_t = self.f(x), self.f(x_t)
        if player == "D":
            with torch.no_grad():
                drawn, drawn_t = self.g(h), self.g(h_t)
            return (self.judged(drawn, FROM_SOURCE) + self.judged(drawn_t, FROM_TARGET)
                    + self.judged(x_t, REAL))
        drawn, drawn_t = self.g(h), self.g(h_t)
        L_GANG = self.judged(drawn, REAL) + self.judged(drawn_t, REAL)
        L_CONST = constancy(h, self.f(drawn))
        L_TID = (x_t - drawn_t).square().mean()
        return L_GANG + self.alpha * L_CONST + self.beta * L_TID

    @sampling
    def translate(self, x: Tensor) -> Tensor:
        """G(x) = g(f(x))    DTN, Section 4"""
        return self.g(self.f(x))
