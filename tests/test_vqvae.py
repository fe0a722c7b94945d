import itertools

import pytest
import torch

from course_lib.core import fit, load
from course_lib.data import batches, digits
from course_lib.evaluate import bits_per_dim
from course_lib.likelihood.vqvae import VQVAE, nearest_code, straight_through
from course_lib.nets import GatedPixelCNN, GridDecoder, GridEncoder
from course_lib.recipes import recipes, weights

rng = lambda seed=0: torch.Generator().manual_seed(seed)
K, D = 4, 3


def tiny(h=1, w=3, seed=0, **named):
    """Images of 4h × 4w, h·w codes of K: K^(h·w) grids, few enough to go through them all"""
    torch.manual_seed(seed)
    return VQVAE(GridEncoder(D, width=8), GridDecoder(D, width=8),
                 GatedPixelCNN(5, K, 8, 2, first=3), K, D, (h, w), **named).eval()


def images(n, h=1, w=3):
    return torch.randint(256, (n, 1, 4 * h, 4 * w), generator=rng(2)) / 127.5 - 1


def grids(h=1, w=3):
    return torch.tensor(list(itertools.product(range(K), repeat=h * w))).view(-1, h, w)


def test_the_code_is_the_nearest_vector():
    z_e, e = torch.randn(2, D, 4, 5, generator=rng()), torch.randn(7, D, generator=rng(1))
    k = nearest_code(z_e, e)
    distance = (z_e[:, None] - e[None, :, :, None, None]).square().sum(2)      # (2, 7, 4, 5)
    assert k.shape == (2, 4, 5) and torch.equal(k, distance.argmin(1))
    model = tiny()
    assert torch.equal(nearest_code(model.vectors(k % K), model.e), k % K)


def test_the_gradient_goes_straight_through():
    z_e, z_q = torch.randn(2, 5, generator=rng(), requires_grad=True), torch.ones(2, 5)
    out = straight_through(z_e, z_q)
    (slope,) = torch.autograd.grad((3 * out**2).sum(), z_e)
    assert torch.allclose(out, z_q) and torch.allclose(slope, 6 * z_q)


@torch.no_grad()
def test_the_prior_sums_to_one():
    model = tiny(2, 2)
    assert model.log_prior(grids(2, 2)).double().exp().sum().item() == pytest.approx(1, abs=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("seed", range(3))
def test_the_bound_is_one_term_of_the_sum_over_all_codes(seed):
    """log p(x) by enumeration of all K^(h·w) grids"""
    model, z = tiny(seed=seed), grids()
    for x in images(5):
        log_joint = model.log_p(x.expand(len(z), *x.shape), model.vectors(z)) + model.log_prior(z)
        elbo = model.elbo(x[None])[0]
        assert elbo < log_joint.logsumexp(0)
        mine = (z == model.codes(x[None])).flatten(1).all(1)
        assert mine.sum() == 1 and torch.allclose(log_joint[mine][0], elbo, rtol=1e-5)


def test_each_player_has_its_own_loss():
    """What the codebook loss moves is e, what commitment and likelihood move is the autoencoder;
    the prior's loss moves the prior alone."""
    model, x = tiny(), images(6)
    players = model.players()
    sizes = sum(p.numel() for part in players.values() for p in part)
    assert sizes == sum(p.numel() for p in model.parameters())
    for player, parameters in players.items():
        others = [p for name, part in players.items() for p in part if name != player]
        loss = model.loss(x, player)
        found = torch.autograd.grad(loss, others, allow_unused=True, retain_graph=True)
        assert all(slope is None for slope in found)
        assert all(slope is not None for slope in torch.autograd.grad(loss, parameters,
                                                                      allow_unused=True))


def test_codebook_and_commitment_have_the_gradients_of_eq_3():
    """e gets 2 (e − z_e) at each place that it stands for, and nothing of log p(x | z);
    the commitment is β times the same squares, seen from z_e."""
    model, x = tiny(1, 2), images(8, 1, 2)
    z_e = model.encoder(x).detach()
    z, places = nearest_code(z_e, model.e), 8 * 2
    (slope,) = torch.autograd.grad(model.loss(x, "autoencoder"), model.e)
    flat = z_e.movedim(1, -1).flatten(0, -2)
    expected = torch.stack([2 * (model.e[k] - flat[z.flatten() == k]).sum(0) / places
                            for k in range(K)])
    assert torch.allclose(slope, expected, atol=1e-6)
    losses = []
    for beta in (0.0, 1.0):
        model.beta = beta
        losses.append(model.loss(x, "autoencoder").item())
    squares = (model.vectors(z) - z_e).square().sum(1).mean().item()
    assert losses[1] - losses[0] == pytest.approx(squares, rel=1e-4)
    nll = -model.log_p(x, model.vectors(z)).mean().item() / x[0].numel()
    assert losses[0] == pytest.approx(nll + squares, rel=1e-4)


def test_a_code_that_nothing_is_near_starts_anew_where_something_is():
    model, x = tiny(patience=3).train(), images(6)
    with torch.no_grad():
        model.e[1] += 1000.0
    for _ in range(2):
        model.loss(x, "autoencoder")
    assert model.e[1].min() > 900
    model.loss(x, "autoencoder")
    places = model.encoder(x).movedim(1, -1).flatten(0, -2)
    assert (places - model.e[1]).norm(dim=1).min() < 1e-5 and model.idle[1] == 0


def test_draws_of_codes_have_the_law_of_the_prior():
    """Four codes of four, 20,000 draws, each grid's share within 6 standard errors. The prior is
    made uneven first, so that order and place count."""
    model, n = tiny(2, 2), 20_000
    with torch.no_grad():
        for parameter in model.prior.parameters():
            parameter *= 2
    z = model.draw(n, rng()).detach()
    p = model.log_prior(grids(2, 2)).exp().detach()
    index = (z.flatten(1) * K ** torch.arange(3, -1, -1)).sum(1)
    share = torch.bincount(index, minlength=K**4) / n
    assert ((share - p).abs() < 6 * (p * (1 - p) / n).sqrt() + 1e-4).all()
    assert p.max() > 3 * p.min()


def test_a_vqvae_fits_draws_and_bounds():
    """Eight images over and over: the bound gets better by half a bit a dimension or more."""
    model, x = tiny(4, 4), digits().images[:8, :, 6:22, 6:22]
    bits = lambda: bits_per_dim(model.elbo(x).mean().item(), 256)
    before = bits()
    history = fit(model, batches(x, size=8), steps=25, lr=1e-2, seed=0)
    assert set(history.losses) == {"autoencoder", "prior"} and bits() < before - 0.5
    for drawn in (model.sample(3, generator=rng()), model.mean(3, generator=rng())):
        assert drawn.shape == (3, 1, 16, 16) and drawn.abs().max() <= 1
    assert torch.equal(model.sample(3, generator=rng(1)), model.sample(3, generator=rng(1)))
    with pytest.raises(ValueError, match="no class"):
        model.sample(2, y=1)
    with pytest.raises(ValueError, match="8-bit images"):
        model.elbo(x + 1)


def test_the_vqvae_that_ships_uses_its_codes_and_knows_held_out_digits():
    model = load(recipes()["vqvae_digits"].make(), weights("vqvae_digits"))
    x = digits(split="test").images[:300]
    assert bits_per_dim(model.elbo(x).mean().item(), 784) < 1.6
    with torch.no_grad():
        used = torch.bincount(model.eval().codes(x).flatten(), minlength=len(model.e))
    assert (used > 0).float().mean() > 0.9
