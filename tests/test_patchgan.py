import csv
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from course_lib.core import fit, load
from course_lib.data import ATTRIBUTES, batches, digits, faces
from course_lib.evaluate import attributes, classify
from course_lib.gan import minimax
from course_lib.gan.patchgan import (
    Pix2Pix,
    ising_chain,
    loss_of_average,
    loss_over_patches,
    pix2pix,
    receptive_field,
    receptive_field_by_gradient,
)
from course_lib.nets import PatchD, UNetG, patch_layers
from course_lib.recipes import recipes, weights
from course_lib.recipes.patchgan import pairs

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"

rng = torch.Generator().manual_seed(0)
LOSSES = (minimax.discriminator_loss, minimax.non_saturating_generator_loss)


def images(*shape):
    return torch.rand(*shape, generator=rng, dtype=torch.float64) * 2 - 1


def discriminator(r, channels=1):
    torch.manual_seed(0)
    return PatchD(channels, r, width=8).eval().double()


def pair(n=3, size=16):
    return images(n, 1, size, size).float(), images(n, 3, size, size).float()


def model(lam=100.0, r=7):
    torch.manual_seed(0)
    return pix2pix(1, 3, r, lam)


@pytest.mark.parametrize("r", [1, 7, 10, 13, 16, 19, 22, 28, 34, 70, 142, 286])
def test_a_stack_has_the_receptive_field_that_was_asked_for(r):
    assert receptive_field(patch_layers(r)) == r


@pytest.mark.parametrize("r, strides", [(16, [2, 1, 1]), (70, [2, 2, 2, 1, 1]),
                                        (286, [2, 2, 2, 2, 2, 1, 1])])
def test_the_stacks_of_the_paper(r, strides):
    assert patch_layers(r) == [(4, stride) for stride in strides]


@pytest.mark.parametrize("r", [1, 7, 10, 13, 16, 22, 28, 34])
def test_the_gradient_finds_the_receptive_field_of_the_formula(r):
    assert receptive_field_by_gradient(discriminator(r), r + 5) == r
    assert receptive_field_by_gradient(discriminator(r, 3), 2 * r, channels=3) == r


@pytest.mark.parametrize("layers", [[(3, 1), (3, 2), (3, 1)], [(5, 3), (2, 1)], [(1, 2), (4, 1)],
                                    [(7, 1)], []])
def test_formula_and_gradient_agree_for_other_stacks(layers):
    if not layers:
        assert receptive_field(layers) == 1
        return
    torch.manual_seed(0)
    D = nn.Sequential(*(nn.Conv2d(1, 1, k, s) for k, s in layers)).double()
    if layers == [(1, 2), (4, 1)]:                     # strides leave holes; the square counts
        assert receptive_field(layers) == 7
    assert receptive_field_by_gradient(D, 40) == receptive_field(layers)


def test_batch_statistics_leak_beyond_the_patch():
    """Why PatchD has no batch normalisation."""
    torch.manual_seed(0)
    D = nn.Sequential(nn.Conv2d(1, 4, 4), nn.BatchNorm2d(4), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4))
    D = D.double()
    assert receptive_field_by_gradient(D.train(), 20) == 20
    assert receptive_field_by_gradient(D.eval(), 20) == 7


@pytest.mark.parametrize("r", [1, 7, 10, 16, 22])
def test_D_on_a_picture_is_D_on_each_of_its_patches(r):
    D, x = discriminator(r, 2), images(2, 2, 28, 28)
    logits = D(x)
    n = (28 - r) // D.jump + 1
    assert logits.shape == (2, 1, n, n)
    crops = x.unfold(2, r, D.jump).unfold(3, r, D.jump)              # (2, channels, n, n, r, r)
    crops = crops.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
    assert torch.allclose(D(crops).view(2, 1, n, n), logits, atol=1e-12)
    real, fake = D(crops)[:n * n], D(crops)[n * n:]
    for loss, arguments in zip(LOSSES, ((real, fake), (fake,)), strict=True):
        whole = (logits[:1], logits[1:])[-len(arguments):]
        assert torch.allclose(loss_over_patches(loss, *whole), loss(*arguments), atol=1e-12)


@pytest.mark.parametrize("r", [1, 7, 10, 16])
def test_a_shifted_picture_has_shifted_logits(r):
    D, x = discriminator(r), images(1, 1, 28, 28)
    shifted = D(x[:, :, D.jump:, 2 * D.jump:])
    assert torch.allclose(shifted, D(x)[:, :, 1:, 2:], atol=1e-12)


@pytest.mark.parametrize("r", [7, 16])
def test_a_picture_changed_outside_a_patch_has_the_same_logit_there(r):
    D, x = discriminator(r), images(1, 1, 28, 28)
    other = images(1, 1, 28, 28)
    other[:, :, :r, :r] = x[:, :, :r, :r]
    changed = D(other) != D(x)
    assert not changed[0, 0, 0, 0] and changed.flatten()[1:].all()


def test_the_loss_of_the_average_is_another_objective():
    """It is lower (Jensen), equal where all patches have one logit, and pulls alike on all."""
    logits = 3 * torch.randn(4, 1, 5, 5, generator=rng, dtype=torch.float64)
    loss = minimax.non_saturating_generator_loss
    assert loss_over_patches(loss, logits) > loss_of_average(loss, logits) + 0.1
    flat = logits[:, :, :1, :1].expand(-1, -1, 5, 5)
    assert torch.allclose(loss_over_patches(loss, flat), loss_of_average(loss, flat))
    logits.requires_grad_()
    over, = torch.autograd.grad(loss_over_patches(loss, logits), logits)
    of, = torch.autograd.grad(loss_of_average(loss, logits), logits)
    assert torch.allclose(over, -torch.sigmoid(-logits) / 100, atol=1e-15)
    mean = logits.mean((1, 2, 3), keepdim=True)
    assert torch.allclose(of, (-torch.sigmoid(-mean) / 100).expand_as(of), atol=1e-15)


def test_one_patch_makes_both_objectives_the_same():
    real, fake = torch.randn(2, 6, 1, 1, 1, generator=rng, dtype=torch.float64)
    assert torch.equal(loss_over_patches(minimax.discriminator_loss, real, fake),
                       loss_of_average(minimax.discriminator_loss, real, fake))


def test_the_objective_is_that_of_the_paper():
    condition, x = pair()
    losses = {}
    for lam in (0.0, 1.0, 50.0):
        pix = model(lam).eval()
        torch.manual_seed(1)
        losses[lam] = pix.loss((condition, x), "G")
    torch.manual_seed(1)
    fake = pix.G(condition, torch.randn(3, pix.G.n_z))
    D = pix.D(torch.cat([condition, fake], 1)).sigmoid()
    assert D.shape[2:] == (10, 10)
    assert torch.allclose(losses[0.0], -D.log().mean(), atol=1e-6)
    L1 = (x - fake).abs().mean()
    assert torch.allclose(losses[1.0] - losses[0.0], L1, atol=1e-5)
    assert torch.allclose(losses[50.0] - losses[0.0], 50 * L1, rtol=1e-5)
    torch.manual_seed(1)
    real = pix.D(torch.cat([condition, x], 1)).sigmoid()
    expected = -real.log().mean() - (1 - D).log().mean()
    assert torch.allclose(pix.loss((condition, x), "D"), expected, atol=1e-6)


def test_D_looks_at_the_condition_and_its_turn_leaves_G_alone():
    pix, (condition, x) = model(), pair()
    pix.loss((condition, x), "D").backward()
    assert all(p.grad is None for p in pix.G.parameters())
    assert all(p.grad is not None for p in pix.D.parameters())
    pix.eval()
    assert not torch.allclose(pix.judge(condition, x), pix.judge(condition.flip(0), x), atol=1e-5)


def test_samples_are_of_their_conditions_and_of_the_seed():
    pix, (condition, _) = model().eval(), pair()
    seeded = lambda seed, n=3, c=condition: pix.sample(
        n, condition=c, generator=torch.Generator().manual_seed(seed))
    x = seeded(0)
    assert x.shape == (3, 3, 16, 16) and x.abs().max() <= 1 and not x.requires_grad
    assert torch.equal(x, seeded(0)) and not torch.equal(x, seeded(1))
    assert torch.allclose(x[:1], seeded(0, c=condition[:1])[:1], atol=1e-6)
    assert len(seeded(0, 5, condition[:1])) == 5


def test_it_learns_a_task_whose_answer_is_known():
    """The picture is the condition turned upside down in brightness."""
    x = (images(256, 1, 8, 8).float() > 0).float() * 2 - 1
    torch.manual_seed(0)
    pix = Pix2Pix(UNetG(1, 1, n_z=2, width=8), PatchD(2, 7, width=8), 100.0)
    fit(pix, batches(-x, x, size=16), steps=60, lr=1e-2, betas=(0.5, 0.99), device="cpu")
    made = pix.sample(256, condition=-x, generator=torch.Generator().manual_seed(0))
    assert (made.sign() == x).float().mean() > 0.99


def test_spins_far_apart_are_dependent_and_independent_given_one_between():
    s, p = ising_chain(1.0, 6)
    assert p.sum().item() == pytest.approx(1)
    for d in range(1, 6):
        assert (p * s[:, 0] * s[:, d]).sum().item() == pytest.approx(math.tanh(1) ** d)
    assert math.tanh(1) ** 5 == pytest.approx(0.26, abs=5e-3)
    for value in (-1, 1):                                       # given the spin between
        given = torch.where(s[:, 2] == value, p, 0.0)
        given = given / given.sum()
        product = (given * s[:, 0]).sum() * (given * s[:, 5]).sum()
        assert (given * s[:, 0] * s[:, 5]).sum().item() == pytest.approx(product.item())


def test_pairs_are_outlines_and_pictures():
    condition, x = pairs("digits", "test")
    assert condition.shape == x.shape == (2000, 1, 28, 28)
    assert condition.abs().max() <= 1 and not torch.equal(condition, x)


def shipped(task, n):
    pix = load(recipes()[f"pix2pix_{task}"].make(), weights(f"pix2pix_{task}"))
    condition, x = (part[:n] for part in pairs(task, "test"))
    made = pix.sample(n, condition=condition, generator=torch.Generator().manual_seed(0))
    return made, x


def test_shipped_digits_are_those_of_their_outlines():
    made, x = shipped("digits", 500)
    assert (classify(made).argmax(1) == digits(split="test").labels[:500]).float().mean() > 0.98
    assert (made - x).abs().mean() < 0.05


def test_shipped_portraits_have_what_an_outline_shows():
    """And not what it does not, such as the colour of the background."""
    made, _ = shipped("faces", 500)
    truth = faces(2000, seed=1).attributes[:500]
    right = dict(zip(ATTRIBUTES, ((attributes(made) > 0) == truth).float().mean(0), strict=True))
    assert all(right[name] > 0.95 for name in ("Eyeglasses", "Sunglasses", "Long_Hair"))
    assert all(right[f"{colour}_Background"] < 0.85 for colour in ("Blue", "Pink", "Green"))


def test_patches_of_a_middle_size_match_real_patches_best():
    """In all seeds; by FID they and the whole picture beat pixels, and pixels beat L1 alone."""
    with open(RESULTS / "patchgan.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    of = lambda name, patch: [float(row[name]) for row in rows if row["patch"] == patch]
    for name, order in (("distance_4", ("7", "16", "1", "0")), ("fid", ("7", "1", "0")),
                        ("distance_7", ("7", "16", "1", "0")), ("fid", ("16", "1", "0"))):
        for better, worse in zip(order[:-1], order[1:], strict=True):
            assert max(of(name, better)) < min(of(name, worse))


@pytest.mark.parametrize("call, message", [
    (lambda: patch_layers(12), "has 1, 7, 10"),
    (lambda: patch_layers(4), "not 4"),
    (lambda: patch_layers(0), "not 0"),
    (lambda: patch_layers(-2), "not -2"),
    (lambda: PatchD(1, 16)(torch.zeros(1, 1, 28, 8)), "16×16 pixels does not fit .* 28×8"),
    (lambda: model().loss((torch.zeros(2, 1, 16, 16), torch.zeros(3, 3, 16, 16)), "D"), "A pair"),
    (lambda: model().loss((torch.zeros(2, 1, 16, 16), torch.zeros(2, 3, 16, 20)), "G"), "A pair"),
    (lambda: UNetG(1, 1)(torch.zeros(1, 1, 18, 16), torch.zeros(1, 16)), "multiples of 4"),
    (lambda: model().sample(3, condition=torch.zeros(2, 1, 16, 16)), "3 conditions, or one; got 2"),
    (lambda: model().sample(1, condition=torch.zeros(1, 1, 16, 16), y=3), "no class y"),
    (lambda: pairs("letters"), "'letters'"),
    (lambda: pairs("digits", "validation"), "'validation'"),
])
def test_bad_input_gets_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()
