"""What is special about exercise 2: torch's own layers and SciPy's filters, put together as its
variants ask, pass its checks; lazy answers do not."""
import json
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from exercise import ROOT, namespace, questions, refuses, run, solution
from scipy import ndimage
from test_answers import check as check_answer
from torch import nn

from course_lib.checks.facts.draws import seeded
from course_lib.grading.misconceptions import _alike
from course_lib.grading.sandbox import toolbox_without

NAME = "ex02_gan_architectures"
QUESTIONS = questions(NAME)
MASTER = {question: run(NAME, question, solution(NAME, question)) for question in QUESTIONS}
up = namespace(NAME, "")["up"]
check = lambda question, answer, seed=0: check_answer(NAME, question, answer, seed)


def receptive_field(layers):
    """The formula with the effective kernel, k_eff = d (k − 1) + 1, from the top down."""
    sides = []
    for i in (0, 1):
        r, start, jump = 1, 0, 1
        for kernel, stride, padding, dilation in reversed(layers):
            r = (r - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1
            start = start * stride[i] - padding[i]
            jump *= stride[i]
        sides.append((r, jump, start))
    return tuple(zip(*sides))


def patch_loss(real, fake, valid_real, valid_fake):
    """torch's own loss of each picture's patches that count."""
    half = 0
    for logits, valid, label in ((real, valid_real, 1.0), (fake, valid_fake, 0.0)):
        chosen = [one[counts] for one, counts in zip(logits, valid) if counts.any()]
        losses = [F.binary_cross_entropy_with_logits(one, torch.full_like(one, label))
                  for one in chosen]
        half = half + sum(losses) / len(losses) / 2
    return half


class Blur(torch.autograd.Function):
    """SciPy's filter with the nearest pixel beyond the border; its transpose by a filter of units.
    """

    @staticmethod
    def forward(ctx, x, w, dim):
        ctx.w, ctx.dim = w, dim
        blurred = ndimage.convolve1d(x.numpy(), [w, 1 - 2 * w, w], axis=dim, mode="nearest")
        return torch.from_numpy(blurred)

    @staticmethod
    def backward(ctx, gradient):
        n = gradient.shape[ctx.dim]
        units = torch.eye(n, dtype=gradient.dtype).numpy()
        matrix = ndimage.convolve1d(units, [ctx.w, 1 - 2 * ctx.w, ctx.w], axis=0, mode="nearest")
        moved = gradient.movedim(ctx.dim, -1) @ torch.from_numpy(matrix)
        return moved.movedim(-1, ctx.dim), None, None


def pyramid(x, n, w):
    levels = [x]
    for _ in range(n):
        blurred = Blur.apply(Blur.apply(levels[-1], w, 3), w, 2)
        levels.append(blurred[:, :, ::2, ::2])
    return (*(a - enlarged(b, a.shape[2:]) for a, b in zip(levels, levels[1:])), levels[-1])


def enlarged(x, size):
    """Interpolated between pixel centres, the last pixel repeated beyond the border."""
    wider = F.pad(x, (0, 1, 0, 1), mode="replicate")
    whole = tuple(2 * n - 1 for n in wider.shape[2:])
    large = F.interpolate(wider, whole, mode="bilinear", align_corners=True)
    return large[:, :, :size[0], :size[1]]


def reconstruct(gains, *bands):
    x = bands[-1] * gains[:, -1].view(-1, 1, 1, 1)
    for k, band in [*enumerate(bands)][-2::-1]:
        x = enlarged(x, band.shape[2:]) + band * gains[:, k].view(-1, 1, 1, 1)
    return x


def conditional_batch_norm(x, y, z, embed, W_gain, W_bias, running_mean, running_var, m, eps):
    """torch's batch norm, by channel, on twice as many pixels where there is one only."""
    twice = torch.cat([x, x]) if x.numel() == x.shape[1] else x
    out = F.batch_norm(twice, None, None, training=True, eps=eps)[:len(x)]
    condition = torch.cat([F.embedding(y, embed), z], 1)
    gain, bias = F.linear(condition, W_gain), F.linear(condition, W_bias)
    var, mean = torch.var_mean(x, (0, 2, 3), correction=0)
    out = out + out * gain[..., None, None] + bias[..., None, None]
    return out, running_mean.lerp(mean, m), running_var.lerp(var, m)


def self_attention(x, W_q, W_k, W_v, W_o, gamma):
    """torch's attention on 1 × 1 convolutions; the map is its output for values that are units."""
    conv = lambda x, W: F.conv2d(x, W[..., None, None])
    pooled = lambda W: nn.MaxPool2d(2)(conv(x, W)).flatten(2).mT
    q, k, v = conv(x, W_q).flatten(2).mT, pooled(W_k), pooled(W_v)
    units = torch.eye(k.shape[1], dtype=x.dtype).expand(len(x), -1, -1)
    attend = lambda values: F.scaled_dot_product_attention(q, k, values)
    looked = attend(v).mT.unflatten(2, x.shape[2:])
    return torch.addcmul(x, gamma.expand(1), conv(looked, W_o)), attend(units)


def hinge_losses(logit, a, margin):
    """torch's hinge, which takes an input and a sign: max(0, m − sign · input) where sign = −1."""
    loss = lambda sign: F.hinge_embedding_loss(sign * logit, -torch.ones_like(logit),
                                               margin=margin, reduction="none")
    zero = lambda sign: torch.where(sign * logit == margin, 0 * logit, loss(sign))
    real, generated = a / a.sum(), (1 - a) / (1 - a).sum()
    return real @ zero(1) + generated @ zero(-1), -(generated @ logit)


def orthogonal_penalty(beta, *weights):
    """Twice the squares of the products of all combinations of two filters."""
    total = 0 * sum(W.sum() for W in weights)
    for W in weights:
        if W.ndim > 1 and len(W) > 1:
            i, j = torch.combinations(torch.arange(len(W))).T
            products = torch.linalg.vecdot(W.flatten(1)[i], W.flatten(1)[j])
            total = total + 2 * products.square().sum()
    return beta * total


def projection_logit(features, p, V, psi, b):
    """torch's bilinear form in p and phi, with psi as a further class that everybody has."""
    phi = F.relu(features).flatten(2).sum(2)
    everybody = torch.cat([p, torch.ones_like(p[:, :1])], 1)
    return F.bilinear(everybody, phi, torch.cat([V, psi[None]])[None], b[None]).flatten()


LIBRARY = {"receptive_field": receptive_field, "patch_loss": patch_loss, "pyramid": pyramid,
           "reconstruct": reconstruct, "conditional_batch_norm": conditional_batch_norm,
           "self_attention": self_attention, "hinge_losses": hinge_losses,
           "orthogonal_penalty": orthogonal_penalty, "projection_logit": projection_logit}


@pytest.mark.parametrize("question", QUESTIONS)
def test_layers_that_others_wrote_are_right_about_the_variant(question):
    for seed in range(3):
        check(question, LIBRARY[question], seed)


def test_a_field_is_where_the_gradient_is():
    layers = [((3, 2), (2, 1), (1, 0), (2, 3)), ((4, 4), (1, 3), (2, 1), (1, 1))]
    size, jump, start = MASTER["receptive_field"](layers)
    x = torch.zeros(1, 1, 40, 60, dtype=torch.float64, requires_grad=True)
    y = x
    for kernel, stride, padding, dilation in layers:
        conv = nn.Conv2d(1, 1, kernel, stride, padding, dilation, bias=False).double()
        nn.init.ones_(conv.weight)
        y = conv(y)
    (gradient,) = torch.autograd.grad(y[0, 0, 9, 7], x)
    for places, r, j, f, unit in zip(gradient[0, 0].nonzero().T, size, jump, start, (9, 7)):
        assert (places.min(), places.max()) == (f + j * unit, f + j * unit + r - 1)


def test_pix2pix_has_the_papers_fields():
    """1, 16, 70 and 286 pixels (pix2pix, Section 4.4): strides of 2, then twice 1; kernels of 4."""
    layer = lambda stride: ((4, 4), (stride, stride), (1, 1), (1, 1))
    pixel = [((1, 1), (1, 1), (0, 0), (1, 1))] * 3
    for layers, size in ((pixel, 1), ([layer(2)] + [layer(1)] * 2, 16),
                         ([layer(2)] * 3 + [layer(1)] * 2, 70),
                         ([layer(2)] * 5 + [layer(1)] * 2, 286)):
        assert MASTER["receptive_field"](layers)[0] == (size, size)


def test_u_is_interpolation_between_pixels():
    for size in ((1, 1), (2, 5), (7, 4), (6, 6)):
        x = torch.randn(2, 3, *((n + 1) // 2 for n in size), generator=seeded(0))
        torch.testing.assert_close(up(x, size), enlarged(x, size))


def test_a_pyramid_comes_back_exactly():
    x = torch.randn(2, 3, 13, 10, generator=seeded(0))
    for n in range(5):
        bands = MASTER["pyramid"](x, n, 0.25)
        back = MASTER["reconstruct"](torch.ones(2, n + 1), *bands)
        assert (back - x).abs().max() < 1e-6


LAZY = {
    "receptive_field": [
        lambda layers: ((70, 70), (8, 8), (-23, -23)),
        lambda layers: receptive_field(layers)[:2],
        lambda layers: tuple(torch.tensor(pair) for pair in receptive_field(layers)),
        lambda layers: tuple(tuple(map(float, pair)) for pair in receptive_field(layers)),
        lambda layers: tuple(pair[::-1] for pair in receptive_field(layers)),
        lambda layers: None,
    ],
    "patch_loss": [
        lambda *args: None,
        lambda r, f, v, w: torch.tensor(0.693, dtype=r.dtype),
        lambda r, f, v, w: patch_loss(r, f, torch.ones_like(v), torch.ones_like(w)),
        lambda *args: patch_loss(*args).detach(),
        lambda *args: patch_loss(*args).double(),
        lambda r, f, v, w: patch_loss(r[:1], f[:1], v[:1], w[:1]),
    ],
    "pyramid": [
        lambda x, n, w: None,
        lambda x, n, w: (x,),
        lambda x, n, w: pyramid(x, n, w)[::-1],
        lambda x, n, w: tuple(band.detach() for band in pyramid(x, n, w)),
        lambda x, n, w: tuple(band.clamp(-1, 1) for band in pyramid(x, n, w)),
        lambda x, n, w: pyramid(x.float(), n, w),
        lambda x, n, w: pyramid(x[:, :1].expand_as(x), n, w),
    ],
    "reconstruct": [
        lambda gains, *bands: None,
        lambda gains, *bands: bands[0],
        lambda gains, *bands: reconstruct(torch.ones_like(gains), *bands),
        lambda gains, *bands: reconstruct(gains.float(), *(band.float() for band in bands)),
        lambda gains, *bands: reconstruct(gains.clamp(min=0), *bands),
        lambda gains, *bands: reconstruct(gains.detach(), *bands),
    ],
    "conditional_batch_norm": [
        lambda *args: None,
        lambda x, *args: (x, *args[5:7]),
        lambda *args: conditional_batch_norm(*args)[:1],
        lambda *args: conditional_batch_norm(*args[:8], 0.1, args[9]),
        lambda *args: conditional_batch_norm(*args[:9], 1e-5),
        lambda x, y, *args: conditional_batch_norm(x, 0 * y, *args),
        lambda x, y, z, *args: conditional_batch_norm(x, y, 0 * z, *args),
    ],
    "self_attention": [
        lambda *args: None,
        lambda *args: self_attention(*args)[0],
        lambda x, *args: (x, self_attention(x, *args)[1]),
        lambda *args: (self_attention(*args)[0], 0 * self_attention(*args)[1]),
        lambda *args: tuple(result.detach() for result in self_attention(*args)),
        lambda x, *args: self_attention(x[:1].expand_as(x), *args),
    ],
    "hinge_losses": [
        lambda *args: None,
        lambda logit, a, m: (hinge_losses(logit, a, m)[0],) * 2,
        lambda logit, a, m: hinge_losses(logit, a.round(), m),
        lambda logit, a, m: hinge_losses(logit, a, 1.0),
        lambda logit, a, m: hinge_losses(logit.clamp(-50, 50), a, m),
        lambda logit, a, m: hinge_losses(logit, a.square(), m),
    ],
    "orthogonal_penalty": [
        lambda beta, *weights: None,
        lambda beta, *weights: torch.zeros((), dtype=weights[0].dtype),
        lambda beta, *weights: orthogonal_penalty(1e-4, *weights),
        lambda beta, *weights: orthogonal_penalty(beta, weights[0]),
        lambda beta, *weights: orthogonal_penalty(beta, *weights).detach(),
        lambda beta, *weights: orthogonal_penalty(beta, *(W.flatten(1).T for W in weights
                                                          if W.ndim > 1)),
    ],
    "projection_logit": [
        lambda *args: None,
        lambda f, p, V, psi, b: b.expand(len(f)),
        lambda f, p, V, psi, b: projection_logit(f, 0 * p, V, psi, b),
        lambda f, p, V, psi, b: projection_logit(f, p[:1].expand_as(p), V, psi, b),
        lambda f, p, V, psi, b: projection_logit(f.abs(), p, V, psi, b),
        lambda *args: projection_logit(*args).double(),
    ],
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_lazy_answers_fail(question):
    refuses(check, question, LAZY[question])


TENSORS = {"patch_loss": range(4), "pyramid": (0,), "reconstruct": range(2),
           "conditional_batch_norm": range(8), "self_attention": range(6),
           "hinge_losses": range(2), "orthogonal_penalty": (1,), "projection_logit": range(5)}


@pytest.mark.parametrize("question, i", [(question, i) for question in TENSORS
                                         for i in TENSORS[question]])
def test_answers_that_change_an_argument_fail(question, i):
    def answer(*args):
        result = MASTER[question](*args)
        x = args[i].data
        x.copy_(~x if x.dtype == torch.bool else x + 1)
        return result

    with pytest.raises(AssertionError, match="in place"):
        check(question, answer)


def test_networks_import_where_those_that_are_asked_for_are_left_out(tmp_path):
    """In the sandbox nets/ lacks this unit's files, which need not exist yet."""
    notebook = ROOT / "solutions" / NAME / f"{NAME}.ipynb"
    asked = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]["course"]["asks_for"]
    toolbox = toolbox_without(tuple(asked), tmp_path / "course_lib")
    left = {path.relative_to(tmp_path).with_suffix("").as_posix().replace("/", ".")
            for path in toolbox.rglob("*.py")}
    assert not left & set(asked) and "course_lib.nets.gan" in left
    told = subprocess.run([sys.executable, "-c", "from course_lib import nets; print(nets.mlp)"],
                          cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True,
                          text=True)
    assert told.returncode == 0, told.stderr


def test_a_slip_in_whole_numbers_is_recognised():
    pairs = (70, 70), (3 ** 80, 8), (-23, -23)
    assert _alike(pairs, pairs) and not _alike(pairs, (*pairs[:2], (-23, 23)))
    assert not _alike(pairs, pairs[:2]) and not _alike((), ())
    assert not _alike(pairs[:1], [70] * 10 ** 7), "and no more is read of it than that it is longer"
