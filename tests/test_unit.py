import pytest
import torch
from torch.distributions import Laplace, Normal, kl_divergence

from course_lib.core import fit
from course_lib.gan import unit
from course_lib.gan.cogan import CoGAN, CoGANClassifier
from course_lib.gan.minimax import discriminator_loss
from course_lib.gan.unit import UNIT, UNITClassifier, cycle, encoded, kl, reconstruction
from course_lib.nets import CoupledD, CoupledE, CoupledG, VectorG

rng = torch.Generator().manual_seed(0)


def images(n=4, channels=1, size=12):
    return torch.rand(n, channels, size, size, generator=rng) * 2 - 1


def model(domains=2, lam=(1.0, 1e-3, 1e-2, 1e-3, 1e-2), kind=UNIT, **more):
    torch.manual_seed(0)
    return kind(CoupledE(domains, 1, 4, 8), CoupledG(domains, 1, 4, 8),
                CoupledD(domains, 1, 12, 10, 16, 4), lam=lam, **more)


def cogan(kind=CoGAN):
    torch.manual_seed(0)
    return kind(VectorG(5, 4, 3), CoupledG(2, 1, 4, 8), CoupledD(2, 1, 12, 10, 16, 4))


@pytest.mark.parametrize("scale", [0.0, 1e-3, 1.0, 30.0])
def test_the_kl_is_that_of_unit_gaussians(scale):
    mu = scale * torch.randn(5, 3, 2, 2, generator=rng, dtype=torch.float64)
    exact = kl_divergence(Normal(mu, 1.0), Normal(0.0, 1.0)).sum((1, 2, 3)).mean()
    assert torch.allclose(kl(mu), exact, rtol=1e-12, atol=1e-14)


def test_the_code_is_the_mean_and_unit_noise():
    mu = torch.arange(4.0).expand(40_000, 4)
    torch.manual_seed(0)
    z = encoded(mu)
    assert torch.allclose(z.mean(0), mu[0], atol=6 / 200) and torch.allclose(
        z.var(0), torch.ones(4), atol=6 * 2**0.5 / 200)          # six standard errors


def test_the_reconstruction_is_a_laplacian_likelihood_up_to_a_constant():
    x, x_hat = images(3, 2).double(), images(3, 2).double()
    exact = -Laplace(x_hat, 1.0).log_prob(x).sum((1, 2, 3)).mean()
    constant = x[0].numel() * torch.tensor(2.0).log()
    assert torch.allclose(reconstruction(x_hat, x) + constant, exact)
    assert reconstruction(x, x) == 0


def test_the_cycle_has_two_kls_and_one_reconstruction():
    mu, mu_ij = (torch.randn(3, 4, generator=rng) for _ in range(2))
    x, x_iji = images(3), images(3)
    assert torch.allclose(cycle(mu, mu_ij, x_iji, x, 0.5, 0.0), 0.5 * (kl(mu) + kl(mu_ij)))
    assert torch.allclose(cycle(mu, mu_ij, x_iji, x, 0.0, 2.0), 2 * reconstruction(x_iji, x))


@pytest.mark.parametrize("domains", [2, 3, 4])
def test_six_kls_and_four_reconstructions_with_two_domains(domains, monkeypatch):
    """A KL a domain and two a direction of the cycle."""
    count = {"kl": 0, "reconstruction": 0}
    for name, function in (("kl", kl), ("reconstruction", reconstruction)):
        def counted(*arguments, name=name, function=function):
            count[name] += 1
            return function(*arguments)
        monkeypatch.setattr(unit, name, counted)
    M = model(domains)
    M.loss([images() for _ in range(domains)], "G")
    assert count == {"kl": 3 * domains, "reconstruction": 2 * domains}
    count.update(kl=0, reconstruction=0)
    M.loss([images() for _ in range(domains)], "D")
    assert count == {"kl": 0, "reconstruction": 0}


def test_each_weight_scales_its_own_terms():
    batch = (images(), images())

    def loss(*lam):
        torch.manual_seed(1)
        return model(lam=lam).eval().loss(batch, "G").item()

    one = torch.eye(5).tolist()
    parts = [loss(*row) for row in one]
    assert min(parts) > 0
    lam = (0.5, 0.1, 0.2, 0.3, 0.7)
    total = sum(a * b for a, b in zip(lam, parts, strict=True))
    assert loss(*lam) == pytest.approx(total, rel=1e-5)
    assert parts[3] > parts[1]                       # the cycle's hold the VAE's, and two more


@pytest.mark.parametrize("net", ["E", "G", "D"])
def test_high_layers_are_one_object_and_low_layers_are_not(net):
    M = model(3)
    part, x = getattr(M, net), images()
    inputs = torch.randn(4, 4, 3, 3, generator=rng) if net == "G" else x
    for k in range(3):
        part.zero_grad()
        part(inputs, k).sum().backward()
        assert all(p.grad is not None for p in part.high.parameters())
        touched = [any(p.grad is not None for p in low.parameters()) for low in part.low]
        assert touched == [i == k for i in range(3)]
    assert len(set(map(id, part.low))) == 3
    shared = {id(p) for p in part.high.parameters()}
    assert not shared & {id(p) for low in part.low for p in low.parameters()}


def test_players_own_each_weight_once():
    for M in (model(), cogan(), model(kind=UNITClassifier), cogan(CoGANClassifier)):
        owned = [id(p) for part in M.players().values() for p in part]
        assert len(owned) == len(set(owned)) and set(owned) == {id(p) for p in M.parameters()}


def test_D_leaves_the_generators_alone():
    for M in (model(), cogan()):
        M.loss((images(), images()), "D").backward()
        assert all(p.grad is None for p in M.players()["G"])


def test_D_sees_translations_of_the_other_domain():
    M, batch = model(lam=(2.0, 0, 0, 0, 0)).eval(), (images(), images())
    torch.manual_seed(3)
    loss = M.loss(batch, "D")
    torch.manual_seed(3)
    z = [encoded(M.E(x, k)) for k, x in enumerate(batch)]
    other = [M.G(z[1], 0), M.G(z[0], 1)]
    exact = sum(discriminator_loss(M.D(batch[k], k), M.D(other[k], k)) for k in (0, 1))
    assert torch.allclose(loss, 2 * exact)


def test_translation_goes_through_the_shared_code():
    M, x = model(3).eval(), images()
    with torch.no_grad():
        assert torch.equal(M.translate(x, 0, 2), M.G(M.E(x, 0), 2))
        assert M.translate(x, 1, 1).shape == x.shape
    draw = lambda seed: M.translate(x, 0, 1, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(draw(0), draw(0)) and not torch.equal(draw(0), draw(1))


def test_a_third_domain_costs_its_low_layers_only():
    count = lambda net: sum(p.numel() for p in net.parameters())
    for net in ("E", "G", "D"):
        two, three = getattr(model(2), net), getattr(model(3), net)
        assert count(three) - count(two) == count(two.low[0]) < count(two.high)


def test_coupled_samples_share_their_z():
    M = cogan()
    with torch.no_grad():
        M.G.low[1].load_state_dict(M.G.low[0].state_dict())
    a, b = M.sample(6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(a, b) and a.shape == (6, 1, 12, 12)
    M.G.low[1][0].bias.data += 1
    a, c = M.sample(6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(a, b) and not torch.equal(a, c)
    with pytest.raises(ValueError, match="no class"):
        M.sample(2, y=torch.zeros(2))


def feature_term(M, batch, weight):
    M.lam_feature = weight
    torch.manual_seed(0)
    return M.loss(batch, "D").item()


def test_equal_heads_see_a_coupled_pair_alike():
    """With equal low layers a pair is one picture twice."""
    M = cogan(CoGANClassifier).eval()
    for net in (M.G, M.D):
        net.low[1].load_state_dict(net.low[0].state_dict())
    batch = ((images(), torch.tensor([0, 1, 2, 3])), images())
    assert feature_term(M, batch, 0.0) == pytest.approx(feature_term(M, batch, 1e3), abs=1e-3)
    M.D.low[1][0].bias.data += 1
    assert feature_term(M, batch, 1e3) > feature_term(M, batch, 0.0) + 1


def test_equal_heads_see_a_perfect_translation_alike(monkeypatch):
    M = model(kind=UNITClassifier).eval()
    M.D.low[1].load_state_dict(M.D.low[0].state_dict())
    x, x_t = images(), images()
    batch = ((x, torch.tensor([0, 1, 2, 3])), x_t)
    monkeypatch.setattr(M, "translations", lambda batch: [x_t, x])
    assert feature_term(M, batch, 0.0) == pytest.approx(feature_term(M, batch, 1e3), abs=1e-3)
    monkeypatch.setattr(M, "translations", lambda batch: [x, x_t])
    assert feature_term(M, batch, 1e3) > feature_term(M, batch, 0.0) + 1


@pytest.mark.parametrize("kind", [UNITClassifier, CoGANClassifier])
def test_G_never_sees_a_label(kind):
    M = (model(kind=kind) if kind is UNITClassifier else cogan(kind)).eval()
    x, x_t = images(), images()
    losses = []
    for y in (torch.zeros(4, dtype=torch.long), torch.arange(4)):
        torch.manual_seed(0)
        losses.append(M.loss(((x, y), x_t), "G").item())
    assert losses[0] == losses[1]


def test_training_lowers_the_reconstruction():
    x = images(64, size=12) * 0 + torch.tensor([-1.0, 1.0])[torch.arange(64) % 2].view(-1, 1, 1, 1)
    M = model(lam=(0.1, 1e-3, 1.0, 1e-3, 1.0))
    error = lambda: reconstruction(M.translate(x, 0, 0), x).item()
    before = error()
    fit(M, [(x[:32], x[32:])], steps=60, lr=2e-3)
    assert error() < before / 2
