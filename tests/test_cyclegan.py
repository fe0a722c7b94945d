import csv
import itertools
import math
from pathlib import Path

import pytest
import torch
from test_faces import small_celeba
from torch import nn

from course_lib.core import Trainable, fit, load
from course_lib.data import ATTRIBUTES, CELEBA_ATTRIBUTES, Digits, Faces, celeba, digits, faces
from course_lib.data.domains import by_attribute, clusters, flat, unpaired
from course_lib.evaluate import attributes, classify, features, frechet_distance
from course_lib.gan import minimax
from course_lib.gan.cyclegan import (
    LEAST_SQUARES,
    LOG,
    Adversarial,
    CycleGAN,
    ImageBuffer,
    cycle_loss,
    cyclegan,
    identity_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    points_cyclegan,
)
from course_lib.nets import OffsetG, PatchD, ResnetG
from course_lib.recipes import weights
from course_lib.recipes.cyclegan import MODELS, TASKS, domains, photographs, train_on

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
rng = torch.Generator().manual_seed(0)
PLAYERS = ("D_X", "D_Y", "G")


def points(n=8, d=2):
    return torch.randn(n, d, generator=rng)


def images(n=3, channels=1, size=16):
    return torch.rand(n, channels, size, size, generator=rng) * 2 - 1


def model(**named):
    """Four different networks of points, with no memory."""
    torch.manual_seed(0)
    base = points_cyclegan(width=8)
    return CycleGAN(base.G, base.F, base.D_X, base.D_Y, **({"buffer": 0} | named))


class Linear(nn.Module):
    def __init__(self, matrix):
        super().__init__()
        self.matrix = nn.Parameter(torch.as_tensor(matrix, dtype=torch.float32))

    def forward(self, x):
        return x @ self.matrix.T


TURN = [[0.0, -1.0], [1.0, 0.0]]                                    # by 90°
BACK = [[0.0, 1.0], [-1.0, 0.0]]


def with_maps(G, F, **named):
    base = model()
    return CycleGAN(G, F, base.D_X, base.D_Y, buffer=0, **named)


def test_identity_maps_have_no_cycle_and_no_identity_loss():
    x, y = points(), points()
    assert cycle_loss(x, y, x, y) == identity_loss(x, y, x, y) == 0
    plain = with_maps(nn.Identity(), nn.Identity(), lam=0.0).loss((x, y), "G")
    full = with_maps(nn.Identity(), nn.Identity(), lam=10.0, lam_identity=5.0)
    assert torch.equal(full.loss((x, y), "G"), plain)


def test_maps_that_undo_each_other_have_no_cycle_loss_whatever_they_are():
    """A turn by 90° and one by −90° are cycles alike: the cycle term alone accepts many maps."""
    x, y = points(), points()
    for matrix in (TURN, BACK, [[2.0, 0.0], [0.0, 0.5]]):
        G = Linear(matrix)
        F = Linear(torch.linalg.inv(G.matrix.detach()))
        assert cycle_loss(x, y, F(G(x)), G(F(y))) < 1e-6
        assert identity_loss(x, y, F(x), G(y)) > 0.5
        terms = [with_maps(G, F, lam=lam).loss((x, y), "G") for lam in (0.0, 10.0)]
        assert torch.allclose(*terms, atol=1e-5)


def test_the_terms_are_means_over_pixels_of_both_directions():
    x, y = images(2), images(3)
    assert cycle_loss(x, y, x + 0.25, y - 0.5).item() == pytest.approx(0.75, abs=1e-6)
    assert identity_loss(x, y, x + 0.25, y - 0.5).item() == pytest.approx(0.75, abs=1e-6)


@pytest.mark.parametrize("adversarial", [LEAST_SQUARES, LOG])
def test_the_objective_is_eq_3(adversarial):
    x, y = points(), points()
    losses = {}
    for lam, lam_identity in itertools.product((0.0, 10.0), (0.0, 5.0)):
        cycle = model(adversarial=adversarial, lam=lam, lam_identity=lam_identity)
        losses[lam, lam_identity] = cycle.loss((x, y), "G")
    fake_Y, fake_X = cycle.G(x), cycle.F(y)
    L_GAN = adversarial.generator(cycle.D_Y(fake_Y)) + adversarial.generator(cycle.D_X(fake_X))
    L_cyc = (cycle.F(fake_Y) - x).abs().mean() + (cycle.G(fake_X) - y).abs().mean()
    L_identity = (cycle.G(y) - y).abs().mean() + (cycle.F(x) - x).abs().mean()
    for (lam, lam_identity), loss in losses.items():
        assert torch.allclose(loss, L_GAN + lam * L_cyc + lam_identity * L_identity, rtol=1e-5)


def test_the_log_form_is_the_game_of_the_slide():
    """L_GAN(G, D_Y, X, Y) is −1 times what D_Y minimises, and G minimises its part of it."""
    cycle, (x, y) = model(adversarial=LOG, lam=0.0), (points(), points())
    D_y, D_fake = cycle.D_Y(y).sigmoid(), cycle.D_Y(cycle.G(x)).sigmoid()
    L_GAN = D_y.log().mean() + (1 - D_fake).log().mean()
    assert torch.allclose(cycle.loss((x, y), "D_Y"), -L_GAN, rtol=1e-5)
    G_part = (1 - D_fake).log().mean()
    F_part = (1 - cycle.D_X(cycle.F(y)).sigmoid()).log().mean()
    assert torch.allclose(cycle.loss((x, y), "G"), G_part + F_part, rtol=1e-5)


def test_the_best_D_of_least_squares_is_the_share_of_the_real():
    """D* = a/(a + b), as for the log form; its loss Σ ab/(a + b) is ½ − ¼ Σ (a − b)²/(a + b)."""
    a, b = torch.rand(2, 6, generator=rng, dtype=torch.float64).softmax(1)
    loss = lambda D: (a * (D - 1)**2 + b * D**2).sum()
    best = minimax.optimal_discriminator(a, b).requires_grad_()
    slope, = torch.autograd.grad(loss(best), best)
    assert slope.abs().max() < 1e-15
    assert all(loss(best) < loss(best + 0.1 * torch.randn(6, generator=rng)) for _ in range(20))
    assert loss(best).item() == pytest.approx((a * b / (a + b)).sum().item())
    assert loss(best).item() == pytest.approx((0.5 - ((a - b)**2 / (a + b)).sum() / 4).item())
    counts = torch.tensor([3, 1])                       # and of the function itself, on samples
    D = torch.tensor([0.75, 0.25], dtype=torch.float64, requires_grad=True)
    real = D.repeat_interleave(counts)
    fake = D.repeat_interleave(counts.flip(0))
    least_squares_discriminator_loss(real, fake).backward()
    assert D.grad.abs().max() < 1e-15


def test_least_squares_pulls_where_the_log_form_saturates():
    """At a confident rejection (output −8) the slope of eq. 1 for G has vanished."""
    output = torch.tensor([-8.0], requires_grad=True)
    slope = lambda loss: torch.autograd.grad(loss(output), output)[0].item()
    assert slope(least_squares_generator_loss) == pytest.approx(-18.0)
    assert slope(LOG.generator) == pytest.approx(-torch.sigmoid(output).item())


@pytest.mark.parametrize("player, own", [("D_X", "D_X"), ("D_Y", "D_Y"), ("G", "GF")])
def test_each_player_moves_its_own_networks_alone(player, own):
    cycle = model()
    named = {name for name, _ in cycle.named_parameters()}
    own = ("G", "F") if own == "GF" else (own,)
    before = {name: p.detach().clone() for name, p in cycle.named_parameters()}
    fit(cycle, unpaired(points(16), points(16), size=8), steps=2, lr=1e-2, turns=[(player, 1)],
        device="cpu")
    moved = {name for name, p in cycle.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {name for name in named if name.split(".")[0] in own}


@pytest.mark.parametrize("player, real, maps", [("D_X", "x", "F"), ("D_Y", "y", "G")])
def test_a_discriminators_turn_leaves_all_others_without_gradients(player, real, maps):
    cycle = model()
    cycle.loss((points(), points()), player).backward()
    touched = {name.split(".")[0] for name, p in cycle.named_parameters() if p.grad is not None}
    assert touched == {player}


def test_players_share_all_parameters_out():
    cycle = model()
    ids = [id(p) for ps in cycle.players().values() for p in ps]
    assert tuple(cycle.players()) == PLAYERS
    assert len(ids) == len(set(ids)) and set(ids) == {id(p) for p in cycle.parameters()}
    assert isinstance(cycle, Trainable)


@pytest.mark.parametrize("other", [
    lambda c: CycleGAN(c.G, c.F, c.D_Y, c.D_X, buffer=0),
    lambda c: CycleGAN(c.F, c.G, c.D_X, c.D_Y, buffer=0)])
def test_directions_matter(other):
    """Swapped D_X and D_Y, or G and F, are another game for every player."""
    cycle, batch = model(), (points(), points() + 2)
    for player in PLAYERS:
        assert (cycle.loss(batch, player) - other(cycle).loss(batch, player)).abs() > 1e-3


def test_the_whole_game_with_X_and_Y_exchanged_is_the_same_game():
    cycle, (x, y) = model(lam_identity=5.0), (points(), points() + 2)
    mirror = CycleGAN(cycle.F, cycle.G, cycle.D_Y, cycle.D_X, lam_identity=5.0, buffer=0)
    for player, its in (("D_X", "D_Y"), ("D_Y", "D_X"), ("G", "G")):
        assert torch.allclose(cycle.loss((x, y), player), mirror.loss((y, x), its), rtol=1e-6)


def test_discriminators_judge_real_and_translated_pictures_of_their_own_domain():
    cycle, (x, y) = model(), (points(), points())
    D = least_squares_discriminator_loss
    assert torch.allclose(cycle.loss((x, y), "D_X"), D(cycle.D_X(x), cycle.D_X(cycle.F(y))))
    assert torch.allclose(cycle.loss((x, y), "D_Y"), D(cycle.D_Y(y), cycle.D_Y(cycle.G(x))))


def test_patches_are_averaged_over():
    torch.manual_seed(0)
    cycle = cyclegan(1, 7)
    x, y = images(), images()
    assert cycle.D_Y(y).shape == (3, 1, 10, 10)
    fake = cycle.D_Y.eval()(cycle.G(x))
    cycle.lam = 0.0
    cycle.eval()
    expected = ((fake - 1)**2).mean() + ((cycle.D_X(cycle.F(y)) - 1)**2).mean()
    assert torch.allclose(cycle.loss((x, y), "G"), expected, rtol=1e-5)


def buffered(size, n, batch=1):
    """What comes back of the pictures 0, 1, …, n − 1, handed over in batches."""
    buffer = ImageBuffer(size)
    torch.manual_seed(0)
    return torch.cat([buffer(part) for part in torch.arange(float(n)).split(batch)])


def test_a_buffer_returns_what_fills_it():
    assert torch.equal(buffered(50, 50, 10), torch.arange(50.0))
    assert torch.equal(buffered(0, 200, 10), torch.arange(200.0))


@pytest.mark.parametrize("batch", [1, 16])
def test_the_law_of_the_buffer(batch):
    """Half of what comes is old, once it is full; each picture that is kept comes back once, and
    waits for 1, 2, … pictures with the geometric law of q = 1/(2·size), of mean 2·size."""
    size, n, burn = 50, 40_000, 2000
    out = buffered(size, n, batch)
    age = (torch.arange(float(n)) - out)[burn:]
    m, q = len(age), 1 / (2 * size)
    old = age > 0
    assert age.min() == 0
    assert abs(old.double().mean() - 0.5) < 4 * 0.5 / math.sqrt(m)
    waits = age[old].double()
    # Each is geometric of standard deviation √(1 − q)/q; neighbours are almost independent.
    assert abs(waits.mean() - 1 / q) < 5 * math.sqrt(1 - q) / q / math.sqrt(len(waits))
    assert abs(age.double().mean() - size) < 5 * math.sqrt(3) / (2 * q) / math.sqrt(m)
    for k in (20, 100, 300):
        p = (1 - q)**k
        assert abs((waits > k).double().mean() - p) < 5 * math.sqrt(p * (1 - p) / len(waits))
    kept = out[burn:][old]
    assert len(kept.unique()) == len(kept)


def test_what_the_buffer_holds_has_no_gradient_and_does_not_follow_a_change():
    buffer, pictures = ImageBuffer(4), points(4)
    out = buffer(pictures.requires_grad_())
    assert not out.requires_grad and not any(p.requires_grad for p in buffer.pictures)
    with torch.no_grad():
        pictures.zero_()
        out.mul_(2)
    assert torch.equal(2 * torch.stack(buffer.pictures), out)
    assert not any("buffer" in name for name in model(buffer=4).state_dict())


def test_each_discriminator_has_a_history_of_its_own():
    cycle, batch = model(buffer=4), (points(4), points(4))
    cycle.loss(batch, "D_Y")
    assert len(cycle.buffer_Y.pictures) == 4 and not cycle.buffer_X.pictures
    assert torch.allclose(torch.stack(cycle.buffer_Y.pictures), cycle.G(batch[0]))
    cycle.loss(batch, "G")
    assert not cycle.buffer_X.pictures


def tables(weight):
    """p of the four points ±e₁, ±e₂; X lives on the first two and Y on the last two."""
    w = torch.tensor([weight, 1 - weight], dtype=torch.float64)
    zero = torch.zeros(2, dtype=torch.float64)
    return torch.cat([w, zero]), torch.cat([zero, w])


@pytest.mark.parametrize("weight", [0.5, 0.8])
def test_equal_weights_allow_two_perfect_maps_and_unequal_ones_a_single_one(weight):
    """G: e₁ → e₂ or e₁ → −e₂, with its inverse F: both cycles are perfect; D tells them apart only
    where the weights differ. G of one and F of the other contradict each other, and no D sees it.
    """
    _, p_Y = tables(weight)
    maps = {"turn": torch.tensor([2, 3, 1, 0]), "back": torch.tensor([3, 2, 0, 1])}
    p_X = tables(weight)[0]
    value = {}
    for name, G in maps.items():
        F = G.argsort()
        assert torch.equal(F[G], torch.arange(4))                     # the cycle closes
        p_g = torch.zeros(4, dtype=torch.float64).index_add(0, G, p_X)
        value[name] = minimax.C(p_Y, p_g).item()
    assert value["turn"] == pytest.approx(-math.log(4))
    if weight == 0.5:
        assert value["back"] == pytest.approx(-math.log(4))
    else:
        assert value["back"] > -math.log(4) + 0.2
    F_other = maps["back"].argsort()
    assert torch.equal(F_other[maps["turn"]][:2], torch.tensor([1, 0]))   # every point is swapped


def test_clusters_have_their_weights_and_places():
    for angle in (0.0, 60.0, 90.0):
        x = clusters(20_000, 0.8, angle=angle, generator=torch.Generator().manual_seed(1))
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        along, across = cos * x[:, 0] + sin * x[:, 1], cos * x[:, 1] - sin * x[:, 0]
        assert abs((along > 0).double().mean() - 0.8) < 4 * math.sqrt(0.16 / 20_000)
        assert abs(across.std() - 0.1) < 0.003
        assert abs(along[along > 0].mean() - 1) < 4 * 0.1 / math.sqrt(15_000)


def test_a_perfect_cycle_through_a_domain_of_less_hides_what_it_cannot_show():
    """G = diag(1, s) has the law of Y and an exact inverse; noise that Y hides comes back as 1."""
    generator, s = torch.Generator().manual_seed(1), 0.1
    x = flat(20_000, 1.0, generator=generator)
    G, F = Linear(torch.diag(torch.tensor([1, s]))), Linear(torch.diag(torch.tensor([1, 1 / s])))
    y, fake_Y = flat(20_000, s, generator=generator), G(x)
    for part in (y, fake_Y):
        assert torch.allclose(part.std(0), torch.tensor([1, s]), rtol=0.03)   # 5 of 1/√(2n)
    assert cycle_loss(x, y, F(fake_Y), G(F(y))) < 1e-6
    noise = s * torch.randn(x.shape, generator=generator)
    assert abs((F(fake_Y + noise) - x).std(0)[1] - 1) < 0.03
    without = F(fake_Y * torch.tensor([1.0, 0.0]))
    assert abs((without - x)[:, 1].abs().mean() - math.sqrt(2 / math.pi)) < 5 * 0.6 / math.sqrt(2e4)


def test_it_learns_the_map_that_the_identity_term_prefers():
    """Y is X turned by 60°; the other perfect cycle turns by −120°. Clusters lie 2 apart."""
    generator = torch.Generator().manual_seed(1)
    x = clusters(2000, 0.8, generator=generator)
    y = clusters(2000, 0.8, angle=60.0, generator=generator)
    cos, sin = math.cos(math.radians(60)), math.sin(math.radians(60))
    best = x @ torch.tensor([[cos, sin], [-sin, cos]])
    torch.manual_seed(0)
    cycle = points_cyclegan(lam_identity=5.0, width=32)
    fit(cycle, unpaired(x, y), steps=150, lr=3e-3, betas=(0.5, 0.99), device="cpu")
    made = cycle.to_Y(x)
    assert (made - best).norm(dim=1).mean() < 0.3
    assert ((made * best).sum(1) > 0).float().mean() > 0.99
    assert (cycle.to_X(made) - x).abs().mean() < 0.1


def test_batches_of_two_domains_are_unpaired_and_of_unequal_length():
    x, y = torch.arange(10.0)[:, None], torch.arange(6.0)[:, None]
    torch.manual_seed(0)
    passes = [list(unpaired(x, y, size=2)) for _ in range(2)]
    for one in passes:
        assert len(one) == len(unpaired(x, y, size=2)) == 5
        assert sorted(torch.cat([a for a, _ in one]).flatten().tolist()) == list(range(10))
        seen = torch.cat([b for _, b in one]).flatten()
        assert sorted(seen[:6].tolist()) == list(range(6))
    pairs = [torch.cat(one[0], 1) for one in passes]
    assert not torch.equal(*pairs)


def test_domains_of_an_attribute():
    portraits = faces(300)
    x, y = by_attribute(portraits, "Eyeglasses", most=50)
    has = portraits.attributes[:, ATTRIBUTES.index("Eyeglasses")]
    assert torch.equal(x, portraits.images[~has][:50])
    assert torch.equal(y, portraits.images[has][:50])


def test_translation_is_the_map_without_gradients():
    torch.manual_seed(0)
    cycle, x = cyclegan(3, 7), images(2, 3)
    assert cycle.to_Y(x).shape == x.shape and cycle.to_Y(x).abs().max() <= 1
    assert not cycle.to_Y(x).requires_grad
    assert torch.equal(cycle.to_X(x), cycle.F(x)) and torch.equal(cycle.to_Y(x), cycle.G(x))


def test_the_generator_lays_a_picture_over_x_where_its_mask_says():
    torch.manual_seed(0)
    G, x = ResnetG(3), images(2, 3)
    c, m = G.painted(x)
    assert m.shape == (2, 1, 16, 16) and 0 < m.min() and m.max() < 1
    assert c.shape == x.shape and c.abs().max() <= 1
    assert torch.allclose(G(x), x + m * (c - x), atol=1e-6)
    assert G(x).abs().max() <= 1
    for p in G.net[-1].parameters():                   # m = σ(−2), c = 0
        nn.init.zeros_(p)
    assert torch.allclose(G(x), (1 - torch.sigmoid(torch.tensor(-2.0))) * x, atol=1e-6)


def test_the_generator_of_styles_adds_to_x_and_stays_a_picture():
    torch.manual_seed(0)
    G, x = OffsetG(1), images(2, 1)
    c, _ = G.painted(x)
    inside = (x + 2 * c).abs() < 1
    assert torch.equal(G(x)[inside], (x + 2 * c)[inside]) and G(x).abs().max() == 1
    for p in G.net[-1].parameters():                   # c = 0
        nn.init.zeros_(p)
    assert torch.equal(G(x), x)


@pytest.mark.parametrize("task", TASKS)
def test_domains_of_a_task(task):
    x, y = domains(task, "test")
    assert len(x) == len(y) == 2000 and x.shape[1:] == y.shape[1:]
    if task == "digits":
        assert torch.equal(x, digits("mnist", "test").images)
        assert torch.equal(y, digits("usps", "test").images)
        return
    of = ATTRIBUTES.index({"eyeglasses": "Eyeglasses", "hair": "Long_Hair"}[task])
    assert (attributes(x[:500])[:, of] > 0).float().mean() < 0.01
    assert (attributes(y[:500])[:, of] > 0).float().mean() > 0.99


def test_photographs_of_celeba_are_domains_like_portraits(tmp_path):
    has = small_celeba(tmp_path)[:4]
    mixed = has.any(0) & ~has.all(0)
    name = CELEBA_ATTRIBUTES[int(mixed.nonzero()[0])]
    column = has[:, CELEBA_ATTRIBUTES.index(name)]
    x, y = photographs(tmp_path, name)
    pictures = celeba(tmp_path).images[:]
    assert torch.equal(x, pictures[~column]) and torch.equal(y, pictures[column])
    assert len(photographs(tmp_path, name, most=1)[0]) == 1
    torch.manual_seed(0)
    cycle = MODELS["photographs"]()
    x, y = (part[:1].expand(16, -1, -1, -1) for part in (x, y))
    assert train_on(cycle, x, y, steps=1).steps == 1
    assert cycle.to_Y(x[:2]).shape == (2, 3, 64, 64)
    lacking = CELEBA_ATTRIBUTES[int((~has.any(0)).nonzero()[0])]
    with pytest.raises(ValueError, match=f"Nobody has {lacking}"):
        photographs(tmp_path, lacking)
    with pytest.raises(ValueError, match="no attribute 'Long_Hair'"):
        photographs(tmp_path, "Long_Hair")


def test_shipped_maps_change_the_glasses_and_keep_the_person():
    cycle = load(MODELS["eyeglasses"](), weights("cyclegan_eyeglasses"))
    x, y = (part[:300] for part in domains("eyeglasses", "test"))
    has = lambda part: attributes(part) > 0
    glasses = ATTRIBUTES.index("Eyeglasses")
    other = [i for i, name in enumerate(ATTRIBUTES) if "glasses" not in name]
    for before, after, wanted in ((x, cycle.to_Y(x), True), (y, cycle.to_X(y), False)):
        assert (has(after)[:, glasses] == wanted).float().mean() > 0.98
        same = has(after)[:, other] == has(before)[:, other]
        assert same.float().mean() > 0.99 and same.all(1).float().mean() > 0.85
    assert (cycle.to_X(cycle.to_Y(x)) - x).abs().mean() < 0.05


def test_shipped_maps_change_the_hair_and_keep_the_person():
    cycle = load(MODELS["hair"](), weights("cyclegan_hair"))
    x, y = (part[:500] for part in domains("hair", "test"))
    has = lambda part: attributes(part) > 0
    length = ATTRIBUTES.index("Long_Hair")
    for before, after, wanted in ((x, cycle.to_Y(x), True), (y, cycle.to_X(y), False)):
        assert (has(after)[:, length] == wanted).float().mean() > 0.95
        kept = (has(after) == has(before)).float().mean(0)
        kept[length] = 1
        assert kept.min() > 0.85 and kept.mean() > 0.985


def test_shipped_maps_change_the_style_and_keep_the_digit():
    """Real digits of another split lie apart, too: MNIST's by 16 of the 84 between the two."""
    cycle = load(MODELS["digits"](), weights("cyclegan_digits"))
    X, Y = (Digits(*(part[:1000] for part in digits(name, "test"))) for name in ("mnist", "usps"))
    fake_Y, fake_X = cycle.to_Y(X.images), cycle.to_X(Y.images)
    for fake, labels in ((fake_Y, X.labels), (fake_X, Y.labels)):
        assert (classify(fake).argmax(1) == labels).float().mean() > 0.95
    statistics = lambda x: (lambda h: (h.mean(0), h.T.cov()))(features(x).double())
    of_X, of_Y = statistics(X.images), statistics(Y.images)
    before = frechet_distance(*of_X, *of_Y)
    assert frechet_distance(*statistics(fake_Y), *of_Y) < before / 2
    assert frechet_distance(*statistics(fake_X), *of_X) < 0.6 * before


def rows(name, **fixed):
    with open(RESULTS / f"{name}.csv", newline="") as file:
        found = [row for row in csv.DictReader(file)
                 if all(row[key] == value for key, value in fixed.items())]
    return lambda column: [float(row[column]) for row in found]


def test_without_the_cycle_term_glasses_come_and_the_person_goes():
    """In all seeds; the cycle alone keeps everything, and changes nothing."""
    of = {terms: rows("cyclegan", task="eyeglasses", terms=terms)
          for terms in ("all", "no identity", "no cycle", "GAN alone", "cycle alone")}
    for terms in ("all", "no identity", "no cycle", "GAN alone"):
        assert min(of[terms]("translated_Y")) > 0.95
    for whole, broken in itertools.product(("all", "no identity"), ("no cycle", "GAN alone")):
        for column in ("cycle_x", "cycle_y", "distance_Y", "distance_X"):
            assert max(of[whole](column)) < min(of[broken](column)) / 2
        assert min(of[whole]("person_Y")) > max(of[broken]("person_Y")) + 0.2
    assert max(of["cycle alone"]("translated_Y")) == 0 and min(of["cycle alone"]("kept_Y")) > 0.99


def test_without_the_cycle_term_fewer_digits_keep_their_label():
    """In all seeds; the maps start at the identity, which keeps many of them."""
    whole, alone = (rows("cyclegan", task="digits", terms=terms)
                    for terms in ("no identity", "GAN alone"))
    assert min(whole("kept_Y")) > max(alone("kept_Y")) + 0.02 > 0.9
    for column in ("cycle_x", "cycle_y"):
        assert 3 * max(whole(column)) < min(alone(column))


def test_the_log_form_moves_nothing_unless_G_descends_the_other_logarithm():
    """D soon rejects with certainty, where log(1 − D) is flat and −log D is not."""
    assert max(rows("cyclegan", terms="log form")("translated_Y")) == 0
    assert max(rows("cyclegan", terms="log form")("cycle_x")) < 0.001
    for form in ("all", "log form, non-saturating"):
        assert min(rows("cyclegan", task="eyeglasses", terms=form)("translated_Y")) > 0.99
        assert min(rows("cyclegan", task="eyeglasses", terms=form)("person_Y")) > 0.9


def test_on_points_cycles_close_on_either_map_and_neither_weights_nor_identity_promise_one():
    for weight, angle in (("0.5", "90"), ("0.8", "90")):
        fixed = {"weight": weight, "angle": angle}
        assert min(rows("cyclegan_points", terms="GAN alone", **fixed)("cycle")) > 0.1
        closed = rows("cyclegan_points", terms="no identity", **fixed)
        assert max(closed("cycle")) < 0.02
        assert min(closed("right_G")) < 0.02 and max(closed("right_G")) > 0.98    # both maps
    right = {(weight, terms): rows("cyclegan_points", weight=weight, angle="60", terms=terms)(
        "right_G") for weight in ("0.5", "0.8") for terms in ("no identity", "all")}
    assert all(len(found) == 8 and max(found) > 0.98 for found in right.values())
    assert all(min(right[one]) < 0.02 for one in right if one != ("0.8", "all"))
    assert min(right["0.8", "all"]) > 0.98                       # of eight seeds


def test_what_y_cannot_show_is_hidden_in_its_thickness():
    """E|N(0, 1)| = √(2/π) is lost of one coordinate of two, so half of it in the mean of both."""
    lost = math.sqrt(2 / math.pi) / 2
    given = lambda what: rows("cyclegan_hidden", given=what)
    assert max(given("G(x)")("back")) < 0.02 and min(given("G(x)")("D_Y")) > 0.48
    assert all(0.09 < thickness < 0.11 for thickness in given("G(x)")("thickness"))
    for what in ("G(x) without its thickness", "G(x), noise of 0.1"):
        assert min(given(what)("back")) > 0.9 * lost


def nobody(name="Eyeglasses", value=False):
    portraits = faces(20, attributes={name: value})
    return Faces(*portraits)


@pytest.mark.parametrize("call, message", [
    (lambda: unpaired(images(4), images(4, size=12), size=2), "X has 1 × 16 × 16 .* 1 × 12 × 12"),
    (lambda: unpaired(images(4), images(4, 3), size=2), "channels.*Y has 3 × 16 × 16"),
    (lambda: unpaired(images(4), images(4).double(), size=2), "torch.float64"),
    (lambda: unpaired(images(4)[:0], images(4), size=2), "Domain X is empty"),
    (lambda: unpaired(images(4), images(4)[:0], size=2), "Domain Y is empty"),
    (lambda: unpaired(images(4), images(8), size=5), "between 1 and the 4 rows"),
    (lambda: cyclegan(1, 7).loss((images(), images(3, 1, 12)), "G"), "one number of channels"),
    (lambda: cyclegan(1, 7).loss((images(), images(3, 3)), "D_X"), "one number of channels"),
    (lambda: cyclegan(1, 7).loss((images(), images()[:0]), "D_Y"), "Domain Y is empty"),
    (lambda: by_attribute(nobody(), "Eyeglasses"), "Nobody has Eyeglasses"),
    (lambda: by_attribute(nobody(value=True), "Eyeglasses"), "Everybody has Eyeglasses"),
    (lambda: by_attribute(nobody(), "Moustache"), "no attribute 'Moustache'"),
    (lambda: ResnetG(1)(torch.zeros(1, 1, 15, 16)), "must be even, got 15×16"),
    (lambda: domains("moustache"), "'eyeglasses', 'hair', 'digits'.*'moustache'"),
    (lambda: domains("hair", "valid"), "'valid'"),
    (lambda: PatchD(1, 22)(images()), "does not fit"),
])
def test_bad_input_gets_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_pair_of_loss_functions_is_one_argument():
    """The non-saturating form is a third one: as the log form for D, stronger for G."""
    third = Adversarial(minimax.discriminator_loss, minimax.non_saturating_generator_loss)
    cycle, batch = model(adversarial=third, lam=0.0), (points(), points())
    log = model(adversarial=LOG, lam=0.0)
    assert torch.equal(cycle.loss(batch, "D_X"), log.loss(batch, "D_X"))
    assert not torch.allclose(cycle.loss(batch, "G"), log.loss(batch, "G"), atol=0.1)
