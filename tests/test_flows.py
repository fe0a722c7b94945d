"""The flows of digits: three sizes, and what ships."""
import pytest
import torch
from torch import nn

from course_lib.core import load
from course_lib.data import digits
from course_lib.evaluate import bits_per_dim, classify
from course_lib.recipes import flows, recipes, weights
from tests.flows import rng

FLOWS = {"realnvp_digits": (flows.digits_realnvp, flows.train_realnvp),
         "glow_digits": (flows.digits_glow, flows.train_glow)}


@pytest.mark.parametrize("make, train", FLOWS.values(), ids=FLOWS)
@pytest.mark.parametrize("size", [16, 28, 56])
def test_digits_of_three_sizes_go_there_and_back(size, make, train):
    model = make(size)
    assert model.sample(2, generator=rng()).shape == (2, 1, size, size)
    x = nn.functional.interpolate(digits().images[:8], size=(size, size))
    assert train(model, x.repeat(4, 1, 1, 1), steps=1).steps == 1
    assert model.elbo(x, generator=rng()).isfinite().all()


@pytest.mark.parametrize("name", FLOWS)
def test_the_shipped_weights_invert_in_float32_and_draw_digits(name):
    """A pixel's level is an integer: what comes back rounds to it but for 1 in 1,000. Of real
    digits the judge is sure of 19 in 20; of these, of a third or more."""
    model = load(recipes()[name].make(), weights(name)).eval()
    x = digits(split="test").images[:50]
    y = 127.5 * (x + 1) + 0.5
    with torch.no_grad():
        z, _ = model.model.f(y)
        back = model.model.f.inverse(z)
    assert ((back - y).abs() < 0.5).float().mean() > 0.999
    cold = model.sample(100, temperature=0.7, generator=rng())
    assert (classify(cold).exp().amax(1) > 0.8).float().mean() > 0.35
    bits = bits_per_dim(model.elbo(x, generator=rng()), 784).mean().item()
    assert 1.2 < bits < 1.75
