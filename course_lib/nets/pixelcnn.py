"""van den Oord et al. 2016b, "Conditional Image Generation with PixelCNN Decoders": the network of
gated PixelCNN, whose output at a pixel knows the pixels before it, row by row, and no other.

Two stacks read an image. The vertical one knows the rows above, in full width; the horizontal one
what is to the left, and is told what the vertical one knows. One masked kernel in their place
(masked.py, van den Oord et al. 2016a) leaves a blind spot above to the right.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf


def gate(a: Tensor) -> Tensor:
    """tanh(W_f ∗ x) ⊙ σ(W_g ∗ x)    van den Oord et al. 2016b, eq. 2

    a: both convolutions, one after the other, (batch, 2·width, …) → (batch, width, …).
    """
    f, g = a.chunk(2, 1)
    tanh = 2 * (2 * f).sigmoid() - 1                 # faster here on a CPU than PyTorch's own tanh
    return tanh * g.sigmoid()


class GatedLayer(nn.Module):
    """A layer of both stacks    van den Oord et al. 2016b, Figure 2

    kernel: n of the figure's n×n and 1×n, odd; what the figure masks is left out. hidden: whether
    the pixel itself is, too, as in the first layer (mask A). The vertical stack is the figure's, a
    row further down: what it has at row r knows the rows above r alone.
    """

    def __init__(self, into: int, width: int, kernel: int, hidden: bool):
        super().__init__()
        self.reach, self.hidden = kernel // 2, hidden
        seen = self.reach + (not hidden)                  # rows, or columns, of the part unmasked
        self.vertical = nn.Conv2d(into, 2 * width, (seen, kernel))
        self.horizontal = nn.Conv2d(into, 2 * width, (1, seen))
        self.link = nn.Conv2d(2 * width, 2 * width, 1)
        self.mix = nn.Conv2d(width, width, 1)

    def forward(self, v: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:      # (batch, into, H, W)
        n, last = self.reach, -int(self.hidden)
        a = self.vertical(nnf.pad(v, (n, n, n, last)))                     # (batch, 2·width, H, W)
        b = self.horizontal(nnf.pad(h, (n, last, 0, 0))) + self.link(a)
        return gate(a), self.residual(h, b)

    def residual(self, h: Tensor, b: Tensor) -> Tensor:
        """h + W gate(b); no h in the first layer, which has no width of its own yet."""
        out = self.mix(gate(b))
        return out if self.hidden else h + out

    def row(self, above: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """The vertical stack at one row, and what it tells the horizontal one

        above: its input at the rows before, (batch, into, reach, W); v: at this row, (batch, into,
        W), of no account where it is hidden. Returns (batch, width, W), (batch, 2·width, W).
        """
        seen = above if self.hidden else torch.cat([above, v[:, :, None]], 2)
        a = self.vertical(nnf.pad(seen, (self.reach, self.reach)))         # (batch, 2·width, 1, W)
        return gate(a).squeeze(2), self.link(a).squeeze(2)

    def pixel(self, left: Tensor, h: Tensor, told: Tensor) -> Tensor:
        """The horizontal stack at one pixel, (batch, width)

        left: its input at the pixels before, (batch, into, reach); h: at this one, (batch, into),
        of no account where it is hidden; told: by the vertical stack, (batch, 2·width).
        """
        seen = left if self.hidden else torch.cat([left, h[:, :, None]], 2)
        b = nnf.linear(seen.flatten(1), self.horizontal.weight.flatten(1), self.horizontal.bias)
        return self.residual(h[:, :, None, None], (b + told)[:, :, None, None])[:, :, 0, 0]


class GatedPixelCNN(nn.Module):
    """h → numbers at each pixel, of the pixels before it    van den Oord et al. 2016b, Figure 2

    (batch, channels, H, W) → (batch, out, H, W). layers: gated ones, the first with a kernel of
    `first`, the others with `kernel`; then two of 1×1 with ReLU, as van den Oord et al. 2016a,
    Table 1. Departs from the paper: three channels more tell where a pixel lies.
    """

    def __init__(self, channels: int, out: int, width: int, layers: int, *, first: int = 7,
                 kernel: int = 3):
        super().__init__()
        if layers < 1 or not first % 2 == kernel % 2 == 1 or min(first, kernel) < 3:
            raise ValueError(f"A layer or more, kernels odd and 3 or more; got layers = {layers}, "
                             f"first = {first}, kernel = {kernel}.")
        self.channels = channels
        self.layers = nn.ModuleList(
            [GatedLayer(channels + 3, width, first, True),
             *(GatedLayer(width, width, kernel, False) for _ in range(layers - 1))])
        self.head = nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 1),
                                  nn.ReLU(), nn.Conv2d(width, out, 1))

    def placed(self, h: Tensor) -> Tensor:
        """h, and 1 (beyond the frame is 0), row and column in [−1, 1]: three channels more"""
        batch, _, H, W = h.shape
        rows, columns = torch.linspace(-1, 1, H).to(h), torch.linspace(-1, 1, W).to(h)
        place = torch.stack([torch.ones_like(h[0, 0]), rows[:, None].expand(H, W),
                             columns.expand(H, W)])
        return torch.cat([h, place.expand(batch, 3, H, W)], 1)

    def forward(self, h: Tensor) -> Tensor:
        v = h = self.placed(h)
        for layer in self.layers:
            v, h = layer(v, h)
        return self.head(h)


def generate_plainly(net: nn.Module, h: Tensor, draw) -> Tensor:
    """h_i ← draw(net(h)_i) at one pixel i after the other    van den Oord et al. 2016a, Section 2.1

    The whole network, for each pixel. draw: (batch, out) → (batch, channels). h: any values, of the
    shape (batch, channels, H, W) of the images that are returned.
    """
    h = h.clone()
    for r in range(h.shape[2]):
        for c in range(h.shape[3]):
            h[:, :, r, c] = draw(net(h)[:, :, r, c])
    return h


def generate(net: GatedPixelCNN, h: Tensor, draw) -> Tensor:
    """As `generate_plainly`, each number computed once    Ramachandran et al. 2017

    What layers have seen is kept: for the vertical stack, which goes on once a row, the rows above
    that its kernel reaches; for the horizontal one, which goes on at each pixel, those to the left.
    """
    x, (batch, channels, H, W) = net.placed(h), h.shape
    widths = [layer.vertical.in_channels for layer in net.layers]
    above = [x.new_zeros(batch, n, layer.reach, W) for n, layer in zip(widths, net.layers)]
    for r in range(H):
        rows, told = [x[:, :, r]], []                        # a view: it holds what is drawn later
        for layer, before in zip(net.layers, above):
            v, tells = layer.row(before, rows[-1])
            rows.append(v)
            told.append(tells)
        left = [x.new_zeros(batch, n, layer.reach) for n, layer in zip(widths, net.layers)]
        for c in range(W):
            at = [x[:, :, r, c]]
            for layer, before, tells in zip(net.layers, left, told):
                at.append(layer.pixel(before, at[-1], tells[:, :, c]))
            x[:, :channels, r, c] = draw(net.head(at[-1][:, :, None, None])[:, :, 0, 0])
            left = [torch.cat([before[:, :, 1:], new[:, :, None]], 2)
                    for before, new in zip(left, at)]
        above = [torch.cat([before[:, :, 1:], new[:, :, None]], 2)
                 for before, new in zip(above, rows)]
    return x[:, :channels].contiguous()
