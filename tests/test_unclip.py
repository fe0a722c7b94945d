"""The prior, the decoder and what is done with both, where everything is known in closed form."""
import math

import pytest
import torch
from gaussian import exact_eps, rng
from torch import nn
from torch.nn import functional as nnf

from course_lib.diffusion.manipulations import arc, difference
from course_lib.diffusion.prior import DiffusionPrior, RegressionPrior, dropped, guidance
from course_lib.diffusion.schedule import cosine
from course_lib.diffusion.unclip import Decoder, UnCLIP
from course_lib.nets import EmbeddedUNet, PriorMLP
from course_lib.recipes import _unclip_command as command

D = 8
units = lambda n, d=D, seed=0: nnf.normalize(torch.randn(n, d, generator=rng(seed)), dim=1)
pictures = lambda n, size=16, seed=0: torch.rand(n, 3, size, size, generator=rng(seed)) * 2 - 1


class Known(nn.Module):
    """A network that is a function, and keeps what it was asked with."""

    def __init__(self, function):
        super().__init__()
        self.function, self.none = function, nn.Parameter(torch.zeros(()))
        self.asked = []

    def forward(self, *inputs):
        self.asked.append(inputs)
        return self.function(*inputs)


def decoder(d=D, size=16, seed=0):
    torch.manual_seed(seed)
    model = Decoder(EmbeddedUNet(d, (8, 8)), cosine(20), (3, size, size), d)
    for parameter in model.net.parameters():
        nn.init.normal_(parameter, std=0.2)
    return model


def test_a_prior_that_knows_z_i_has_no_loss():
    z = units(5)
    truth = Known(lambda noised, t, z_t: math.sqrt(D) * z)
    assert DiffusionPrior(truth, cosine(50), D).loss((z, units(5, seed=1)), "model") == 0
    assert RegressionPrior(Known(lambda z_t: math.sqrt(D) * z), D).loss((z, z), "model") == 0


def test_a_prior_that_knows_nothing_has_the_loss_1():
    """‖√d z_i‖²/d = 1."""
    model = DiffusionPrior(Known(lambda noised, t, z_t: torch.zeros_like(noised)), cosine(50), D)
    assert model.loss((units(9), units(9)), "model").item() == pytest.approx(1, abs=1e-6)


def test_the_regression_priors_best_is_the_mean_given_the_text():
    """z_i = A z_t + noise: least squares finds A, and no other matrix has less loss."""
    A = torch.randn(D, D, generator=rng(1), dtype=torch.float64)
    z_t = units(5000).double()
    z_i = (z_t @ A.T + 0.3 * torch.randn(5000, D, generator=rng(2), dtype=torch.float64))
    linear = nn.Linear(D, D, bias=False).double()
    model = RegressionPrior(linear, D)
    linear.weight.data = math.sqrt(D) * torch.linalg.lstsq(z_t, z_i).solution.T
    # z_t has the covariance I/8: the error of A's entries is 0.3 √(8/5000) = 0.012
    assert (linear.weight / math.sqrt(D) - A).abs().max() < 6 * 0.012
    gradient = torch.autograd.grad(model.loss((z_i, z_t), "model"), linear.weight)[0]
    assert gradient.abs().max() < 1e-10


def test_the_diffusion_priors_samples_have_the_spread_that_regression_has_not():
    """√d z_i ~ N(m(z_t), s² I): with the exact denoiser 20,000 samples have mean m and variance s²
    up to what 100 steps of DDPM leave."""
    schedule, s2 = cosine(100), 0.3
    A = torch.randn(D, D, generator=rng(1)) / math.sqrt(D)

    def mean_of_z_i(noised, t, z_t):
        alpha_bar = schedule.at(schedule.alpha_bar, t, noised)
        m = z_t @ A.T
        gain = alpha_bar.sqrt() * s2 / (alpha_bar * s2 + 1 - alpha_bar)
        return m + gain * (noised - alpha_bar.sqrt() * m)

    model = DiffusionPrior(Known(mean_of_z_i), schedule, D)
    z_t = units(1)
    with torch.no_grad():
        z = model.draw(z_t.expand(20_000, D), 0.0, 100, rng(3))
    # standard errors: of means √(0.3/20,000) = 0.004, of covariances 0.3 √(2/20,000) = 0.003
    assert (z.mean(0) - z_t @ A.T).abs().max() < 0.02
    assert (z.T.cov() - s2 * torch.eye(D)).abs().max() < 0.03


def test_of_two_samples_the_one_nearer_to_the_text_is_kept():
    torch.manual_seed(0)
    model, z_t = DiffusionPrior(PriorMLP(D, 16, 1), cosine(10), D), units(6)
    z = model.sample(6, y=z_t, steps=5, best_of=2, generator=rng(1))
    with torch.no_grad():
        both = nnf.normalize(model.eval().draw(z_t.repeat_interleave(2, 0), 1.0, 5, rng(1)), dim=1)
    nearness = (both.view(6, 2, D) * z_t[:, None]).sum(2)
    assert torch.allclose((z * z_t).sum(1), nearness.max(1).values, atol=1e-6)
    assert torch.allclose(z.norm(dim=1), torch.ones(6), atol=1e-6)
    one = model.sample(1, y=z_t[:1], steps=5, generator=rng(1))
    assert torch.equal(one, model.sample(1, y=z_t[:1], steps=5, generator=rng(1)))


def test_guidance_is_affine_and_nothing_at_w_0():
    a, b = torch.randn(2, 5, generator=rng(0), dtype=torch.float64)
    assert torch.equal(guidance(a, b, 0.0), a) and torch.equal(guidance(a, b, -1.0), b)
    middle = (guidance(a, b, 1.0) + guidance(a, b, 3.0)) / 2
    assert torch.allclose(guidance(a, b, 2.0), middle, atol=1e-12)
    assert torch.allclose(guidance(a, a, 7.0), a, atol=1e-12)


def test_the_decoder_guides_away_from_none_at_all():
    """x̂_0 of w is (1 + w) with both embeddings − w with neither, and for w = 0 no network is asked
    without them."""
    model, x, t = decoder().eval(), pictures(3), torch.tensor([5, 9, 20])
    z_i, z_t = units(3), units(3, seed=1)
    none = torch.zeros_like(z_i)
    with torch.no_grad():
        eps = lambda i, text, w: model.denoiser(3, i, text, w)(x, t)
        mixed = 3.0 * eps(z_i, z_t, 0.0) - 2.0 * eps(None, None, 0.0)
        assert torch.allclose(eps(z_i, z_t, 2.0), mixed, atol=1e-4 * mixed.abs().max())
        assert torch.equal(eps(None, None, 0.0), eps(none, none, 0.0))
        assert not torch.allclose(eps(z_i, None, 0.0), eps(None, z_t, 0.0))
    asked = Known(lambda x, t, z: 0 * x)
    Decoder(asked, cosine(20), (3, 16, 16), D).sample(3, y=z_i, w=0.0, steps=2)
    assert all(torch.equal(z[0], z_i) and not z[1].any() for *_, z in asked.asked)


def test_conditions_are_hidden_with_their_shares():
    """4,000 draws: six standard errors are 0.03 at 10 %, 0.05 at 50 %."""
    asked = Known(lambda x, t, z: 0 * x)
    torch.manual_seed(0)
    z = units(4000)
    Decoder(asked, cosine(20), (3, 4, 4), D).loss((pictures(4000, 4), z, z), "model")
    z_i, z_t = (part.norm(dim=1) == 0 for part in asked.asked[0][2])
    assert abs(z_i.float().mean() - 0.1) < 0.03 and abs(z_t.float().mean() - 0.5) < 0.05
    assert abs((z_i & z_t).float().mean() - 0.05) < 0.03          # one does not know of the other
    for share in (0.0, 1.0):
        assert torch.equal(dropped(z, share), (1 - share) * z)


@pytest.mark.parametrize("size", [16, 64])
def test_every_part_of_the_decoder_learns_at_both_sizes(size):
    model = decoder(size=size)
    z = units(40)[:4 if size == 64 else 40]
    model.loss((pictures(len(z), size), z, z), "model").backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_inversion_and_sampling_give_back_the_picture():
    """The exact denoiser of pixels of N(0.1, 0.01): each of 400 Euler steps there and back errs by
    less than a share 1/400 of the way."""
    schedule = cosine(400)
    exact = exact_eps(schedule, 0.1, 0.01)

    def x_0(x, t, z):
        alpha_bar = schedule.at(schedule.alpha_bar, t, x)
        return (x - (1 - alpha_bar).sqrt() * exact(x, t)) / alpha_bar.sqrt()

    model = Decoder(Known(x_0), schedule, (3, 4, 4), D)
    x = 0.1 + 0.1 * torch.randn(2, 3, 4, 4, generator=rng(0))
    x_T = model.encode(x, units(2), 400)
    again = model.sample(2, y=units(2), w=0.0, steps=400, eta=0.0, x_T=x_T)
    assert (again - x).abs().max() < 0.01
    assert 0.5 < x_T.std() < 1.5                                   # noise, as large as N(0, I)


def test_an_arc_has_unit_length_and_constant_speed():
    a, b = units(5).double(), units(5, seed=1).double()
    a, b = nnf.normalize(a, dim=1), nnf.normalize(b, dim=1)
    points = [arc(a, b, k / 10) for k in range(11)]
    assert torch.allclose(points[0], a, atol=1e-12) and torch.allclose(points[-1], b, atol=1e-12)
    steps = torch.stack([(p * q).sum(1).acos() for p, q in zip(points, points[1:])])
    assert torch.allclose(steps, steps[:1].expand_as(steps), atol=1e-7)
    assert torch.allclose(torch.stack(points).norm(dim=2), torch.ones(11, 5).double(), atol=1e-12)
    assert torch.allclose(arc(a, a, 0.4), a, atol=1e-7)
    with pytest.raises(ValueError, match="opposite"):
        arc(a, -a, 0.5)


def small(d=D):
    """unCLIP of untrained networks."""
    class Words(nn.Module):
        device = torch.device("cpu")

        def embed_image(self, x):
            return nnf.normalize(x.flatten(1)[:, :d] + 0.1, dim=1)

        def embed_text(self, y):
            y = [y] if isinstance(y, str) else y
            return torch.cat([units(1, d, seed=sum(map(ord, text))) for text in y])

    torch.manual_seed(0)
    return UnCLIP(Words(), DiffusionPrior(PriorMLP(d, 16, 1), cosine(50), d), decoder(d)).eval()


def test_the_ends_of_the_manipulations():
    model, x = small(), pictures(2)
    z_i, x_T = model.latent(x[:1], 5)
    again = model.decoder.sample(1, y=z_i, w=0.0, steps=5, eta=0.0, x_T=x_T)
    same = lambda a, b: torch.allclose(a, b, atol=1e-4)
    assert same(model.text_difference(x[:1], "a hat", "a person", 0.0, steps=5), again)
    assert same(model.variations(x[:1], 2, eta=0.0, steps=5), again.expand(2, -1, -1, -1))
    there, back = (model.interpolate(x[i:i + 1], x[1 - i:2 - i], [0.0, 0.5, 1.0], steps=5)
                   for i in (0, 1))
    assert same(there[:1], again) and same(there, back.flip(0))
    some = model.variations(x[:1], 2, eta=1.0, steps=5, generator=rng(1))
    assert not same(some[:1], some[1:])
    z = arc(z_i, difference(*(model.clip.embed_text(y) for y in ("a hat", "a person"))), 0.3)
    assert same(model.text_difference(x[:1], "a hat", "a person", 0.3, steps=5),
                model.decoder.sample(1, y=z, w=0.0, steps=5, eta=0.0, x_T=x_T))
    with pytest.raises(ValueError, match="direction"):
        model.text_difference(x[:1], "a hat", "a hat", 0.3, steps=5)


def test_captions_become_pictures_again_and_again():
    model = small()
    x = model.sample(2, y="a person", steps=3, generator=rng(0))
    assert x.shape == (2, 3, 16, 16) and x.abs().max() <= 1
    assert torch.equal(x, model.sample(2, y=["a person"] * 2, steps=3, generator=rng(0)))


@pytest.mark.parametrize("wrong", [
    lambda m: m.sample(3, y=["one", "two"]),
    lambda m: m.prior.sample(2, y=units(2, D + 1)),
    lambda m: m.prior.sample(2, y=units(1)[0]),
    lambda m: m.prior.loss((units(3), units(2)), "model"),
    lambda m: m.decoder.sample(2, y=units(3)),
    lambda m: m.decoder.sample(2, y=units(2), text=units(2, D - 1)),
    lambda m: m.decoder.sample(2, y=units(2), x_T=pictures(2, 8)),
    lambda m: m.decoder.loss((pictures(2, 8), units(2), units(2)), "model"),
    lambda m: m.decoder.loss((pictures(2), units(2), units(3)), "model"),
    lambda m: RegressionPrior(nn.Identity(), D).sample(2, y=units(2, 3)),
])
def test_wrong_shapes_are_one_clear_error(wrong):
    with pytest.raises(ValueError, match="must have the shape|Expected images"):
        wrong(small())


def test_two_stages_are_the_whole_where_z_is_a_function_of_x():
    """P(x | y) = Σ_z P(x | z, y) P(z | y) on 6 pictures, 3 captions and z = x mod 2; and where the
    decoder sees z alone the sum is another, unless y tells no more than z."""
    p = torch.rand(6, 3, generator=rng(0), dtype=torch.float64)
    p = p / p.sum(0)                                               # P(x | y)
    one_hot = nnf.one_hot(torch.arange(6) % 2, 2).double()         # P(z | x)
    prior = one_hot.T @ p                                          # P(z | y)
    told_y = one_hot[:, :, None] * p[:, None] / prior              # P(x | z, y)
    assert torch.allclose((told_y * prior).sum(1), p, atol=1e-12)
    joint = one_hot[:, :, None] * p[:, None] / 3
    told_z = joint.sum(2) / joint.sum((0, 2))                      # P(x | z)
    assert ((told_z @ prior) - p).abs().max() > 0.01


def test_the_command_says_what_it_does_not_know(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "faces_unclip", small)
    command.main(["A bald man!", "--n", "3", "--steps", "3"])
    assert (tmp_path / "a_bald_man.png").read_bytes()[:4] == b"\x89PNG"
    assert "a_bald_man.png" in capsys.readouterr().out
    command.main(["a man", "--out", "x.png", "--n", "1", "--steps", "3", "--w", "0"])
    assert (tmp_path / "x.png").exists()
    with pytest.raises(SystemExit):
        command.main(["a man", "--n", "0"])
