import math
from types import SimpleNamespace

import pytest
import torch
from gaussian import S2, M, exact_eps, law, line, rng
from torch import nn

from course_lib.core import fit
from course_lib.data import batches
from course_lib.diffusion import ddim, ddpm, guidance
from course_lib.diffusion.gaussian_chain import reverse_mean
from course_lib.diffusion.schedule import cosine, linear
from course_lib.nets import TimeMLP
from course_lib.recipes.diffusion import digits_ddpm

R2 = 0.2  # a "class" is a number here: y = x_0 plus noise of this variance
random = lambda *shape, seed=0: torch.randn(*shape, generator=rng(seed), dtype=torch.float64)


def classifier(schedule):
    """log p(y | x_t), exactly: y given x_t is Gaussian around E[x_0 | x_t]."""
    def log_p(x_t, t, y):
        bar = schedule.alpha_bar[t].to(x_t)[:, None]
        marginal = bar * S2 + 1 - bar
        mean = M + bar.sqrt() * S2 / marginal * (x_t - bar.sqrt() * M)
        var = S2 * (1 - bar) / marginal + R2
        return torch.distributions.Normal(mean, var.sqrt()).log_prob(y.view(-1, 1)).sum(1)
    return log_p


def slopes(schedule, t, y):
    """∇ log p(y | x_t) of the classifier above, as value at 0 and slope, by hand."""
    bar = schedule.alpha_bar[t].item()
    marginal = bar * S2 + 1 - bar
    k, var = math.sqrt(bar) * S2 / marginal, S2 * (1 - bar) / marginal + R2
    return k * (y - M + k * math.sqrt(bar) * M) / var, -k * k / var


Y = torch.tensor([1.4], dtype=torch.float64)
POSTERIOR = 1 / (1 / S2 + 1 / R2)  # variance of x_0 given y; precisions add
POSTERIOR_MEAN = POSTERIOR * (M / S2 + Y.item() / R2)


def test_guidance_at_scale_1_gives_the_exact_eps_of_the_posterior():
    schedule = linear(1000)
    t = torch.tensor([1, 2, 100, 500, 1000])
    x = random(5, 1)
    eps_hat = guidance.guided(exact_eps(schedule), schedule, classifier(schedule), Y)
    assert (eps_hat(x, t)
            - exact_eps(schedule, POSTERIOR_MEAN, POSTERIOR)(x, t)).abs().max() < 1e-12


def test_the_scale_stands_on_the_gradient_which_the_printed_line_lacks():
    schedule, x, t = cosine(20), random(4, 1), torch.tensor([1, 5, 10, 20])
    eps = exact_eps(schedule)
    at = lambda s: guidance.guided(eps, schedule, classifier(schedule), Y, s)(x, t)
    gradient = guidance.log_p_gradient(classifier(schedule), x, t, Y)
    # no s in it: the same at every scale
    printed = eps(x, t) - (1 - schedule.alpha_bar[t]).sqrt()[:, None] * gradient
    assert torch.allclose(at(1.0), printed) and torch.allclose(at(0.0), eps(x, t))
    assert not torch.allclose(at(3.0), printed)
    assert torch.allclose(at(3.0) - at(0.0), 3 * (at(1.0) - at(0.0)))


def test_the_gradient_is_each_images_own_and_leaves_nothing_behind():
    torch.manual_seed(0)
    model = guidance.NoisyClassifier(TimeMLP(3, 16, out=4).double(), linear(10))
    x, t, y = random(5, 3), torch.tensor([1, 3, 5, 7, 10]), torch.tensor([0, 1, 2, 3, 0])
    gradient = guidance.log_p_gradient(model.log_prob, x, t, y)
    h = 1e-5  # central differences: error h² times a third derivative
    at = lambda x: model.log_prob(x, t, y).detach()
    difference = torch.stack([(at(x + h * e) - at(x - h * e)) / (2 * h)
                              for e in torch.eye(3, dtype=torch.float64)], 1)
    assert (gradient - difference).abs().max() < 1e-7 and gradient.abs().max() > 1e-4
    assert not gradient.requires_grad and not x.requires_grad
    assert all(p.grad is None for p in model.parameters())
    with torch.no_grad():
        assert torch.equal(guidance.log_p_gradient(model.log_prob, x, t, y), gradient)


def test_the_classifier_is_a_distribution_over_classes_and_learns_it():
    torch.manual_seed(0)
    model = guidance.NoisyClassifier(TimeMLP(1, 32, out=2), linear(20, beta_T=0.4))
    y = torch.randint(2, (4096,), generator=rng())
    x = (2.0 * y - 1)[:, None] + 0.5 * torch.randn(4096, 1, generator=rng(1))
    x_t, t = torch.linspace(-2, 2, 9)[:, None], torch.full((9,), 10)
    total = lambda: sum(model.log_prob(x_t, t, torch.full((9,), k)).exp() for k in (0, 1))
    assert torch.allclose(total(), torch.ones(9), atol=1e-6)
    fit(model, batches(x, y, size=256), steps=300, lr=3e-3, device="cpu")
    bar = model.schedule.alpha_bar[10].float()
    # two Gaussians: a logistic
    exact = torch.sigmoid(2 * bar.sqrt() * x_t / (bar * 0.25 + 1 - bar)).squeeze(1)
    assert (model.log_prob(x_t, t, torch.ones(9, dtype=torch.int64)).exp()
            - exact).abs().max() < 0.1


def end_of_algorithm_1(schedule, variance, scale, at_mean):
    mean, var = 0.0, 1.0
    for t in range(schedule.T, 0, -1):
        marginal = schedule.alpha_bar * S2 + 1 - schedule.alpha_bar
        # of E[x_{t−1} | x_t]
        slope = (schedule.alpha[t].sqrt() * marginal[t - 1] / marginal[t]).item()
        shift = M * (schedule.alpha_bar[t - 1].sqrt() - slope * schedule.alpha_bar[t].sqrt()).item()
        if t > 1:
            at_0, curvature = slopes(schedule, t, Y.item())
            push = scale * variance[t].item()
            if at_mean:                                              # μ + sΣ (g + H μ)
                shift = shift + push * (at_0 + curvature * shift)
                slope = slope * (1 + push * curvature)
            else:                                                    # μ + sΣ (g + H x_t)
                shift, slope = shift + push * at_0, slope + push * curvature
        mean, var = shift + slope * mean, slope ** 2 * var + (variance[t].item() if t > 1 else 0)
    return mean, var


@pytest.mark.parametrize("at_mean", [False, True])
@pytest.mark.parametrize("name, scale", [("beta", 1.0), ("posterior_variance", 1.0), ("beta", 2.5)])
def test_algorithm_1_follows_the_exact_recursion_of_its_chain(at_mean, name, scale):
    schedule = cosine(20)
    variance = getattr(schedule, name)
    sample = lambda x_T, generator: guidance.guided_sample(
        exact_eps(schedule), schedule, x_T, classifier(schedule), Y.expand(len(x_T)), scale,
        variance=variance, at_mean=at_mean, generator=generator)
    expected = end_of_algorithm_1(schedule, variance, scale, at_mean)
    assert law(sample, schedule.T - 1) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0])
def test_algorithm_2_follows_the_exact_recursion_of_its_chain(scale):
    schedule = cosine(20)
    eps_hat = guidance.guided(exact_eps(schedule), schedule, classifier(schedule), Y, scale)
    mean, var = 0.0, 1.0
    for t in range(20, 0, -1):
        bar, bar_prev = schedule.alpha_bar[t].item(), schedule.alpha_bar[t - 1].item()
        at_0, curvature = slopes(schedule, t, Y.item())
        k = math.sqrt(1 - bar) / (bar * S2 + 1 - bar)
        shift = -k * math.sqrt(bar) * M - scale * math.sqrt(1 - bar) * at_0
        slope = k - scale * math.sqrt(1 - bar) * curvature
        on_x = math.sqrt(bar_prev / bar)
        on_eps = math.sqrt(1 - bar_prev) - math.sqrt(bar_prev * (1 - bar) / bar)
        mean = on_x * mean + on_eps * (shift + slope * mean)
        var = (on_x + on_eps * slope) ** 2 * var
    end = law(lambda x_T, generator: ddim.ddim_sample(eps_hat, schedule, x_T), 0)
    assert end == pytest.approx((mean, var), abs=1e-9)


def test_guided_chains_of_many_steps_end_at_the_posterior():
    schedule = cosine(1000)
    eps_hat = guidance.guided(exact_eps(schedule), schedule, classifier(schedule), Y)
    ends = {"Algorithm 1": end_of_algorithm_1(schedule, schedule.beta, 1.0, False),
            "Algorithm 2": line(lambda x: ddim.ddim_sample(eps_hat, schedule, x))}
    ends["Algorithm 2"] = ends["Algorithm 2"][0], ends["Algorithm 2"][1] ** 2
    for mean, var in ends.values():  # both are first order in the step: a few parts in a thousand
        assert mean == pytest.approx(POSTERIOR_MEAN, rel=0.01)
        assert var == pytest.approx(POSTERIOR, rel=0.03)


def test_the_gradient_at_the_mean_differs_by_the_curvature_over_one_step():
    schedule = linear(2, 0.2, 0.3)
    x, log_p = random(6, 1), classifier(schedule)
    run = lambda at_mean: guidance.guided_sample(exact_eps(schedule), schedule, x, log_p,
                                                 Y.expand(6), 2.0, at_mean=at_mean,
                                                 generator=rng(1))
    mean = reverse_mean(schedule, exact_eps(schedule)(x, torch.full((6,), 2)), x, 2)
    difference = 2.0 * schedule.beta[2].item() * slopes(schedule, 2, Y.item())[1] * (mean - x)
    last = line(lambda x: reverse_mean(schedule, exact_eps(schedule)(x, torch.tensor([1])), x,
                                       1))[1]
    assert torch.allclose(run(True) - run(False), last * difference)
    assert difference.abs().max() > 1e-3


def test_without_guidance_algorithm_1_is_ddpm():
    schedule, x_T, log_p = cosine(20), random(5, 1), classifier(cosine(20))
    for named in (dict(), dict(variance=schedule.posterior_variance), dict(clip=True)):
        plain = ddpm.ddpm_sample(exact_eps(schedule, 0.7, 2.0), schedule, x_T, generator=rng(1),
                                 **named)
        found = guidance.guided_sample(exact_eps(schedule, 0.7, 2.0), schedule, x_T, log_p,
                                       Y.expand(5), 0.0, generator=rng(1), **named)
        assert torch.allclose(found, plain), named


def test_algorithm_1_with_a_respaced_schedule_asks_at_the_trained_times():
    seen, schedule = [], linear(10)
    log_p = lambda x, t, y: (seen.append(t[0].item()), (x * 0).sum(1))[1]
    guidance.guided_sample(exact_eps(schedule), schedule.respace([2, 5, 10]), random(2, 1), log_p,
                           Y.expand(2), generator=rng())
    assert seen == [10, 5]                                           # the last step is not shifted


def busy(classes):
    model = digits_ddpm(classes, widths=(8, 8), T=20)
    torch.manual_seed(0)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.2)
    return model.eval()


@torch.no_grad()
def test_classifier_free_guidance_lies_on_the_line_through_both_predictions():
    model = busy(10)
    x = torch.randn(4, 1, 28, 28, generator=rng())
    t, y = torch.tensor([1, 7, 13, 20]), torch.tensor([0, 3, 9, 3])
    at = lambda w: guidance.classifier_free(model, y, w)(x, t)
    scale = at(0.0).abs().max()
    close = lambda a, b: (a - b).abs().max() < 1e-4 * scale
    assert close(at(0.0), model(x, t, y)) and close(at(-1.0), model(x, t))
    assert not close(at(0.0), at(-1.0))
    assert close(at(3.0), 4 * model(x, t, y) - 3 * model(x, t))
    assert close(guidance.classifier_free(model, 3, 1.0)(x, t),
                 guidance.classifier_free(model, torch.full((4,), 3), 1.0)(x, t))


def test_for_exact_eps_guidance_without_a_classifier_is_guidance_by_the_exact_one():
    schedule, x, t = cosine(20), random(4, 1), torch.tensor([1, 5, 10, 20])
    with_y, without = exact_eps(schedule, POSTERIOR_MEAN, POSTERIOR), exact_eps(schedule)

    class Exact:  # class 0 is the number Y; 1 is "none"
        T, net = 20, SimpleNamespace(classes=1)

        def __call__(self, x_t, t, y):
            return torch.where(y[:, None] == 0, with_y(x_t, t), without(x_t, t))

    for w in (0.0, 0.5, 3.0):
        free = guidance.classifier_free(Exact(), 0, w)(x, t)
        guided = guidance.guided(without, schedule, classifier(schedule), Y, 1 + w)(x, t)
        assert (free - guided).abs().max() < 1e-10, w


def test_a_guided_denoiser_goes_into_every_sampler():
    model, x_T = busy(10), torch.randn(2, 1, 28, 28, generator=rng())
    guided = guidance.classifier_free(model, 3, 1.0)
    for sample in (lambda m: ddpm.ddpm_sample(m, model.schedule.respace(4), x_T, clip=True,
                                              generator=rng(1)),
                   lambda m: ddim.ddim_sample(m, model.schedule, x_T, 4, clip=True)):
        assert torch.isfinite(sample(guided)).all() and torch.equal(sample(guided), sample(guided))
    assert guided.T == 20
    assert guidance.guided(model, model.schedule, lambda x, t, y: x.flatten(1).sum(1), Y).T == 20


class Told(nn.Module):
    def forward(self, x, t):
        return torch.zeros(len(x), 4)


@pytest.mark.parametrize("y",
                         [torch.tensor([0, 4]), torch.tensor([-1, 0]), 7, torch.tensor([0.0, 1.0])])
def test_a_class_that_the_classifier_does_not_know_is_refused(y):
    model = guidance.NoisyClassifier(Told(), linear(5))
    with pytest.raises(ValueError, match="classes 0 … 3"):
        model.log_prob(torch.zeros(2, 1), torch.tensor([1, 5]), y)


def test_a_class_that_the_network_does_not_know_is_refused():
    x, t = torch.zeros(2, 1, 28, 28), torch.tensor([1, 2])
    with pytest.raises(ValueError, match="0 … 9"):
        guidance.classifier_free(busy(10), 12, 1.0)(x, t)
    with pytest.raises(TypeError, match="whole numbers"):
        guidance.classifier_free(busy(10), torch.tensor([1.0, 2.0]), 1.0)(x, t)
    with pytest.raises(ValueError, match="no classes"):
        guidance.classifier_free(busy(0), 1, 1.0)(x, t)


def test_models_of_another_T_wrong_times_and_numbers_that_are_not_finite_are_refused():
    schedule, x, log_p = cosine(20), random(2, 1), classifier(cosine(20))
    with pytest.raises(ValueError, match="T = 20.*T = 30"):
        guidance.guided(exact_eps(schedule), cosine(30), log_p, Y)
    with pytest.raises(ValueError, match="T = 20.*T = 30"):
        guidance.guided_sample(exact_eps(schedule), cosine(30), x, log_p, Y)
    with pytest.raises(ValueError, match="x_T must hold finite"):
        guidance.guided_sample(exact_eps(schedule), schedule, x + float("nan"), log_p, Y)
    for t, error, says in (([0, 1], ValueError, "1 … 20"), ([20, 21], ValueError, "1 … 20"),
                           ([1.0, 2.0], TypeError, "int64")):
        with pytest.raises(error, match=says):
            eps_hat = guidance.guided(lambda x, t: x, schedule, lambda x, t, y: x.sum(1), Y)
            eps_hat(x, torch.tensor(t))
