import math

import pytest
import torch
from torch import nn

from course_lib.core import Trainable, fit
from course_lib.data import batches
from course_lib.optim import A, B, C, Muon, orthogonalised


def draw(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def quintic(s):
    for _ in range(5):
        s = A * s + B * s**3 + C * s**5
    return s


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (6, 6), (3, 4, 7)])
def test_the_singular_vectors_stay_and_the_values_pass_through_the_polynomial(shape):
    M = draw(*shape)
    U, s, V = torch.linalg.svd(M, full_matrices=False)
    expected = U @ torch.diag_embed(quintic(s / M.norm(dim=(-2, -1), keepdim=True)[..., 0])) @ V
    assert torch.allclose(orthogonalised(M), expected, atol=1e-10)


def test_singular_values_end_near_one():
    s = quintic(torch.linspace(0.01, 1, 10_000, dtype=torch.float64))
    assert 0.68 < s.min() and s.max() < 1.14


def test_scale_does_not_matter_rotations_pass_through_and_zero_stays():
    M = draw(4, 7)
    rotation = torch.linalg.qr(draw(4, 4, seed=1))[0]
    assert torch.allclose(orthogonalised(1e-6 * M), orthogonalised(M), atol=1e-9)
    assert torch.allclose(orthogonalised(rotation @ M), rotation @ orthogonalised(M), atol=1e-9)
    assert torch.allclose(orthogonalised(M.mT), orthogonalised(M).mT, atol=1e-9)
    assert not orthogonalised(torch.zeros(3, 5)).any()


def steps(make, start, gradients):
    parameter = nn.Parameter(start.clone())
    optimiser = make([parameter])
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimiser.step()
    return parameter.detach()


def test_a_matrix_goes_as_in_torch_but_for_bfloat16():
    """Theirs rounds to 8 bits in each of five steps of slope up to A; the relative distance stays
    near 1 %."""
    start, *gradients = (draw(16, 40, seed=i, dtype=torch.float32) for i in range(5))
    ours = steps(lambda p: Muon(p, lr=0.02, matrices=1), start, gradients)
    theirs = steps(lambda p: torch.optim.Muon(p, lr=0.02, weight_decay=0.0), start, gradients)
    assert (ours - theirs).norm() < 0.03 * (ours - start).norm()


def test_parameters_of_one_axis_go_as_with_adam():
    start, gradients = draw(8), [draw(8, seed=i) for i in range(1, 5)]
    ours = steps(lambda p: Muon(p, lr=0.1, betas=(0.8, 0.9)), start, gradients)
    adam = steps(lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.9)), start, gradients)
    assert torch.equal(ours, adam)


def test_a_kernel_goes_as_its_matrix_and_each_alone_as_together():
    kernels = [draw(6, 3, 2, 2, seed=i) for i in range(2)]
    gradients = [draw(6, 3, 2, 2, seed=i) for i in range(2, 4)]
    alone = [steps(Muon, kernel.flatten(1), [gradient.flatten(1)]).reshape(kernel.shape)
             for kernel, gradient in zip(kernels, gradients)]
    together = [nn.Parameter(k.clone()) for k in kernels]
    for parameter, gradient in zip(together, gradients):
        parameter.grad = gradient
    Muon(together).step()
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(alone, together))


@pytest.mark.parametrize("rows,columns", [(4, 20), (20, 4)])
def test_the_step_of_a_tall_matrix_is_longer(rows, columns):
    """All singular values of one step are lr · r · √max(1, rows/columns), up to the 0.68 … 1.2 of
    the polynomial."""
    G = draw(rows, columns)
    step = steps(lambda p: Muon(p, lr=0.01, matrices=2), torch.zeros_like(G), [G])
    s = torch.linalg.svdvals(step) / (0.02 * math.sqrt(max(1, rows / columns)))
    assert 0.68 < s.min() and s.max() < 1.21


class Badly(Trainable):
    """Least squares whose inputs have scales from 1 to 100: the gradient of the one matrix is
    nearly of rank one."""

    def __init__(self):
        super().__init__()
        self.W = nn.Parameter(torch.zeros(8, 8))

    def loss(self, batch, player):
        return ((batch @ (self.W - torch.eye(8))) ** 2).mean()


def test_fit_takes_it_and_it_reaches_the_optimum():
    data = draw(256, 8, dtype=torch.float32) * torch.logspace(0, 2, 8)
    model = Badly()
    fit(model, batches(data, size=64), steps=300, lr=0.1,
        optimiser=lambda p, lr, betas: Muon(p, lr, betas, matrices=1),
        schedule=lambda progress: 1 - progress, device="cpu")
    assert (model.W - torch.eye(8)).abs().max() < 0.05
