import math

import pytest
import torch
from torch import nn
from torch.nn import functional as nnf

from course_lib.core import fit, load
from course_lib.data import batches, digits
from course_lib.ebm.igebm import IGEBM, ReplayBuffer
from course_lib.ebm.jem import JEM
from course_lib.evaluate import classify
from course_lib.nets import ConvEnergy
from course_lib.recipes import recipes, weights

rng = lambda seed=0: torch.Generator().manual_seed(seed)


class Bowl(nn.Module):
    """E = ½ a ‖x‖² + c, (batch, d) → (batch, 1)"""

    def __init__(self, a=1.0, c=0.0):
        super().__init__()
        self.a, self.c = nn.Parameter(torch.tensor(a)), nn.Parameter(torch.tensor(c))

    def forward(self, x):
        return self.a * x.flatten(1).square().sum(1, keepdim=True) / 2 + self.c


class Humps(nn.Module):
    """f(x)[y] = −½ ‖x − m_y‖², (batch, 2) → (batch, 3)"""

    def __init__(self):
        super().__init__()
        self.m = nn.Parameter(torch.tensor([[2.0, 0.0], [-1.0, 1.0], [0.0, -3.0]]))

    def forward(self, x):
        return -torch.cdist(x, self.m).square() / 2


FREE = {"eta": 0.4, "noise": None, "clip": None, "bound": 100.0, "blur": 0.0, "alpha": 0.0}
bowl = lambda a=1.0, c=0.0, d=1, **named: IGEBM(Bowl(a, c), (d,), **(FREE | named))
digits_energy = lambda kind=IGEBM, outputs=1, **named: kind(
    ConvEnergy(outputs, 8), (1, 28, 28), **({"size": 16, "steps": 2} | named))


def loss_and_gradients(model, batch, seed=0):
    torch.manual_seed(seed)
    loss = model.loss(batch, "model")
    return loss.item(), torch.autograd.grad(loss, list(model.parameters()))


@pytest.mark.parametrize("a, noise", [(1.0, None), (4.0, None), (1.0, 0.1)])
def test_a_chain_ends_in_its_own_law(a, noise):
    """x ← (1 − aη/2) x + σz has the variance σ²/(aη (1 − aη/4)): 1/a for σ = √η, η → 0, and the
    temperature σ²/η times that else. 40,000 chains: 5 standard errors are 5 √(2/n) = 3.5 %."""
    model = bowl(a, noise=noise, size=1)
    x = model.sample(40_000, steps=60, x=torch.zeros(40_000, 1), generator=rng())
    eta, sigma = model.eta, math.sqrt(model.eta) if noise is None else noise
    assert x.var().item() == pytest.approx(sigma**2 / (a * eta * (1 - a * eta / 4)), rel=0.035)


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_the_loss_holds_chains_fixed(alpha):
    """Of E = ½ a r² + c: ∂/∂a is ½ ⟨r²⟩⁺ − ½ ⟨r²⟩⁻, ∂/∂c is 0, and the squares add their own. No
    gradient goes through the chain: its x⁻ are the buffer's, of which each place was drawn."""
    model, x = bowl(1.5, 0.7, d=3, size=50, steps=4, alpha=alpha), torch.randn(50, 3)
    loss, (grad_a, grad_c) = loss_and_gradients(model, x)
    r_pos, r_neg = x.square().sum(1), model.buffer.x.square().sum(1)
    E_pos, E_neg = 0.75 * r_pos + 0.7, 0.75 * r_neg + 0.7
    squares = alpha * (E_pos**2 + E_neg**2)
    assert loss == pytest.approx((E_pos - E_neg + squares).mean().item(), rel=1e-4)
    slope = (r_pos - r_neg) / 2 + alpha * (E_pos * r_pos + E_neg * r_neg)
    assert grad_a.item() == pytest.approx(slope.mean().item(), rel=1e-4)
    slope = 2 * alpha * (E_pos + E_neg).mean().item()
    assert grad_c.item() == pytest.approx(slope, abs=1e-5, rel=1e-4)


def test_training_finds_the_energy_whose_chain_has_the_datas_variance():
    """And so not 1/s², but an a that makes up for the step: a (1 − aη/4) = 1/s², s² the variance of
    these data. In an update, of 500 chains, ⟨r²⟩ varies by √(2/500) = 6 %; over 100 by far less."""
    x = 0.8 * torch.randn(2000, 1, generator=rng())
    model, seen = bowl(1.0, bound=6.0, size=1000, steps=5, restart=0.0), []
    fit(model, batches(x, size=500), steps=250, lr=0.03,
        on_step=lambda step, model: seen.append(model.net.a.item()))
    a, eta = sum(seen[-100:]) / 100, model.eta
    assert a * (1 - a * eta / 4) == pytest.approx(1 / x.square().mean().item(), rel=0.06)
    assert abs(a * x.square().mean().item() - 1) > 0.1


def test_how_often_a_chain_of_the_buffer_was_advanced():
    """a times in a row with probability r (1 − r)^{a−1}. Between looks, 20 visits apart, a place
    is drawn twice on average: of 15 looks at 200 places count 1,000 or more as independent, and 5
    standard errors are 5 √(0.19/1000) = 0.07 of a share, 5 √(12/1000) = 0.55 of the mean."""
    torch.manual_seed(0)
    buffer, ages = ReplayBuffer(200, 0.25, lambda n: torch.zeros(n, 1)), []
    for visit in range(600):
        places, x = buffer.draw(20)
        assert len(places.unique()) == 20
        buffer.put(places, x + 1)
        if visit >= 300 and visit % 20 == 0:
            ages.append(buffer.x.clone())
    ages = torch.cat(ages)
    for a in (1, 2, 3, 4):
        share = (ages == a).float().mean().item()
        assert share == pytest.approx(0.25 * 0.75 ** (a - 1), abs=0.07)
    assert ages.mean().item() == pytest.approx(4, abs=0.55)


@pytest.mark.parametrize("restart, share", [(0.0, 0.0), (1.0, 1.0), (0.05, 0.05)])
def test_the_share_of_chains_that_begin_anew(restart, share):
    """4,000 draws: 5 standard errors are at most 0.02."""
    torch.manual_seed(1)
    buffer = ReplayBuffer(4000, restart, lambda n: torch.full((n, 2), 7.0))
    buffer.put(torch.arange(4000), torch.zeros(4000, 2))
    anew = (buffer.draw(4000)[1] == 7).all(1).float().mean().item()
    assert anew == pytest.approx(share, abs=0.02 if 0 < restart < 1 else 0)


def test_drawing_samples_leaves_the_model_as_it_was():
    model = digits_energy().train()
    model.net.net[1].weight.requires_grad_(False)
    next(model.net.net[3].parameters()).grad = torch.ones_like(model.net.net[3].weight)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    flags = [parameter.requires_grad for parameter in model.parameters()]
    buffer = model.buffer.x.clone()
    x = model.sample(3, steps=2, generator=rng(5))
    assert torch.equal(x, model.sample(3, steps=2, generator=rng(5)))
    assert x.shape == (3, 1, 28, 28) and not x.requires_grad and model.training
    assert flags == [parameter.requires_grad for parameter in model.parameters()]
    grads = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert len(grads) == 1 and (grads[0] == 1).all()
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
    assert torch.equal(buffer, model.buffer.x) and not [name for name in state if "buffer" in name]


def test_pixels_and_steps_are_bounded():
    model = digits_energy(noise=0.0, clip=0.01)
    model.net.net[-1].weight.data *= 1000
    x = model.start(8, rng())
    x_next = model.sample(8, steps=1, x=x)
    assert (x_next - x).abs().max().item() == pytest.approx(0.01 * model.eta / 2, rel=1e-4)
    assert model.sample(8, steps=30, x=x).abs().max() == 1


def test_a_constant_in_the_energy_moves_the_regularised_loss_alone():
    x, c, alpha = torch.rand(16, 1, 28, 28, generator=rng()) * 2 - 1, 3.0, 0.1
    ends = {}
    for name, alpha_, shift in (("plain", 0.0, 0), ("moved", 0.0, c), ("squares", alpha, 0),
                                ("squares, moved", alpha, c)):
        torch.manual_seed(2)
        model = digits_energy(alpha=alpha_)
        model.net.net[-1].bias.data += shift
        ends[name] = *loss_and_gradients(model, x), model.buffer.x, model
    assert torch.equal(ends["plain"][2], ends["squares, moved"][2])            # the same chains
    assert ends["plain"][0] == pytest.approx(ends["moved"][0], abs=1e-5)
    for one, other in zip(ends["plain"][1], ends["moved"][1]):
        assert (one - other).abs().max() < 1e-5
    torch.manual_seed(0)                    # the blur of the data, as in `loss_and_gradients`
    x_pos = (x + 0.03 * torch.randn_like(x)).clamp(-1, 1)
    _, _, x_neg, model = ends["plain"]
    with torch.no_grad():
        E = model.energy(x_pos).mean() + model.energy(x_neg).mean()
    change = ends["squares, moved"][0] - ends["squares"][0]
    assert change == pytest.approx(2 * alpha * (c * E.item() + c**2), rel=1e-4)


def test_a_chain_that_diverges_is_one_clear_error():
    model = bowl(5.0, eta=1.0, bound=1e9)                 # |1 − aη/2| = 1.5: x grows at each step
    with pytest.raises(ValueError, match="A Langevin chain diverges"):
        model.sample(4, steps=100, x=torch.ones(4, 1), generator=rng())
    model = digits_energy()
    model.net.net[-1].weight.data.fill_(math.nan)
    with pytest.raises(ValueError, match="A Langevin chain diverges"):
        model.sample(4, steps=1, generator=rng())


@pytest.mark.parametrize("wrong, message", [
    (lambda: digits_energy().sample(2, y=1), "takes no class"),
    (lambda: digits_energy(size=4).loss(torch.zeros(5, 1, 28, 28), "model"), "has no 5 chains"),
    (lambda: digits_energy(size=0), "a place or more"),
    (lambda: digits_energy(restart=1.5), "share of chains"),
    (lambda: digits_energy(JEM, 10).sample(2, y=10), "Classes are 0 … 9"),
    (lambda: digits_energy(JEM, 10).sample(2, y=-1), "Classes are 0 … 9")])
def test_bad_input_is_one_clear_error(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_a_classifiers_logits_are_energies():
    """p(x, y) = e^{f(x)[y]}/Z: the marginal's energy, Bayes' rule for each y, and softmax."""
    model, x = digits_energy(JEM, 10), torch.rand(6, 1, 28, 28, generator=rng()) * 2 - 1
    with torch.no_grad():
        joint = torch.stack([model.joint_energy(x, torch.full((6,), y)) for y in range(10)], 1)
        assert (model.energy(x) + torch.logsumexp(-joint, 1)).abs().max() < 1e-5
        assert (model.log_p_y(x) - torch.log_softmax(-joint, 1)).abs().max() < 1e-5
        assert (model.energy(x)[:, None] - joint - model.log_p_y(x)).abs().max() < 1e-5
        before, E = model.log_p_y(x), model.energy(x)
        model.net.net[-1].bias.data += 2.5          # in all logits: p(y | x) stays, E falls by it
        assert (model.log_p_y(x) - before).abs().max() < 1e-5
        assert (model.energy(x) + 2.5 - E).abs().max() < 1e-5


def test_a_classifier_of_one_class_is_an_energy_alone():
    jem, one = digits_energy(JEM), digits_energy()
    one.load_state_dict(jem.state_dict())
    for p in one.net.net[-1].parameters():
        p.data.neg_()                                                     # E = −f
    x, y = torch.rand(9, 1, 28, 28, generator=rng()) * 2 - 1, torch.zeros(9, dtype=torch.int64)
    one.buffer.x.copy_(jem.buffer.x)
    torch.manual_seed(3)
    expected = one.loss(x, "model").item()
    torch.manual_seed(3)
    assert jem.loss((x, y), "model").item() == pytest.approx(expected, abs=1e-5)


def test_the_joint_loss_is_the_classifiers_plus_the_energys():
    model = digits_energy(JEM, 10)
    x, y = torch.rand(8, 1, 28, 28, generator=rng()) * 2 - 1, torch.arange(8)
    buffer = model.buffer.x.clone()
    torch.manual_seed(4)
    loss = model.loss((x, y), "model").item()
    model.buffer.x.copy_(buffer)
    torch.manual_seed(4)
    rest = model.contrast(x).item()
    assert loss - rest == pytest.approx(nnf.cross_entropy(model.net(x), y).item(), abs=1e-5)


def test_samples_of_a_class_follow_its_joint_energy():
    """f(x)[y] = −½ ‖x − m_y‖²: p(x | y) = N(m_y, I), with the step's own variance 1/(1 − η/4). Of
    4,000 chains 5 standard errors of a mean are 5 · 1.06/√4000 = 0.084, of a variance 12 %."""
    model = JEM(Humps(), (2,), size=1, **FREE)
    for y in range(3):
        x = model.sample(4000, y=y, steps=50, generator=rng(y), x=torch.zeros(4000, 2))
        assert (x.mean(0) - model.net.m[y]).abs().max() < 0.085
        assert (x.var(0) - 1 / 0.9).abs().max() < 0.13
    y = torch.arange(3).repeat(1000)
    x = model.sample(3000, y=y, steps=50, generator=rng(), x=torch.zeros(3000, 2))
    assert all((x[y == k].mean(0) - model.net.m[k]).abs().max() < 0.17 for k in range(3))


@pytest.mark.parametrize("name", ["igebm_digits", "jem_digits"])
def test_the_energy_that_ships_draws_digits_and_knows_noise(name):
    """Of 60 chains the judge, sure of 98 % of real digits, is sure of most; and of uniform noise
    and of permuted pixels nearly all have a higher energy than nearly all real digits."""
    model, x = load(recipes()[name].make(), weights(name)), digits(split="test").images[:200]
    sure = classify(model.sample(60, steps=250, generator=rng())).exp().amax(1) > 0.9
    assert sure.float().mean() > 0.5
    with torch.no_grad():
        E = model.energy(x)
        for other in (model.start(200, rng(1)), x.flatten(1)[:, torch.randperm(784)].view_as(x)):
            assert (model.energy(other)[:, None] > E).float().mean() > 0.98
