"""Exercise 6, the reverse chain: the loss of a network that predicts v, one step, and a sampler."""
import torch
from torch import Tensor

from course_lib.checks import (
    Net,
    at_most,
    call,
    expect_close,
    expect_results,
    expect_state,
    expect_tensor,
)
from course_lib.checks.facts.callbacks import Asked
from course_lib.checks.facts.chains import exact_eps, per_image
from course_lib.checks.facts.draws import random_alpha_bar, seeded, uniform
from course_lib.hidden.chains import posterior, transition, velocity
from course_lib.hidden.ex06.forward import (
    DOUBLE,
    SHAPES,
    TOLERANCE,
    decades,
    expect_free,
    expect_linear,
    expect_slope,
    extreme_alpha_bar,
    extremes,
    scaled,
    tolerance_for,
)


def check_v_loss(v_loss, seed: int = 0) -> None:
    rng, T = seeded(seed), 12
    for n, d in ((5, 2), (3, 3), (1, 4), (4, 1), (1, 1)):
        alpha_bar = random_alpha_bar(rng, T)
        net = Net.draw("TimeMLP", (d, 6), rng, scale=0.4)
        x_0, eps = torch.randn(2, n, d, generator=rng)
        t = torch.randint(1, T + 1, (n,), generator=rng)
        _losses(v_loss, net, x_0, t, eps, alpha_bar)
    _losses(v_loss, net, 4 * x_0 + 3, t, 4 * eps, alpha_bar)
    for size in (20.0, 1e6):
        x_0, eps = size * torch.randn(2, 3, 2, generator=rng)
        _losses(v_loss, Net.draw("TimeMLP", (2, 6), rng, scale=0.4), x_0,
                torch.tensor([1, 5, T]), eps, random_alpha_bar(rng, T))
    _not_a_number(v_loss, random_alpha_bar(rng, T), rng)
    for ends in EXTREME:
        _ends(v_loss, extreme_alpha_bar(*ends), rng)
    for size in (0.0, 1e-6, 0.1, 1e3, 1e6):
        x_0, eps = size * torch.randn(2, 3, 2, generator=rng)
        _silent(v_loss, x_0, torch.tensor([1, 6, T]), eps, random_alpha_bar(rng, T))


EXTREME = (1000, 11.9, -19.0), (2, 11.7, -19.8), (2, 8.0, -10.0), (3, 11.3, -19.5)


def _ends(v_loss, alpha_bar: Tensor, rng: torch.Generator) -> None:
    """At the two ends of an extreme table: what is asked of a network that says 0."""
    net = Net.draw("TimeMLP", (3, 6), seeded(0), scale=0.0)
    bias, T = [*net.state][-1], len(alpha_bar) - 1
    x_0, eps = torch.randn(2, 2, 3, generator=rng)
    for t, on_x_0, on_eps, what in (([1], 1, 0, "eps = 0"), ([T], 0, 1, "x_0 = 0"),
                                    ([1, T], 1, 1, "both")):
        n = len(t)
        x, noise = on_x_0 * x_0[:n], on_eps * eps[:n]
        _, v = velocity(alpha_bar, torch.tensor(t), x, noise)
        where = (f"of a network that says 0, at t = {t}, with {what}, where alpha_bar goes from "
                 f"1 - {1 - alpha_bar[1]:.2g} to {alpha_bar[-1]:.2g}")
        loss, gradients = expect_results(call(
            v_loss, net, x, torch.tensor(t), noise, alpha_bar, lent=True),
            "the loss and its gradients", 2)
        hint = ("Take both factors from the float64 table, without a least or a largest one; in "
                "float32 the first digits of 1 - alpha_bar are lost.")
        size = v.square().sum().item()
        expect_close(f"the loss {where}", loss, size / n, hint, rtol=1e-5, atol=1e-5 * size)
        slope = {key: 0 * weight for key, weight in net.state.items()}
        expect_state(f"the gradients {where}", gradients,
                     net._replace(state={**slope, bias: -2 * v.mean(0)}), hint, rtol=1e-5,
                     atol=1e-5 * size ** 0.5)


def _not_a_number(v_loss, alpha_bar: Tensor, rng: torch.Generator) -> None:
    net, t = Net.draw("TimeMLP", (2, 6), rng, scale=0.4), torch.tensor([2, 5, 1])
    for i in (0, 1):
        for value in (torch.nan, torch.inf):
            pictures = torch.randn(2, 3, 2, generator=rng)
            pictures[i, 1, 0] = value
            loss, _ = expect_results(call(v_loss, net, pictures[0], t, pictures[1], alpha_bar),
                                     "the loss and its gradients", 2)
            assert torch.as_tensor(loss).isnan().all(), (
                f"where one number of {('x_0', 'eps')[i]} is {value}, nobody knows the loss: "
                f"expected nan, got {loss}. Nothing is repaired or left out.")


def _silent(v_loss, x_0: Tensor, t: Tensor, eps: Tensor, alpha_bar: Tensor) -> None:
    """A network that says 0, where the loss may be of any size."""
    net = Net.draw("TimeMLP", (x_0.shape[1], 6), seeded(0), scale=0.0)
    _, v = velocity(alpha_bar, t, x_0, eps)
    loss, gradients = expect_results(call(v_loss, net, x_0, t, eps, alpha_bar, lent=True),
                                     "the loss and its gradients", 2)
    expect_close(f"the loss of a network that says 0 at t = {t.tolist()}", loss,
                 v.square().sum() / len(x_0), "It is the squared length of v, however small or "
                 "large.", rtol=1e-4, atol=1e-15)
    if not v.any():
        zero = {key: 0 * gradient for key, gradient in net.state.items()}
        expect_state("the gradients where the network is right already", gradients,
                     net._replace(state=zero), "They are 0 there: a root has no slope at 0.")


def _losses(v_loss, net: Net, x_0: Tensor, t: Tensor, eps: Tensor, alpha_bar: Tensor) -> None:
    n, d = x_0.shape
    where = f"for {n} points of {d} numbers at t = {t.tolist()}"
    results = lambda net, *args: expect_results(
        call(v_loss, net, *args, alpha_bar, lent=True), "the loss and its gradients", 2)
    x_t, v = velocity(alpha_bar, t, x_0, eps)
    module = net.double().build()
    errors = (module(x_t, t) - v).norm(dim=1).pow(2)
    names, weights = zip(*module.named_parameters())
    gradients = torch.autograd.grad(errors.sum() / n, weights)
    silent = net._replace(state={key: 0 * tensor for key, tensor in net.state.items()})
    expect_close(f"the loss of a network that says 0 {where}", results(silent, x_0, t, eps)[0],
                 v.square().sum() / n, "What is left is the squared length of v, summed over the "
                 "numbers of a point and averaged over the batch. v is the slope of the path from "
                 "x_0 to eps in its angle.", rtol=2e-5)
    loss, state = results(net, x_0, t, eps)
    expect_close(f"the loss {where}", loss, errors.sum() / n, "For a network that says 0 it is "
                 "right. Is this one asked at x_t and t, and is what it says subtracted from v?",
                 rtol=2e-5)
    assert not isinstance(loss, Tensor) or loss.dtype == torch.float32, (
        f"expected a float32 loss, as the points are, got {loss.dtype}.")
    for i in range(n if n > 1 else 0):
        one = results(net, x_0[i:i + 1], t[i:i + 1], eps[i:i + 1])[0]
        expect_close(f"the loss of point {i} alone", one, errors[i], "Each point has its own t.",
                     rtol=2e-5)
    expect_state(f"the gradients {where}", state, net._replace(state=dict(zip(names, gradients))),
                 "They are those of the loss itself: does it reach the network, without detach, "
                 "no_grad or item on the way?", rtol=1e-3, dtype=torch.float32,
                 atol=2e-5 * max(1, max(x.abs().max().item() for x in gradients) / 20))


def check_ancestral_step(ancestral_step, seed: int = 0) -> None:
    rng, T = seeded(seed), 8
    for dtype in TOLERANCE:
        for shape in SHAPES:
            alpha_bar = random_alpha_bar(rng, T)
            t = torch.randint(2, T + 1, shape[:1], generator=rng)
            t[0] = 2                                            # where β and β̃ differ most
            share = uniform(rng).item()
            parts = torch.randn(3, *shape, dtype=dtype, generator=rng)
            _steps(ancestral_step, alpha_bar, t, share, *parts)
        alpha_bar = random_alpha_bar(rng, T)
        _steps(ancestral_step, alpha_bar, torch.tensor([2, T, 5]), uniform(rng).item(),
               *(scaled(rng, 3, 1, 2, 2, dtype=dtype) for _ in range(3)))
        for alpha_bar in (extreme_alpha_bar(7, *extremes(rng)), decades(rng, dtype)):
            t = torch.arange(2, len(alpha_bar))
            _steps(ancestral_step, alpha_bar, t, uniform(rng).item(),
                   *torch.randn(3, len(t), 2, dtype=dtype, generator=rng))
        for t, table in (([1, 3, 1, T], random_alpha_bar(rng, T)), ([1], alpha_bar),
                         ([T, 1, 2], random_alpha_bar(rng, T)), ([1, 7, 2, 4], alpha_bar)):
            _last_steps(ancestral_step, table, torch.tensor(t),
                        *torch.randn(3, len(t), 3, 2, 2, dtype=dtype, generator=rng))


def _steps(ancestral_step, alpha_bar: Tensor, t: Tensor, share: float, x_0: Tensor, eps: Tensor,
           z: Tensor) -> None:
    """Steps from t > 1. Between its two ends the log of the variance is interpolated."""
    where = f"at t = {t.tolist()}, shape {tuple(z.shape)},"
    x_t, v = (x.to(z.dtype) for x in velocity(alpha_bar, t, x_0, eps))
    x_0 = _x_0(alpha_bar, t, x_t, v)
    step = lambda z, share: call(ancestral_step, x_t, v, t, z, alpha_bar, share)
    on_x_0, on_x_t, beta_tilde = posterior(alpha_bar, t - 1, t)
    _, beta = transition(alpha_bar, t - 1, t)
    mean = per_image(on_x_0, x_0) * x_0 + per_image(on_x_t, x_0) * x_t.double()
    tolerance = tolerance_for(x_t, v, z)
    least = (alpha_bar[t] / alpha_bar[t - 1]).min().item()
    tolerance["atol"] += 4e-16 / least                          # what 1 - β loses of α
    expect_close(f"the step {where} with z = 0", step(0 * z, share), mean,
                 "v and x_t together determine the predicted x_0 (turn both back by the angle); "
                 "the mean is that of q(x_{t-1} given x_t and this x_0).", dtype=z.dtype,
                 **tolerance)
    between = (share * beta.log() + (1 - share) * beta_tilde.log()).exp()
    for weight, variance in ((share, between), (1, beta), (0, beta_tilde)):
        noise = step(z, weight).double() - step(0 * z, weight).double()
        expect_close(f"the noise {where} share = {weight:.3f}", noise,
                     per_image(variance.sqrt(), x_0) * z.double(),
                     "z times the standard deviation. For share = 1 its square is beta_t, for "
                     "share = 0 beta-tilde_t; between them the logs are interpolated.",
                     rtol=tolerance["rtol"], atol=4 * tolerance["atol"])
    whole = mean + per_image(between.sqrt(), x_0) * z.double()
    expect_close(f"the step {where} share = {share:.3f}", step(z, share), whole,
                 "Mean and noise are right alone: add the two.", dtype=z.dtype,
                 rtol=tolerance["rtol"], atol=2 * tolerance["atol"])
    if len(z) > 5:
        return
    for i in range(len(z)):
        alone = call(ancestral_step, *(x[i:i + 1] for x in (x_t, v, t, z)), alpha_bar, share)
        expect_close(f"the step of picture {i} alone {where}", alone, whole[i:i + 1],
                     "A batch of one is a batch.", dtype=z.dtype, rtol=tolerance["rtol"],
                     atol=2 * tolerance["atol"])
    expect_linear(f"the step {where}", lambda *parts: call(
        ancestral_step, *parts[:2], t, parts[2], alpha_bar, share), (x_t, v, z), whole)
    cos, sin = _circle(alpha_bar, t)
    for i, of, what in ((0, on_x_0 * cos + on_x_t, "x_t"), (1, -on_x_0 * sin, "v"),
                        (3, between.sqrt(), "z")):
        expect_slope(f"the step {where} in {what}", ancestral_step,
                     (x_t, v, t, z, alpha_bar, share), i, of, **TOLERANCE[z.dtype])
    expect_free(f"the step {where} with a NaN in x_t",
                lambda x: call(ancestral_step, x, v, t, z, alpha_bar, share), x_t)
    expect_free(f"the step {where} with a NaN in v",
                lambda x: call(ancestral_step, x_t, x, t, z, alpha_bar, share), v)
    expect_free(f"the step {where} with a NaN in z", lambda x: step(x, share), z)


def _circle(alpha_bar: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """The cosine and the sine of t's angle, from single steps."""
    signal, variance = transition(alpha_bar, 0 * t, t)
    return signal, variance.sqrt()


def _x_0(alpha_bar: Tensor, t: Tensor, x_t: Tensor, v: Tensor) -> Tensor:
    """x_0 of the point on the quarter circle whose place and slope, rounded, are given, float64."""
    cos, sin = (per_image(x, x_t.double()) for x in _circle(alpha_bar, t))
    return cos * x_t.double() - sin * v.double()


def _last_steps(ancestral_step, alpha_bar: Tensor, t: Tensor, x_0: Tensor, eps: Tensor,
                z: Tensor) -> None:
    """Steps from t = 1 in a batch with other times."""
    x_t, v = (x.to(z.dtype) for x in velocity(alpha_bar, t, x_0, eps))
    x_0, last = _x_0(alpha_bar, t, x_t, v), t == 1
    on_x_0, on_x_t, beta_tilde = posterior(alpha_bar, t - 1, t)
    _, beta = transition(alpha_bar, t - 1, t)
    mean = per_image(on_x_0, x_0) * x_0 + per_image(on_x_t, x_0) * x_t.double()
    tolerance = {key: 2 * x for key, x in TOLERANCE[z.dtype].items()}
    for share in (0.0, 0.5, 1.0):
        got = call(ancestral_step, x_t, v, t, z, alpha_bar, share)
        assert isinstance(got, Tensor) and got.shape == z.shape, (
            f"expected one picture for each x_t, shape {tuple(z.shape)}.")
        expect_close(f"the step from t = 1 with share = {share:g}, in a batch with other times",
                     got[last], x_0[last], "The last step adds no noise: it ends at the predicted "
                     "x_0. There, beta-tilde is 0 and has no logarithm, and 0 times -inf is NaN.",
                     dtype=z.dtype, **TOLERANCE[z.dtype])
        variance = beta ** share * beta_tilde ** (1 - share)
        sigma = per_image(torch.where(last, 0, variance.sqrt()), x_0)
        expect_close(f"the steps of the whole batch, t = {t.tolist()}, share = {share:g}", got,
                     mean + sigma * z.double(), "A picture at t = 1 changes nothing for the others "
                     "of its batch.", **tolerance)
        far = call(ancestral_step, x_t, v, t, 1e6 * z, alpha_bar, share)
        expect_close(f"the step from t = 1 with large z, share = {share:g}", far[last], x_0[last],
                     "The last step adds no noise, whatever z is.", **tolerance)
        for i, of, what in ((0, on_x_0 * _circle(alpha_bar, t)[0] + on_x_t, "x_t"),
                            (1, -on_x_0 * _circle(alpha_bar, t)[1], "v"),
                            (3, torch.where(last, 0, variance.sqrt()), "z")):
            if what == "z" and last.all():
                continue
            if what == "z":
                _, slope = call(ancestral_step, x_t, v, t, z, alpha_bar, share, wrt=i)
                expect_close(f"the gradient in z of the steps from t = 1, share = {share:g}",
                             slope[last], torch.zeros(z[last].shape), "No noise is exactly none, "
                             "and a mask on a result that is NaN leaves NaN in its slope.",
                             rtol=0, atol=0)
            expect_slope(f"the steps from t = {t.tolist()} in {what}, share = {share:g}",
                         ancestral_step, (x_t, v, t, z, alpha_bar, share), i, of, **tolerance)


def ancestral_chain(eps_model, x_T: Tensor, z: Tensor, times: list[int],
                    alpha_bar: Tensor) -> Tensor:
    """The sampler's own chain on the given times, float64: each step is the posterior mean at the
    x_0 that the model's ε implies, and the step's noise    DDPM, Algorithm 2"""
    respaced, x = alpha_bar[torch.tensor([0, *times])], x_T.double()
    zero = torch.tensor([0])
    for i in range(len(times), 0, -1):
        t = torch.tensor([i])
        signal, variance = transition(respaced, zero, t)
        eps = eps_model(x, torch.full((len(x),), times[i - 1])).double()
        x_0 = (x - variance.sqrt() * eps) / signal
        on_x_0, on_x_t, _ = posterior(respaced, t - 1, t)
        x = on_x_0 * x_0 + on_x_t * x
        if i > 1:
            _, beta = transition(respaced, t - 1, t)
            x = x + beta.sqrt() * z[times[i - 1]].double()
    return x


def check_sample(sample, seed: int = 0) -> None:
    rng = seeded(seed)
    for shape, T, times, dtype in (((3, 2), 6, [1, 2, 3, 4, 5, 6], DOUBLE),
                                   ((4, 1, 3, 3), 9, [2, 3, 7, 9], torch.float32),
                                   ((1, 1), 7, [1, 4, 7], DOUBLE), ((3, 3), 5, [5], torch.float32),
                                   ((2, 1, 1, 2), 8, [2, 8], DOUBLE), ((1, 3), 1, [1], DOUBLE),
                                   ((1, 1, 1, 1), 24, [*range(3, 25, 3)], torch.float32),
                                   ((2, 3), 7, [*range(1, 8)], DOUBLE),
                                   ((2, 3), 7, [1, 3, 4, 7], torch.float32),
                                   ((2, 2, 3), 2, [1, 2], DOUBLE), ((2, 3), 2, [2], DOUBLE),
                                   ((1, 2, 1, 2, 1), 3, [2, 3], DOUBLE)):
        alpha_bar = random_alpha_bar(rng, T)
        if T in (2, 3):
            alpha_bar = extreme_alpha_bar(T, *extremes(rng))
        if shape == (2, 3):                              # no alpha so small that 1 - beta loses it
            alpha_bar = decades(rng, torch.float32)
        x_T = torch.randn(shape, dtype=dtype, generator=rng)
        z = torch.randn(T + 1, *shape, dtype=dtype, generator=rng)
        mean, variance = uniform(rng, 2, low=0.1, high=2).tolist()
        eps_model = exact_eps(alpha_bar, mean, variance)
        _what_is_asked(sample, eps_model, x_T, z, times, alpha_bar)
        data = f"for the exact eps of N({mean:.2f}, {variance:.2f})"
        # 1 - (1 - alpha) keeps half the digits only of a small alpha
        tolerance = TOLERANCE[torch.float32 if alpha_bar[-1] < 1e-5 else dtype]
        _pictures(sample, eps_model, data, x_T, z, times, alpha_bar, tolerance)
        for x, noise in ((1e6 * x_T, z), (x_T, 1e6 * z), (1000 * x_T, 1000 * z)):
            _any_size(sample, eps_model, x, noise, times, alpha_bar, tolerance)


def _any_size(sample, eps_model, x_T: Tensor, z: Tensor, times: list[int], alpha_bar: Tensor,
              tolerance: dict[str, float]) -> None:
    """Large pictures, a model that says much, and a NaN in one pixel."""
    where = f"for the times {times} of {len(z) - 1}"
    shout = lambda x, t: 30 * torch.cos(torch.as_tensor(t).double().mean()).to(x.dtype) + 0 * x
    for model in (eps_model, shout):
        expect_close(f"the picture {where} from large numbers",
                     call(sample, at_most(len(times), model), x_T, z, times, alpha_bar),
                     ancestral_chain(model, x_T, z, times, alpha_bar),
                     "Nothing is clipped on the way: not the pictures, not the noise, not what the "
                     "model says.", dtype=x_T.dtype, **tolerance_for(x_T, z, tolerance=tolerance))
    expect_free(f"the picture {where} with a NaN in x_T",
                lambda x: call(sample, at_most(len(times), eps_model), x, z, times, alpha_bar), x_T)


def _what_is_asked(sample, eps_model, x_T: Tensor, z: Tensor, times: list[int],
                   alpha_bar: Tensor) -> None:
    where = f"for the times {times} of {len(z) - 1}"
    asked = Asked(eps_model)
    call(sample, asked, x_T, z, times, alpha_bar)
    asked.expect_integers(1, f"t as eps_model gets it {where}")
    for x, _ in asked.calls:
        expect_tensor(f"x as eps_model gets it {where}", x, tuple(x_T.shape), x_T.dtype,
                      "It has the shape and the dtype of x_T.")
    told = [[*dict.fromkeys(t.tolist())] for _, t in asked.calls]
    assert told == [[t] for t in reversed(times)], (
        f"eps_model {where}: expected to be asked once at each of these times, from the last to "
        f"the first, got {told}. It is told the times that it was trained with.")


def _pictures(sample, eps_model, data: str, x_T: Tensor, z: Tensor, times: list[int],
              alpha_bar: Tensor, tolerance: dict[str, float]) -> None:
    T, dtype = len(z) - 1, x_T.dtype
    where = f"for the times {times} of {T}"
    sampled = lambda z, model=eps_model: call(sample, at_most(len(times), model), x_T, z, times,
                                              alpha_bar)
    exact = lambda z, model=eps_model: ancestral_chain(model, x_T, z, times, alpha_bar)
    quiet = exact(0 * z)
    expect_close(f"the picture {where} with z = 0, {data}", sampled(0 * z), quiet,
                 "This is what the means alone do. The chain that stays at these times only has an "
                 "alpha_bar of its own, and so an alpha of its own: alpha and alpha_bar are two "
                 "tables.", dtype=dtype, **tolerance)
    for t in range(T + 1):
        pulse = torch.zeros_like(z)
        pulse[t] = 1
        expect_close(f"what noise of 1 at t = {t} adds to the picture {where}",
                     sampled(pulse).double() - quiet, exact(pulse) - quiet,
                     "z[t] is the noise of the step that leaves t, times that step's own standard "
                     "deviation. The last step, to t = 0, adds none; nor do times that are left "
                     "out.", rtol=1e-4, atol=5 * tolerance["atol"])
    unused = z.clone()
    unused[[t for t in range(T + 1) if t not in times[1:]]] = torch.nan
    expect_close(f"the picture {where}, with NaN in the rows of z that stay unused",
                 sampled(unused), exact(z), "Unused is not multiplied by 0: 0 times NaN is NaN. "
                 "That is z[0], the times that are left out, and the last step's.", dtype=dtype,
                 **tolerance)
    if len(times) > 1:
        expect_free(f"the picture {where} with a NaN in z[{T}]", lambda row: sampled(
            torch.cat([z[:T], row[None]])), z[T])
    echo = lambda x, t: x
    expect_close(f"the picture {where} for a model that returns the x that it is given",
                 sampled(z, echo), exact(z, echo), "What the model says may be x itself: change "
                 "neither in place.", dtype=dtype, **tolerance)
    expect_close(f"the picture {where}", sampled(z), exact(z), "Mean and noise are right alone: is "
                 "the noise of each step added before the next step begins?", dtype=dtype,
                 **tolerance)

    def bent(x: Tensor, t: Tensor | int) -> Tensor:
        return torch.tanh(2 * x) * (torch.as_tensor(t).double().mean() / T).to(x.dtype)

    expect_close(f"the picture {where} for another eps_model", sampled(z, bent), exact(z, bent),
                 "Ask eps_model at each step's own x_t, and use what it says as it is, without "
                 "clipping.", dtype=dtype, rtol=10 * tolerance["rtol"], atol=10 * tolerance["atol"])
