import csv
import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from course_lib.core import Trainable, fit, load
from course_lib.data import ATTRIBUTES, batches, faces
from course_lib.evaluate import attributes, classify, fid
from course_lib.gan import biggan, collapse
from course_lib.gan.matching import MatchingBigGAN
from course_lib.nets import BigD, BigG, BigGDeep, ConditionalBatchNorm, SelfAttention, orthogonal
from course_lib.recipes import biggan as recipe
from course_lib.recipes import weights

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
rng = torch.Generator().manual_seed(0)


def noise(*shape):
    return torch.randn(*shape, generator=rng)


def small(classes=3, **settings):
    torch.manual_seed(0)
    return biggan.BigGAN(BigG(classes, n_z=6, width=8, n_shared=4), BigD(classes, width=8),
                         torch.eye(classes), **settings)


def table(name):
    with open(RESULTS / f"{name}.csv") as file:
        return list(csv.DictReader(file))


def test_conditional_batch_norm_of_equal_conditions_is_batch_norm():
    norm, plain = ConditionalBatchNorm(5, 3), nn.BatchNorm2d(5)
    h, e = 2 + 3 * noise(16, 5, 4, 4), noise(1, 3).expand(16, 3)
    norm.gain.eval(), norm.bias.eval()                                 # σ_0 stays as it is
    with torch.no_grad():
        told = norm(h, e)
        plain.weight.copy_(1 + norm.gain(e)[0])
        plain.bias.copy_(norm.bias(e)[0])
        assert torch.allclose(told, plain(h), atol=1e-5)
        assert torch.allclose(norm.eval()(h, e), plain.eval()(h), atol=1e-5)
        differently = norm.train()(h, noise(16, 3))
    assert (differently - told).abs().max() > 0.1
    with pytest.raises(ValueError, match="needs a condition"):
        ConditionalBatchNorm(5, 0)


def test_attention_is_the_identity_at_first_and_then_the_written_sum():
    block, h = SelfAttention(16).eval(), noise(2, 16, 4, 6)
    with torch.no_grad():
        assert torch.equal(block(h), h)
        block.gamma.fill_(0.7)
        seen = block(h)
        weight = lambda layer: layer.weight[:, :, 0, 0]
        told = lambda layer: torch.einsum("oc,bcj->boj", weight(layer), h.flatten(2))
        phi, g = told(block.phi), told(block.g)                        # (batch, channels', 24)
        for row, column in ((0, 0), (3, 5), (2, 1)):
            theta = h[:, :, row, column] @ weight(block.theta).T
            attention = torch.einsum("bo,boj->bj", theta, phi).exp()
            attention = attention / attention.sum(1, keepdim=True)
            o = torch.einsum("bj,bcj->bc", attention, g) @ weight(block.o).T
            expected = h[:, :, row, column] + 0.7 * o
            assert torch.allclose(seen[:, :, row, column], expected, atol=1e-5)


def test_attention_does_not_care_where_pixels_stand():
    block, h, order = SelfAttention(8).eval(), noise(1, 8, 4, 4), torch.randperm(16, generator=rng)
    moved = lambda x: x.flatten(2)[:, :, order].unflatten(2, (4, 4))
    with torch.no_grad():
        block.gamma.fill_(1.0)
        assert torch.allclose(block(moved(h)), moved(block(h)), atol=1e-5)


def test_the_largest_singular_value_of_each_layer_is_one():
    model = small()
    for p in model.parameters():
        p.data += 0.3 * torch.randn(p.shape, generator=rng)
    x, y = noise(8, 1, 28, 28), torch.arange(8) % 3
    with torch.no_grad():
        for _ in range(60):
            model.loss((x, y), "G")
    layers = [m for m in model.eval().modules() if parametrize.is_parametrized(m)]
    sigma = [torch.linalg.matrix_norm(m.weight.flatten(1), 2).item() for m in layers]
    assert len(sigma) == 19 and sigma == pytest.approx([1.0] * 19, abs=0.02)


def test_weights_begin_orthogonal():
    layer = nn.Conv2d(3, 7, 3)
    orthogonal(layer)
    W = layer.weight.flatten(1)
    assert torch.allclose(W @ W.T, torch.eye(7), atol=1e-5)


def test_orthogonal_regularisation_asks_for_angles_and_not_for_norms():
    W = torch.diag(torch.tensor([1.0, 5.0, 0.1])) @ torch.linalg.qr(noise(6, 3))[0].T
    assert biggan.orthogonal_regularisation(W).abs() < 1e-4
    for shape in ((4, 9), (9, 4), (4, 2, 3, 3)):
        W = torch.randn(shape, generator=rng, dtype=torch.float64, requires_grad=True)
        flat = W.flatten(1)
        off = (flat @ flat.T) * (1 - torch.eye(len(W)))
        R = biggan.orthogonal_regularisation(W)
        assert R.item() == pytest.approx((off ** 2).sum().item())
        slope, = torch.autograd.grad(R, W)
        assert torch.allclose(slope.flatten(1), 4 * off @ flat)


def test_the_logits_of_two_classes_differ_by_their_projection():
    D, x = BigD(5, width=8).eval(), noise(6, 1, 28, 28)
    c = torch.eye(5)
    with torch.no_grad():
        phi, V = D.phi(x), D.V.weight                                  # (6, n_phi), (n_phi, 5)
        gap = D(x, c[[1]].expand(6, 5)) - D(x, c[[4]].expand(6, 5))
        assert torch.allclose(gap, phi @ (V[:, 1] - V[:, 4]), atol=1e-4)
        nothing = D(x, torch.zeros(6, 5))
        assert torch.allclose(nothing, (phi @ D.psi.weight.T + D.psi.bias)[:, 0], atol=1e-4)


def test_the_best_hinge_logit_is_the_sign_of_the_likelier():
    logit = torch.linspace(-2, 2, 401)
    for p, g, best in ((0.6, 0.4, 1.0), (0.2, 0.8, -1.0)):
        loss = [p * biggan.hinge_discriminator_loss(t[None], torch.tensor([-1.0]))
                + g * biggan.hinge_discriminator_loss(torch.tensor([1.0]), t[None]) for t in logit]
        assert logit[torch.stack(loss).argmin()].item() == pytest.approx(best, abs=1e-6)
    far = torch.tensor([1.5, 3.0], requires_grad=True)                 # beyond the margin: no slope
    assert biggan.hinge_discriminator_loss(far, -far).item() == 0
    assert biggan.hinge_generator_loss(far).item() == pytest.approx(-2.25)


@pytest.mark.parametrize("threshold", [1e-3, 0.5, 1.0, 2.0, 40.0])
def test_truncated_noise_has_the_truncated_normals_law(threshold):
    z = biggan.truncated_normal(2000, 50, threshold, rng).double()
    assert z.abs().max() <= threshold
    a = min(threshold, 30.0)
    inside = math.erf(a / math.sqrt(2))
    variance = 1 - 2 * a * math.exp(-a * a / 2) / math.sqrt(2 * math.pi) / inside
    if threshold < 0.01:
        variance = a * a / 3                                           # it is uniform, nearly
    # five standard errors of 100,000 draws, of which z² has at most the variance 2
    assert z.var().item() == pytest.approx(variance, abs=5 * math.sqrt(2 / 1e5) * variance)
    assert abs(z.mean().item()) < 5 * math.sqrt(variance / 1e5)


def test_attributes_are_told_as_plus_and_minus_one():
    model, y = small(), torch.tensor([[True, False, True]])
    assert torch.equal(model.condition(y), torch.tensor([[1.0, -1.0, 1.0]]))
    assert torch.equal(model.condition(torch.tensor([2])), torch.tensor([[0.0, 0.0, 1.0]]))
    portraits = biggan.BigGAN(BigGDeep(3, n_z=6, width=8), BigD(3, 8, 3, 16), y.expand(5, 3))
    assert torch.equal(portraits.conditions, torch.tensor([[1.0, -1.0, 1.0]]).expand(5, 3))
    assert portraits.sample(2, threshold=0.5).shape == (2, 3, 16, 16)


def test_sampling_is_reproducible_and_says_what_it_does_not_know():
    model = small()
    draw = lambda **of: model.sample(4, generator=torch.Generator().manual_seed(1), **of)
    y = torch.tensor([0, 1, 2, 0])
    assert torch.equal(draw(), draw()) and draw().shape == (4, 1, 28, 28)
    assert torch.equal(draw(y=y), draw(y=torch.eye(3)[y])) and model.training
    assert (draw(y=y, threshold=0.3) - draw(y=y)).abs().max() > 1e-3
    for wrong, words in (({"y": y + 1}, "The classes are 0 to 2, but y holds 1 to 3"),
                         ({"y": y.float()}, "whole numbers"), ({"y": y[:3]}, "4 conditions"),
                         ({"y": torch.ones(4, 2, dtype=torch.bool)}, r"attributes \(n, 3\)"),
                         ({"threshold": 0.0}, "above 0, not 0"),
                         ({"threshold": -1.0}, "above 0, not -1"),
                         ({"threshold": math.nan}, "above 0, not nan")):
        with pytest.raises(ValueError, match=words):
            draw(**wrong)
    with pytest.raises(ValueError, match="two classes or more"):
        biggan.BigGAN(model.G, model.D, torch.ones(3, 1))
    with pytest.raises(ValueError, match="multiple of 3"):
        BigG(10, n_z=10)


def test_a_chunk_of_z_reaches_its_own_stage_only():
    G = small().G.eval()
    seen = []
    for norm in (G.norm_1, G.norm_2):
        norm.register_forward_hook(lambda module, given, out: seen.append(given))
    z, c = noise(2, 6), torch.eye(3)[:2]
    other = torch.cat([z[:, :4], z[:, 4:] + 1], 1)
    with torch.no_grad():
        x, moved = G(z, c), G(other, c)
    assert torch.equal(seen[0][1], seen[2][1]) and torch.equal(seen[1][0], seen[3][0])
    assert not torch.equal(seen[1][1], seen[3][1]) and not torch.equal(x, moved)


def test_averaged_weights_come_with_their_own_statistics():
    model = small()
    images = noise(64, 1, 28, 28).tanh()
    fit(model, batches(images, torch.arange(64) % 3, size=16), steps=15, lr=1e-2, ema=0.9,
        betas=(0.0, 0.99), device="cpu")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with model.averaged():
        G = model.G.train()
        h = []
        G.norm_2.norm.register_forward_hook(lambda module, given, out: h.append(given[0]))
        with torch.no_grad():
            mean = G.norm_2.norm.running_mean.clone()
            for _ in range(20):
                G(noise(100, 6), torch.eye(3)[torch.randint(3, (100,), generator=rng)])
        G.eval()
        here = torch.cat(h)
        layer = G.conv_1
        sigma = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2).item()
        assert sigma == pytest.approx(1, abs=0.05)
    # two means over 2,000 pictures; one picture's mean differs from another's by less than σ
    bound = 5 * here.std((0, 2, 3)) * math.sqrt(2 / 2000)
    assert ((mean - here.mean((0, 2, 3))).abs() < bound).all()
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_each_turn_moves_its_own_player_only():
    for player in ("D", "G"):
        model = small()
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        fit(model, batches(noise(32, 1, 28, 28), torch.arange(32) % 3, size=16), steps=2, lr=0.1,
            turns=[(player, 1)], device="cpu")
        after = model.named_parameters()
        moved = {name[0] for name, p in after if not torch.equal(p, before[name])}
        assert moved == {player}


class Dial(Trainable):
    """Samples N(0, width²) + y: it collapses when its width does."""

    def __init__(self):
        super().__init__()
        self.G = nn.Linear(1, 1, bias=False)
        self.D = nn.Linear(2, 2, bias=False)
        nn.init.ones_(self.G.weight)
        nn.init.eye_(self.D.weight)

    def loss(self, batch, player):
        return self.G.weight.square().sum()                            # 0 is best: a collapse

    def sample(self, n, *, y=None, generator=None):
        return y[:, None] + self.G.weight * torch.randn(n, 1, generator=generator)


def test_the_monitor_stops_a_collapse_and_goes_back(capsys):
    model = Dial()
    monitor = collapse.CollapseMonitor(torch.arange(4.0), every=5)
    history = fit(model, batches(torch.zeros(8, 1), size=4), steps=200, lr=0.02, ema=0.9,
                  on_step=monitor, device="cpu")
    assert history.interrupted and history.steps < 60 and "differ by" in monitor.reason
    assert model.G.weight.item() > 0.5 > 0.5 * 0.9                     # healthy weights again
    assert "The weights are those of step" in capsys.readouterr().out
    healthy = [row["healthy"] for row in monitor.rows]
    assert healthy == [True] * (len(healthy) - 1) + [False]
    assert monitor.step == 5 * (len(healthy) - 1)


def test_the_monitor_sees_exploding_and_infinite_weights():
    for value, words in ((50.0, "σ_0 of D.weight is 50"), (math.nan, "σ_0 of D.weight is nan")):
        model, monitor = Dial(), collapse.CollapseMonitor(torch.arange(4.0), every=1)
        monitor(1, model)
        with torch.no_grad():
            model.D.weight[0, 0] = value
        with pytest.raises(collapse.Collapse):
            monitor(2, model)
        assert words in monitor.reason and torch.equal(model.D.weight, torch.eye(2))
    model = Dial()
    with torch.no_grad():
        model.G.weight.fill_(math.nan)
    with pytest.raises(RuntimeError, match="never healthy"):
        collapse.CollapseMonitor(torch.arange(4.0), every=1)(1, model)


def test_a_restart_goes_on_from_the_healthy_weights_at_a_lower_rate():
    model = Dial()
    monitor = collapse.CollapseMonitor(torch.arange(4.0), every=5)
    histories = collapse.fit_with_restarts(
        model, batches(torch.zeros(8, 1), size=4), monitor, steps=60, lr={"model": 0.02},
        factor=0.01, device="cpu")
    assert [history.interrupted for history in histories] == [True, False]
    assert monitor.step == 60 and monitor.reason is None and model.G.weight.item() > 0.5
    with pytest.raises(RuntimeError, match="Collapsed 2 times"):
        collapse.fit_with_restarts(
            Dial(), batches(torch.zeros(8, 1), size=4), collapse.CollapseMonitor(
                torch.arange(4.0), every=5), steps=200, lr={"model": 0.02}, factor=1.0, restarts=1,
            device="cpu")


def test_singular_values_are_those_of_an_svd():
    model = small()
    for name, values in collapse.singular_values(model).items():
        W = dict(model.named_parameters())[name].flatten(1)
        assert torch.allclose(values, torch.linalg.svdvals(W)[:3], atol=1e-3)


def test_billions_of_parameters_are_seventy_million():
    rows = {(row["network"], row["part"]): int(row["parameters"])
            for row in table("biggan_parameters")}
    assert rows["G", "all"] == 70_433_988 and rows["D", "all"] == 87_982_370


def test_digits_of_every_class_come_out_right_and_as_good_as_measured():
    rows = table("biggan")
    assert {row["seed"] for row in rows} == {"0", "1", "2"}
    assert all(float(row["fid"]) <= 12 for row in rows)
    model = load(recipe.digits_biggan(), weights("biggan_digits"))
    y = torch.arange(5000) % 10
    x = model.sample(5000, y=y, generator=torch.Generator().manual_seed(0))
    # seed 0 ships; sampling moves a FID of 5,000 by less
    assert abs(fid(x) - float(rows[0]["fid"])) < 2
    assert (classify(x).argmax(1) == y).float().mean() > 0.95


def test_portraits_show_the_attributes_that_were_asked_for():
    model, real = load(recipe.faces_biggan(), weights("biggan_faces")), faces(1000, seed=7)
    x = model.sample(1000, y=real.attributes, generator=torch.Generator().manual_seed(0))
    agree = ((attributes(x) > 0) == real.attributes).float()
    assert agree.mean() > 0.98 and agree.mean(0).min() > 0.85
    shown = {row["attribute"]: float(row["shown"]) for row in table("biggan_faces")}
    assert set(shown) == set(ATTRIBUTES) and sum(shown.values()) / len(shown) > 0.94


def test_truncation_trades_recall_for_precision_where_it_was_measured():
    rows = [row for row in table("biggan_truncation") if row["weights"] == "ships"]
    rows = {row["threshold"]: row for row in rows}
    assert float(rows["0.5"]["precision"]) > float(rows["none"]["precision"])
    assert float(rows["0.5"]["recall"]) < float(rows["none"]["recall"])


def test_the_collapse_was_real_and_was_taken_back():
    rows = table("biggan_collapse")
    last = {row["run"]: row for row in rows}
    assert [row["healthy"] for row in rows if row["run"] == "watched"].count("False") >= 1
    best = max(float(row["diversity"]) for row in rows if row["healthy"] == "True")
    assert float(last["watched"]["diversity"]) > 0.8 * best
    assert float(last["unwatched"]["diversity"]) < 0.5 * best


def test_wrong_conditions_of_real_images_count_as_fakes(monkeypatch):
    y = torch.arange(6) % 3
    x = y[:, None, None, None].float()                     # an image that is its class

    class Oracle(nn.Module):
        def forward(self, x, c):
            return torch.where(x[:, 0, 0, 0] == c.argmax(1), 5.0, -5.0)

    class Nothing(nn.Module):
        n_z = 2

        def __init__(self):
            super().__init__()
            self.device_of = nn.Parameter(torch.zeros(()))

        def forward(self, z, c):
            return torch.full((len(z), 1, 1, 1), -1.0)

    model = MatchingBigGAN(Nothing(), Oracle(), torch.eye(3))
    monkeypatch.setattr(torch, "rand_like", torch.zeros_like)              # all of another's
    assert model.loss((x, y), "D").item() == 0
    equal = torch.zeros(6, dtype=torch.long)               # another's condition is no wrong one
    assert model.loss((torch.zeros(6, 1, 1, 1), equal), "D").item() == pytest.approx(3.0)
