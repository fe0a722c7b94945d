import csv
import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as nnf

from course_lib.core import fit, load
from course_lib.data import batches, digits
from course_lib.evaluate import classify, features, fid, precision_recall
from course_lib.gan.lapgan import LAPGAN, down, pyramid, reconstruct, up
from course_lib.gan.parzen import best_sigma, haar, multiscale_parzen, parzen
from course_lib.recipes import weights
from course_lib.recipes.lapgan import digits_lapgan

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results" / "lapgan.csv"
rng = torch.Generator().manual_seed(0)
seeded = lambda seed: torch.Generator().manual_seed(seed)
rows = lambda: list(csv.DictReader(RESULTS.read_text().splitlines()))


class Oracle(nn.Module):
    """A generator that knows the answer."""

    def __init__(self, answer):
        super().__init__()
        self.answer, self.p = answer, nn.Parameter(torch.zeros(1))

    def forward(self, *given):
        return self.answer(*given) if callable(self.answer) else self.answer


@pytest.mark.parametrize("shape, levels", [((5, 1, 28, 28), 2), ((3, 3, 16, 16), 2),
                                           ((3, 3, 16, 16), 4), ((2, 3, 12, 20), 2),
                                           ((2, 1, 7, 5), 0), ((1, 2, 2, 2), 1)])
def test_a_pyramid_gives_the_picture_back(shape, levels):
    x = torch.rand(shape, generator=rng) * 2 - 1
    h = pyramid(x, levels)
    sizes = [(shape[2] // 2**k, shape[3] // 2**k) for k in range(levels + 1)]
    assert [tuple(h_k.shape[2:]) for h_k in h] == sizes
    assert (reconstruct(h) - x).abs().max() < 1e-6
    y = x.double()
    assert (reconstruct(pyramid(y, levels)) - y).abs().max() < 1e-14


def test_a_pyramid_is_linear_and_a_constant_has_no_detail():
    x, y = torch.rand(2, 4, 3, 16, 16, generator=rng, dtype=torch.float64)
    for a, b, both in zip(pyramid(x, 3), pyramid(y, 3), pyramid(2 * x - 3 * y, 3)):
        assert (2 * a - 3 * b - both).abs().max() < 1e-14
    *details, coarse = pyramid(torch.full((2, 3, 16, 16), 0.3), 3)
    assert all(h.abs().max() < 1e-6 for h in details) and (coarse - 0.3).abs().max() < 1e-6


def test_down_is_the_mean_of_blocks_and_up_is_smooth():
    x = torch.rand(2, 3, 8, 12, generator=rng, dtype=torch.float64)
    assert (down(x)[:, :, 1, 2] - x[:, :, 2:4, 4:6].mean((2, 3))).abs().max() < 1e-15
    # 3/4 and 1/4, averaged in pairs: (1, 6, 1) / 8, in both directions, with the edges repeated
    kernel = torch.tensor([1.0, 6, 1], dtype=torch.float64) / 8
    padded = nnf.pad(x, (1, 1, 1, 1), mode="replicate")
    blurred = sum(kernel[i] * kernel[j] * padded[:, :, i:i + 8, j:j + 12]
                  for i in range(3) for j in range(3))
    assert (down(up(x)) - blurred).abs().max() < 1e-14
    assert (up(x).mean((2, 3)) - x.mean((2, 3))).abs().max() < 1e-14
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)           # straight lines stay straight
    assert (up(ramp)[..., 1:-1].diff() - 0.5).abs().max() < 1e-6


@pytest.mark.parametrize("size, levels", [((28, 28), 3), ((7, 7), 1), ((16, 15), 1), ((15, 16), 1)])
def test_a_size_that_cannot_be_halved_gets_one_sentence(size, levels):
    with pytest.raises(ValueError, match="cannot be halved"):
        pyramid(torch.zeros(1, 1, *size), levels)
    with pytest.raises(ValueError, match="0 times or more"):
        pyramid(torch.zeros(1, 1, 8, 8), -1)


def test_true_details_draw_the_true_picture():
    x = torch.rand(6, 3, 16, 16, generator=rng) * 2 - 1
    h = pyramid(x, 2)
    model = LAPGAN([Oracle(h_k) for h_k in h], [nn.Flatten()] * 3, 5)
    steps = model.steps(6)
    assert (steps[-1] - x).abs().max() < 1e-6 and (model.sample(6) - x).abs().max() < 1e-6
    assert (steps[1] - down(x)).abs().max() < 1e-6 and torch.equal(steps[0], h[2])
    started = model.steps(6, start=h[2])
    assert all(torch.equal(a, b) for a, b in zip(started, steps))


def test_a_generator_is_given_the_smooth_coarse_picture_and_one_plane_of_noise():
    given = []

    def look(l_k, z):
        given.append((l_k, z))
        return torch.zeros_like(l_k)

    coarse = torch.rand(4, 3, 4, 4, generator=rng)
    model = LAPGAN([Oracle(look), Oracle(coarse)], [nn.Flatten()] * 2, 5)
    assert torch.equal(model.sample(4, generator=seeded(1)), up(coarse))     # of what it generated
    model.loss(real := torch.rand(4, 3, 8, 8, generator=rng), "D_0")
    (l_k, z), (l_training, _) = given
    assert torch.equal(l_k, up(coarse)) and z.shape == (4, 1, 8, 8)
    assert torch.equal(l_training, up(down(real)))                           # of the real picture


def test_each_level_learns_from_its_own_size_and_nothing_else():
    x = digits().images[:8]
    torch.manual_seed(0)
    model = digits_lapgan().eval()
    other_details = nnf.interpolate(down(x), scale_factor=2)         # the same d(x)
    for player in model.players():
        model.zero_grad()
        torch.manual_seed(1)
        loss = model.loss(x, player)
        loss.backward()
        touched = {name.split(".")[1] for name, p in model.named_parameters() if p.grad is not None}
        assert touched == {player[-1]}
        torch.manual_seed(1)
        unseen = abs(model.loss(other_details, player) - loss) < 1e-5
        assert unseen == (player != "D_0")


def test_each_turn_moves_one_player_only():
    torch.manual_seed(0)
    model = digits_lapgan()
    assert list(model.players()) == ["D_0", "G_0", "D_1", "G_1", "D_2", "G_2"]
    assert sum(map(len, model.players().values())) == len(list(model.parameters()))
    for player in ("D_0", "G_0", "D_2", "G_2"):
        before = [p.detach().clone() for p in model.parameters()]
        own = {id(p) for p in model.players()[player]}
        fit(model, batches(digits().images[:64], size=16), steps=1, lr=0.01, device="cpu",
            turns=[(player, 1)])
        for p, old in zip(model.parameters(), before):
            assert id(p) in own or torch.equal(p, old)
        assert any(not torch.equal(p, old) for p, old in zip(model.parameters(), before))


def test_samples_are_pictures_and_a_seed_means_one_sample():
    model = digits_lapgan()
    first, again = (model.steps(3, generator=seeded(1)) for _ in range(2))
    assert [tuple(x.shape) for x in first] == [(3, 1, 7, 7), (3, 1, 14, 14), (3, 1, 28, 28)]
    assert all(torch.equal(a, b) and a.abs().max() <= 1 + 1e-6 for a, b in zip(first, again))
    assert torch.equal(model.sample(3, generator=seeded(1)), first[-1])
    assert not torch.equal(model.sample(3, generator=seeded(2)), first[-1])
    with pytest.raises(ValueError, match="unconditional"):
        model.sample(3, y=torch.zeros(3))
    with pytest.raises(ValueError, match="to start from"):
        model.steps(3, start=torch.zeros(4, 1, 7, 7))
    with pytest.raises(ValueError, match="Each level"):
        LAPGAN([nn.Flatten()], [], 3)


@pytest.mark.parametrize("d, sigma, m", [(1, 0.1, 8000), (1, 1.0, 2000), (2, 0.3, 8000)])
def test_windows_on_a_gaussian_converge_to_the_gaussian_made_wider(d, sigma, m):
    """E p̂ = N(0, (1 + σ²) I), and E N(x; s, σ²I)² = (4πσ²)^(−d/2) N(x; 0, (1 + σ²/2) I)."""
    normal = lambda x, v: (-(x**2).sum(1) / (2 * v) - d / 2 * math.log(2 * math.pi * v)).exp()
    samples = torch.randn(m, d, generator=rng, dtype=torch.float64)
    x = torch.randn(1000, d, generator=rng, dtype=torch.float64)
    near = x[x.norm(dim=1) < 2]
    log_p, p = parzen(near, samples, sigma), normal(near, 1 + sigma**2)
    second = (4 * math.pi * sigma**2) ** (-d / 2) * normal(near, 1 + sigma**2 / 2)
    deviation = ((second / p**2 - 1) / m).sqrt()
    assert ((log_p.exp() / p - 1).abs() < 6 * deviation).all()
    # the mean over x is minus the cross-entropy of the two, which is known
    known = -d / 2 * math.log(2 * math.pi * (1 + sigma**2)) - d / (2 * (1 + sigma**2))
    spread = math.sqrt(d / 2) / (1 + sigma**2) / math.sqrt(len(x))
    assert abs(parzen(x, samples, sigma).mean() - known) < 5 * spread + deviation.max()


def test_windows_in_the_limits_of_their_width():
    samples = torch.randn(50, 3, generator=rng, dtype=torch.float64)
    x = torch.randn(7, 3, generator=rng, dtype=torch.float64)
    wide = 1e4                              # one window over the mean
    one = parzen(x, samples.mean(0, keepdim=True), wide)
    assert (parzen(x, samples, wide) - one).abs().max() < 1e-6
    narrow = 1e-3                           # the nearest sample alone
    nearest = samples[torch.cdist(x, samples).argmin(1)].unsqueeze(1)
    alone = parzen(x, nearest, narrow) - math.log(50)
    assert (parzen(x, samples, narrow) / alone - 1).abs().max() < 1e-9
    # a unit twice as long, numbers half as large: log p grows by d log 2
    assert (parzen(x / 2, samples / 2, 0.3) - parzen(x, samples, 0.6)
            - 3 * math.log(2)).abs().max() < 1e-9


def test_each_x_may_have_samples_of_its_own():
    samples = torch.randn(4, 30, 1, 2, 2, generator=rng)
    x = torch.randn(4, 1, 2, 2, generator=rng)
    own = parzen(x, samples, 0.5)
    for i in range(4):
        assert own[i].item() == pytest.approx(parzen(x[i:i + 1], samples[i], 0.5).item())


def test_the_width_is_chosen_on_other_points():
    samples, x = torch.randn(2, 300, 2, generator=rng, dtype=torch.float64)
    widths = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
    assert best_sigma(x, samples, widths) == 0.3      # of the order of 300^(−1/6) = 0.39, Silverman
    assert best_sigma(samples, samples, widths) == 0.01      # on the samples themselves: the least


def test_errors_of_windows():
    x = torch.zeros(3, 2)
    with pytest.raises(ValueError, match="σ > 0"):
        parzen(x, x, 0.0)
    for samples in (torch.zeros(4, 3), torch.zeros(2, 5, 2)):
        with pytest.raises(ValueError, match="do not fit"):
            parzen(x, samples, 1.0)


def test_haar_turns_without_stretching():
    x = torch.randn(5, 3, 8, 6, generator=rng, dtype=torch.float64)
    coarse, h = haar(x)
    assert coarse.shape == (5, 3, 4, 3) and h.shape == (5, 9, 4, 3)
    assert (coarse - 2 * down(x)).abs().max() < 1e-14
    length = (coarse**2).sum((1, 2, 3)) + (h**2).sum((1, 2, 3))
    assert (length - (x**2).sum((1, 2, 3))).abs().max() < 1e-12
    # h sees what d leaves out, and nothing else
    blocks = nnf.interpolate(down(x), scale_factor=2)
    assert (haar(x - blocks)[1] - h).abs().max() < 1e-12 and haar(blocks)[1].abs().max() < 1e-12


def test_the_multiscale_estimate_of_a_gaussian_is_that_of_its_entropy():
    """Pixels N(0, s²), 2×2: u(d(x)) is the mean, so that h = s (z − mean z) is the true detail."""
    s, sigma, n, m = 0.6, 0.3, 400, 2000
    G = Oracle(lambda l_k, z: s * (z - z.mean((2, 3), keepdim=True)))
    model = LAPGAN([G, Oracle(lambda z: s / 2 * z[:, :1, None, None])], [nn.Flatten()] * 2, 1)
    x = s * torch.randn(n, 1, 2, 2, generator=rng)
    coarse = model.steps(m, generator=seeded(0))[0]
    terms = multiscale_parzen(model, x, x[:50], coarse, m, sigmas=[sigma], generator=seeded(0))
    for term, d, width in zip(terms.T, (3, 1), (sigma, 2 * sigma)):
        v = (s / 2) ** 2 + width**2                   # of pixels in [0, 1], and of a turn of them
        known = -d / 2 * (math.log(2 * math.pi * v) + (s / 2) ** 2 / v)
        # five times the spread of the mean over x, and that of 2,000 windows
        tolerance = 5 * math.sqrt(d / 2) * (s / 2) ** 2 / v / math.sqrt(n) + 0.02
        assert abs(term.mean() - known) < tolerance
    assert terms.shape == (n, 2)


def test_the_shipped_weights_are_as_good_as_what_was_measured():
    model = load(digits_lapgan(), weights("lapgan_digits"))
    assert weights("lapgan_digits").stat().st_size < 4e6
    x = model.sample(5000, generator=seeded(0))
    measured, = (row for row in rows() if (row["model"], row["budget"], row["seed"])
                 == ("LAPGAN", "80", "0"))
    assert abs(fid(x) - float(measured["fid"])) < 2       # sampling moves a FID of 5,000 by less
    assert precision_recall(features(digits().images[:2000]), features(x[:2000]))[1] > 0.5
    assert classify(x).exp().mean(0).min() > 0.03         # every digit comes


def test_a_cascade_is_no_worse_than_one_gan_of_the_same_cost():
    cheap = [row for row in rows() if row["budget"] == "40"]
    fids = {model: [float(row["fid"]) for row in cheap if row["model"] == model]
            for model in ("GAN", "LAPGAN")}
    assert {row["seed"] for row in cheap} == {"0", "1", "2"} and len(cheap) == 6
    assert max(fids["LAPGAN"]) < min(fids["GAN"])


def test_the_estimates_rank_as_the_text_says():
    for row in rows():
        if row["model"] == "LAPGAN":
            terms = sum(float(row[f"level_{k}"]) for k in range(3))
            assert float(row["multiscale"]) == pytest.approx(terms)
            # real coarse pictures help by more than the spread of either estimate
            assert terms - float(row["parzen"]) > float(row["multiscale_spread"])
