"""Exercise 9, product quantisation, against distances place by place and slopes written out."""
import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results, expect_tensor
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH

NEAREST = ("Each group of neighbouring channels has a codebook of its own: at each place, the "
           "nearest of its codes takes its place.")
THROUGH = ("z_q is the codes in numbers; its gradient goes to z as if z_q were z, and to nothing "
           "else.")
LOSS = ("Sums over a group's d numbers, means over the n H W places. The first term moves the "
        "codes alone, the second one z alone.")


def check_quantise(quantise, seed: int = 0) -> None:
    rng = seeded(seed)
    for dtype in BOTH:
        for n, groups, d, height, width, K in ((2, 3, 2, 2, 3, 5), (1, 1, 3, 1, 1, 4),
                                               (3, 2, 1, 1, 2, 1), (1, 4, 2, 3, 1, 2),
                                               (2, 1, 1, 2, 2, 7), (2, 2, 4, 3, 2, 70),
                                               (1, 1, 2, 2, 3, 300)):
            _places(quantise, rng, (n, groups, d, height, width, K), dtype)
        for size, shift in ((1e-3, 0.0), (200.0, 0.0), (1.0, 900.0), (0.1, -100.0)):
            _places(quantise, rng, (2, 2, 3, 2, 2, 6), dtype, size, shift)
        _places(quantise, rng, (2, 2, 3, 6, 2, 30), dtype, 1.0, 900.0)
        _places(quantise, rng, (1, 2, 3, 2, 2, 6), dtype, 2e-3, 900.0)
        if dtype == torch.float64:
            _places(quantise, rng, (2, 2, 3, 6, 4, 20), dtype, 2e-3, 900.0)
        for beta in (0.0, 10.0):
            _places(quantise, rng, (2, 2, 2, 2, 1, 3), dtype, beta=beta)
        _ties(quantise, dtype)


def nearest(z: Tensor, codebooks: Tensor) -> tuple[Tensor, Tensor]:
    """The numbers of the codes, (n, G, H, W), and how clear each choice is: the second smallest
    squared distance over the smallest, less 1."""
    n, channels, height, width = z.shape
    groups, K, d = codebooks.shape
    k = torch.zeros(n, groups, height, width, dtype=torch.int64)
    clear = torch.full(k.shape, torch.inf, dtype=torch.float64)
    for g in range(groups):
        squares = torch.zeros(n, height, width, K, dtype=torch.float64)
        for i in range(d):
            squares += (z[:, g * d + i, :, :, None] - codebooks[g, :, i]) ** 2
        ordered, order = squares.sort(dim=-1, stable=True)
        k[:, g] = order[..., 0]
        if K > 1:
            clear[:, g] = ordered[..., 1] / ordered[..., 0].clamp(min=1e-300) - 1
    return k, clear


def _places(quantise, rng: torch.Generator, sizes: tuple[int, ...], dtype: torch.dtype,
            size: float = 1.0, shift: float = 0.0, beta: float | None = None) -> None:
    n, groups, d, height, width, K = sizes
    for _ in range(200):
        z = torch.randn(n, groups * d, height, width, dtype=torch.float64, generator=rng)
        codebooks = torch.randn(groups, K, d, dtype=torch.float64, generator=rng)
        z, codebooks = ((shift + size * x).to(dtype) for x in (z, codebooks))
        k, clear = nearest(z.double(), codebooks.double())
        if clear.min() > 2e-3:
            break
    else:
        raise RuntimeError("no clear choice of codes in 200 tries")
    w = uniform(rng, groups, low=0.1, high=9.0).to(dtype)
    beta = uniform(rng).item() if beta is None else beta
    args = z, codebooks, w, beta
    what = (f", n = {n}, {groups} groups of {d}, {height} by {width} places, {K} codes"
            + (f", numbers of size {size:g}" if size != 1 else "")
            + (f" about {shift:g}" if shift else ""))
    _holds(quantise, args, k, what, size)

    wanted = torch.randn(z.shape, dtype=dtype, generator=rng)
    leaf, books = z.clone().requires_grad_(), codebooks.clone().requires_grad_()
    z_q = expect_results(quantise(leaf, books, w, beta), "z_q, k, loss", 3)[0]
    assert isinstance(z_q, Tensor) and z_q.requires_grad, (
        "no gradient flows from z_q back to z. " + THROUGH)
    to_z, to_codes = torch.autograd.grad(z_q, (leaf, books), wanted, allow_unused=True,
                                         materialize_grads=True)
    fine = dict(rtol=0, atol=1e-10 if dtype == torch.float64 else 1e-5, dtype=dtype)
    expect_close(f"the gradient that reaches z through z_q{what}", to_z, wanted, THROUGH, **fine)
    expect_close(f"the gradient that reaches the codebooks through z_q{what}", to_codes,
                 torch.zeros_like(codebooks), THROUGH, **fine)


def _holds(quantise, args: tuple, k: Tensor, what: str, size: float = 1.0) -> None:
    z, codebooks, w, beta = args
    dtype, (n, _, height, width), (groups, K, d) = z.dtype, z.shape, codebooks.shape
    fine = 1e-10 if dtype == torch.float64 else 1e-5
    found = expect_results(call(quantise, *args), "z_q, k, loss", 3)
    expect_tensor(f"the codes' numbers{what}", found[1], (n, groups, height, width), torch.int64,
                  "One for each group and place.")
    expect_close(f"the codes' numbers{what}", found[1], k, NEAREST, rtol=0, atol=0)

    z_q = torch.zeros_like(z, dtype=torch.float64)
    slope_z, slope_codes = torch.zeros_like(z_q), torch.zeros(groups, K, d, dtype=torch.float64)
    loss, N = 0.0, n * height * width
    for g in range(groups):
        for i in range(d):
            q = codebooks[g, :, i].double()[k[:, g]]
            off = z[:, g * d + i].double() - q
            z_q[:, g * d + i] = q
            loss += w[g].double() * (1 + beta) * off.square().sum() / N
            slope_z[:, g * d + i] = 2 * beta * w[g].double() * off / N
            for j in range(K):
                slope_codes[g, j, i] = -2 * w[g].double() * off[k[:, g] == j].sum() / N
    largest = z.abs().max().item()
    expect_close(f"z_q{what}", found[0], z_q, NEAREST, rtol=0, dtype=dtype,
                 atol=(1e-12 if dtype == torch.float64 else 1e-6) * largest)
    expect_close(f"the loss{what}", found[2], loss, LOSS, rtol=10 * fine, atol=10 * fine * size**2,
                 dtype=dtype)
    for i, name, slope in ((0, "z", slope_z), (1, "the codebooks", slope_codes)):
        _, got = call(quantise, *args, wrt=i, of=2)
        expect_close(f"the loss's gradient in {name}{what}", got, slope, LOSS, rtol=10 * fine,
                     atol=10 * fine * size, dtype=dtype)


def _ties(quantise, dtype: torch.dtype) -> None:
    """Small whole numbers and halves, whose distances are exact however they are computed."""
    codebooks = torch.tensor([[[2.0], [1], [-1], [1], [-1], [0]], [[3], [3], [0], [0], [-3], [-3]]])
    z = torch.tensor([[0.5, 1.5], [-0.5, 1], [1.5, 3], [-1, -1.5], [2, -9], [0, 0]])
    k = torch.tensor([[1, 0], [2, 2], [0, 0], [2, 2], [0, 4], [5, 2]])
    z, k = (x.T.reshape(1, 2, 2, 3) for x in (z, k))
    args = z.to(dtype), codebooks.to(dtype), torch.tensor([1.0, 2.0], dtype=dtype), 0.5
    _holds(quantise, args, k, ", where codes are equally near")
    same = torch.ones(1, 5, 2, dtype=dtype)
    _holds(quantise, (3 * torch.ones(2, 2, 1, 1, dtype=dtype), same, args[2][:1], 1.0),
           torch.zeros(2, 1, 1, 1).long(), ", where all codes are equal")
    _holds(quantise, (torch.ones(2, 2, 1, 1, dtype=dtype), same, args[2][:1], 1.0),
           torch.zeros(2, 1, 1, 1).long(), ", where z is a code")
