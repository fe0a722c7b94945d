"""The facts of two masked stacks that scan a picture column by column, from the right."""
import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results
from course_lib.checks.facts.draws import seeded
from course_lib.checks.facts.same import BOTH, same

HINT = ("Column stack: kernel columns right of the middle, and the middle one too unless first. "
        "Pixel stack: kernel places above the middle; the middle sees earlier groups, and its own "
        "too unless first. w_link takes the new column stack to the pixel stack.")
NAMES = "the column stack", "the pixel stack"


def place_by_place(c: Tensor, r: Tensor, w_c: Tensor, w_r: Tensor, w_link: Tensor, groups: int,
                   first: bool) -> tuple[Tensor, Tensor]:
    """One kernel place after the other, with pictures that are shifted."""
    k, (_, _, H, W) = w_r.shape[2], c.shape
    half = k // 2
    outputs, inputs = w_r.shape[:2]
    around = torch.nn.functional.pad(c, (half,) * 4)
    above = torch.nn.functional.pad(r, (0, 0, half, half))
    columns = torch.zeros(len(c), len(w_c), H, W, dtype=c.dtype)
    pixels = torch.zeros(len(r), outputs, H, W, dtype=r.dtype)
    for j in range(half + 1 if first else half, k):
        for i in range(k):
            part = around[:, :, i:i + H, j:j + W]
            columns = columns + torch.einsum("ob,nbhw->nohw", w_c[:, :, i, j], part)
    for i in range(half + 1):
        sees = torch.ones(outputs, inputs, dtype=r.dtype)
        if i == half:
            for o in range(outputs):
                for q in range(inputs):
                    mine, its = o // (outputs // groups), q // (inputs // groups)
                    sees[o, q] = float(its < mine or its == mine and not first)
        pixels = pixels + torch.einsum("oq,nqhw->nohw", w_r[:, :, i] * sees, above[:, :, i:i + H])
    return columns, pixels + torch.einsum("op,nphw->nohw", w_link, columns)


def check_two_stacks(two_stacks, seed: int = 0) -> None:
    rng = seeded(seed)
    normal = lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng)

    def holds(n: int, H: int, W: int, widths: tuple[int, int, int, int], k: int, groups: int,
              first: bool, dtype: torch.dtype, size: float = 1.0, slopes: bool = False,
              masked: float = 1.0) -> None:
        """masked: the size of what no answer may look at."""
        B, P, C, O = widths                                                   # noqa: E741
        args = [arg.to(dtype) for arg in (size * normal(n, B, H, W), size * normal(n, C, H, W),
                                          normal(P, B, k, k), normal(O, C, k), normal(O, P))]
        half = k // 2
        args[2][..., :half + first] *= masked
        args[3][..., half + 1:] *= masked
        what = (f" of {n} pictures of {H} x {W}, channels {B} -> {P} and {C} -> {O}, k = {k}, "
                f"groups = {groups}, first = {first}"
                + (f", masked weights of size {masked:g}" if masked > 1 else ""))
        same(two_stacks, place_by_place, (*args, groups, first), NAMES, HINT, what=what,
             wrt=(0, 1, 2, 3, 4) if slopes else (), of=(1,),
             tolerance=1e-10 if dtype == torch.float64 else 1e-5)
        if slopes:
            same(two_stacks, place_by_place, (*args, groups, first), NAMES, HINT, what=what,
                 wrt=(0, 2), of=(0,), tolerance=1e-10 if dtype == torch.float64 else 1e-5)

    for dtype in BOTH:
        for first in (True, False):
            for n, H, W, widths, k, groups in (
                    (2, 4, 5, (3, 4, 6, 3), 3, 3), (1, 5, 3, (2, 2, 2, 2), 3, 1),
                    (1, 3, 6, (1, 1, 1, 1), 5, 1), (2, 1, 4, (2, 3, 4, 6), 3, 2),
                    (3, 4, 1, (2, 3, 4, 2), 3, 2), (1, 1, 1, (3, 2, 3, 6), 3, 3),
                    (2, 2, 3, (4, 4, 4, 4), 7, 2), (1, 3, 2, (2, 4, 4, 8), 1, 4)):
                holds(n, H, W, widths, k, groups, first, dtype,
                      slopes=n < 3 and k > 1 and H * W > 1)
            for size in (1e-6, 1e6):
                holds(1, 3, 4, (2, 3, 2, 4), 3, 2, first, dtype, size=size)
            holds(1, 3, 4, (2, 3, 2, 4), 3, 2, first, dtype, masked=1e20, slopes=True)
    for H, W, groups, k, layers in ((3, 4, 2, 3, 6), (4, 3, 1, 3, 6), (3, 5, 3, 5, 4),
                                    (3, 3, 2, 3, 2)):
        _sees(two_stacks, rng, H, W, groups, k, layers)


def _sees(two_stacks, rng: torch.Generator, H: int, W: int, groups: int, k: int,
          layers: int) -> None:
    """Layers one after the other, with weights above 0, on pictures that have one pixel each."""
    m = 2 * groups                                   # two channels a group in between
    pixels = H * W * groups
    c = r = torch.eye(pixels).double().reshape(pixels, groups, H, W)
    weight = lambda *shape: 0.1 + torch.rand(shape, dtype=torch.float64, generator=rng)
    half, reached = k // 2, torch.zeros(groups, H, W, groups, H, W, dtype=torch.bool)
    for layer in range(layers):
        width, last = c.shape[1], groups if layer == layers - 1 else m
        c, r = expect_results(call(two_stacks, c, r, weight(m, width, k, k),
                                   weight(last, r.shape[1], k), weight(last, m), groups,
                                   layer == 0), "the two stacks", 2)
    expect_close("the pixel stack of the last layer", r, torch.zeros(pixels, groups, H, W), HINT,
                 atol=float("inf"))                  # its shape
    depends = (r.reshape(groups, H, W, groups, H, W) != 0)      # input, output
    for h in range(H):
        for w in range(W):
            for g in range(groups):
                for y in range(H):
                    for x in range(W):
                        for q in range(groups):
                            # columns on the right within reach; then this column; then groups
                            far = 1 <= x - w <= half * layers and abs(y - h) <= half * layers
                            near = x == w and 1 <= h - y <= half * layers
                            own = x == w and y == h and q < g
                            reached[q, y, x, g, h, w] = far or near or own
    wrong = (depends != reached).nonzero()
    if len(wrong):
        q, y, x, g, h, w = wrong[0].tolist()
        ought = "ought to" if reached[q, y, x, g, h, w] else "must not"
        raise AssertionError(
            f"after {layers} layers of kernel {k} on {H} x {W} pixels with {groups} groups, group "
            f"{g} of row {h}, column {w} {ought} depend on group {q} of row {y}, column {x}. "
            f"{HINT}")
