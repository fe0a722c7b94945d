"""Gated PixelCNN: what a pixel knows, a density that sums to 1, samples that follow it."""
import math

import pytest
import torch
from scipy.stats import chi2

from course_lib.core import fit, load
from course_lib.data import batches, digits, toys
from course_lib.evaluate import bits_per_dim
from course_lib.likelihood.pixelcnn import PixelCNN, drawn
from course_lib.nets import GatedPixelCNN, MaskedConv, generate, generate_plainly, plain_pixelcnn
from course_lib.nets.pixelcnn import gate
from course_lib.recipes import weights
from course_lib.recipes.pixelcnn import digits_pixelcnn, train_digits

rng = lambda seed=0: torch.Generator().manual_seed(seed)


def seeded(make, seed: int = 0):
    torch.manual_seed(seed)
    return make().double()


def known(net, channels: int, H: int, W: int) -> torch.Tensor:
    """Which pixels (r', c') each output (r, c) depends on, by autograd: (H, W, H, W), bool"""
    h = torch.randn(1, channels, H, W, generator=rng(), dtype=torch.float64)
    J = torch.autograd.functional.jacobian(lambda h: net(h)[0].sum(0), h, vectorize=True)
    return (J[:, :, 0] != 0).any(2)


def offsets(H: int, W: int) -> tuple[torch.Tensor, torch.Tensor]:
    """How far r' is above r, and c' to the right of c: (H, W, H, W) each"""
    r, c, r_, c_ = torch.meshgrid(*map(torch.arange, (H, W, H, W)), indexing="ij")
    return r - r_, c_ - c


def before(H: int, W: int) -> torch.Tensor:
    up, right = offsets(H, W)
    return (up > 0) | ((up == 0) & (right < 0))


@pytest.mark.parametrize("first, kernel, layers", [(7, 3, 6), (3, 3, 8), (5, 5, 4)])
def test_a_pixel_knows_all_pixels_before_it_and_no_other(first, kernel, layers):
    net = seeded(lambda: GatedPixelCNN(2, 3, 8, layers, first=first, kernel=kernel))
    assert torch.equal(known(net, 2, 7, 6), before(7, 6))


@pytest.mark.parametrize("first, kernel, layers", [(3, 3, 1), (3, 3, 2), (5, 3, 2), (3, 5, 2)])
def test_a_shallow_one_knows_all_within_its_reach(first, kernel, layers):
    reach = first // 2 + (layers - 1) * (kernel // 2)
    up, right = offsets(9, 9)
    within = (up <= reach) & (right.abs() <= reach)
    net = seeded(lambda: GatedPixelCNN(1, 3, 8, layers, first=first, kernel=kernel))
    assert torch.equal(known(net, 1, 9, 9), before(9, 9) & within)


def test_one_masked_kernel_has_a_blind_spot_at_any_depth():
    up, right = offsets(7, 7)
    net = seeded(lambda: plain_pixelcnn(1, 3, 32, 14))
    seen = known(net, 1, 7, 7)
    assert torch.equal(seen, before(7, 7) & (right <= up))
    assert (before(7, 7) & ~seen).sum() > 100


def test_masked_convolutions_know_what_their_masks_say():
    up, right = offsets(5, 5)
    near = (up <= 1) & (right.abs() <= 1)
    for kind, itself in (("A", False), ("B", True)):
        torch.manual_seed(0)
        seen = known(MaskedConv(1, 2, 3, kind).double(), 1, 5, 5)
        here = (up == 0) & (right == 0) & itself
        assert torch.equal(seen, near & (before(5, 5) | here))
    with pytest.raises(ValueError, match="masks are"):
        MaskedConv(1, 1, 3, "C")


def test_the_gate_is_tanh_times_sigmoid_at_any_scale():
    a = torch.tensor([-1e4, -30, -1, -1e-6, 0, 1e-6, 1, 30, 1e4], dtype=torch.float64)
    f, g = torch.cartesian_prod(a, a).T[None].chunk(2, 1)
    assert torch.allclose(gate(torch.cat([f, g], 1)), f.tanh() * g.sigmoid(), rtol=0, atol=1e-15)


@pytest.mark.parametrize("first, kernel, layers", [(7, 3, 3), (3, 5, 2), (5, 3, 1)])
def test_what_is_kept_changes_no_sample(first, kernel, layers):
    """To rounding in float64; draws are continuous, so that one differing number would spread."""
    net = seeded(lambda: GatedPixelCNN(2, 4, 8, layers, first=first, kernel=kernel))
    h = torch.randn(3, 2, 6, 7, generator=rng(1), dtype=torch.float64)
    given = h.clone()

    @torch.no_grad()
    def by(method):
        g = rng(2)
        z = lambda: torch.randn(3, 2, generator=g, dtype=torch.float64)
        return method(net, h, lambda out: 5 * out[:, :2] + z())

    fast, plain = by(generate), by(generate_plainly)
    assert (fast - plain).abs().max() < 1e-10 and fast.std() > 0.5 and torch.equal(given, h)


def tiny() -> PixelCNN:
    """2×2 pixels of three greys; its weights are larger than at a start, so that pixels matter"""
    model = seeded(lambda: PixelCNN(GatedPixelCNN(1, 3, 8, 2, first=3), (1, 2, 2), levels=3))
    for p in model.parameters():
        p.data *= 2.5
    return model


def every(levels: int, pixels: int) -> torch.Tensor:
    return torch.cartesian_prod(*[torch.arange(levels)] * pixels)


def test_probabilities_sum_to_one_and_samples_have_them():
    model = tiny()
    x = model.grey(every(3, 4).double()).view(81, 1, 2, 2)
    p = model.log_prob(x).exp()
    assert abs(p.sum() - 1) < 1e-12 and p.max() > 4 / 81        # and they are far from uniform
    n = 40_000
    k = model.level(model.sample(n, generator=rng()).double()).flatten(1)
    counts = torch.bincount((k * torch.tensor([27, 9, 3, 1])).sum(1), minlength=81)
    common = n * p >= 10                                    # the rare ones are one cell together
    seen, expected = (torch.cat([v[common], v[~common].sum()[None]]) for v in (counts, n * p))
    keep = expected > 0
    statistic = ((seen - expected)[keep] ** 2 / expected[keep]).sum()
    assert statistic < chi2.isf(1e-7, int(keep.sum()) - 1)


def test_the_plain_sampler_draws_the_same_images():
    model = tiny()
    x, plain = (f(200, generator=rng(3)) for f in (model.sample, model.sample_plainly))
    assert torch.equal(x, plain) and len(x.unique()) == 3


def test_draws_never_have_a_probability_of_zero():
    logits = torch.tensor([-math.inf, 0, -math.inf, 1, -math.inf]).expand(2000, 5)
    assert set(drawn(logits, rng()).tolist()) == {1, 3}
    assert (drawn(1e4 * torch.eye(4), rng()) == torch.arange(4)).all()


def test_equal_logits_cost_eight_bits_a_pixel_and_the_loss_is_a_dimensions_share():
    model = PixelCNN(GatedPixelCNN(1, 256, 4, 2), (1, 5, 4))
    x = model.grey(torch.randint(256, (3, 1, 5, 4), generator=rng()))
    share = -model.log_prob(x).mean() / 20
    assert math.isclose(model.loss(x, "model").item(), share.item(), rel_tol=1e-5)
    for parameter in model.net.head[-1].parameters():
        parameter.data.zero_()
    assert torch.allclose(bits_per_dim(model.log_prob(x), 20), torch.tensor(8.0))
    assert torch.equal(model.grey(model.level(x))[:, None], x)


def test_log_prob_is_of_the_averaged_weights():
    model, other = tiny(), tiny()
    for p in other.parameters():
        p.data *= 1.1
    x = model.grey(every(3, 4)[:9].double()).view(9, 1, 2, 2)
    before, model.ema = model.log_prob(x), other.state_dict()
    assert torch.equal(model.log_prob(x), other.log_prob(x))
    model.ema = None
    assert torch.equal(model.log_prob(x), before)


def test_bars_are_learnt_to_their_entropy():
    """KL(p ‖ p_θ) = E[−log p_θ] − H is ≥ 0, enumerated over all 30 images."""
    torch.manual_seed(0)
    model = PixelCNN(GatedPixelCNN(1, 2, 16, 3, first=3), (1, 4, 4), levels=2)
    rows = (2.0 * every(2, 4) - 1).view(16, 1, 4, 1).expand(16, 1, 4, 4)
    x, times = torch.cat([rows, rows.mT]).unique(dim=0, return_counts=True)
    p = times / 32
    kl = lambda: (p * (p.log() - model.log_prob(x))).sum().item()
    start = kl()
    fit(model, batches(toys("bars", 2000, generator=rng()), size=32), steps=200, lr=1e-2)
    assert len(x) == 30 and start > 5 and 0 <= kl() < 0.1


@pytest.mark.parametrize("make, words", [
    (lambda: GatedPixelCNN(1, 3, 8, 0), "A layer or more"),
    (lambda: GatedPixelCNN(1, 3, 8, 2, first=4), "kernels odd"),
    (lambda: PixelCNN(GatedPixelCNN(3, 3, 8, 1), (3, 8, 8)), "An image is"),
    (lambda: tiny().log_prob(torch.zeros(2, 1, 3, 2)), "Expected images"),
    (lambda: tiny().log_prob(torch.full((1, 1, 2, 2), 0.3)), "3 levels"),
    (lambda: tiny().log_prob(torch.full((1, 1, 2, 2), 2.0)), "3 levels"),
    (lambda: tiny().log_prob(torch.full((1, 1, 2, 2), math.nan)), "3 levels"),
    (lambda: tiny().sample(1, y=3), "no class")])
def test_bad_input_gets_one_clear_error(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("size", [16, 28, 56])
def test_the_recipe_trains_on_images_of_each_size(size):
    model, x = digits_pixelcnn(size), torch.full((8, 1, size, size), -1.0)
    assert train_digits(model, x, steps=1).losses["model"][0] < 7
    assert torch.isfinite(model.log_prob(x[:2])).all()


def test_shipped_weights_give_digits_few_bits_and_other_images_more():
    """1.05 bits on 500 test digits; the first 50 are a little cheaper."""
    model, x = load(digits_pixelcnn(), weights("pixelcnn_digits")), digits(split="test").images[:50]
    bits = lambda x: bits_per_dim(model.log_prob(x).mean(), 784).item()
    assert bits(x) < 1.02 and bits(x.roll(6, 2)) > 1.07 and bits(-x) > 4
