"""Exercise 7, guidance: the gradient of a classifier, log p(y ∈ A | x_t)."""
import math

import torch
from torch import Tensor

from course_lib.checks import Net, call, expect_close, expect_results, expect_tensor
from course_lib.checks.facts import slopes
from course_lib.checks.facts.draws import seeded


def check_log_p_gradient(log_p_gradient, seed: int = 0) -> None:
    rng = seeded(seed)
    net = Net.draw("TimeMLP", (2, 12, 4), rng, 0.4)
    x = 2 * torch.randn(40, 2, generator=rng)
    t = torch.randint(1, 1000, (40,), generator=rng)
    mask = torch.rand(40, 4, generator=rng) < 0.5
    mask[torch.arange(40), torch.randint(4, (40,), generator=rng)] = True
    mask[0], mask[1] = torch.tensor([False, True, False, False]), True
    for typed, atol in ((net.double(), 1e-7), (net, 2e-4)):
        for size in (1, 20):
            _of_sets(log_p_gradient, typed, size * x[:9], t[:9], mask[:9], size * atol)
        _of_sets(log_p_gradient, typed._replace(frozen=True), x[:9], t[:9], mask[:9], atol)
        _of_images(log_p_gradient, typed.state[next(iter(net.state))].dtype, rng)
        _found_as_it_was(log_p_gradient, typed, x[:3], t[:3], mask[:3])
    for dtype, atol in ((torch.float32, 1e-3), (torch.float64, 1e-8)):
        for d, size in ((2, 1), (1, 1e-3), (5, 100)):
            _close_at_the_top(log_p_gradient, rng, d, size, dtype, atol)
    line = Net.draw("TimeMLP", (1, 12, 3), rng, 0.4).double()
    one, sets = torch.randn(3, 1, dtype=torch.float64, generator=rng), mask[2:5, :3].clone()
    sets[:, 0] = True
    _of_sets(log_p_gradient, line, one, t[2:5], sets, 1e-7)
    for factor in (1e3, 5e3, 1e5):
        _far_logits(log_p_gradient, sharpened(net, factor), x, t, mask)


def sharpened(net: Net, factor: float) -> Net:
    """The network with its last layer multiplied, so with logits that many times as far apart."""
    last = [*net.state][-2:]
    return net._replace(state={key: factor * w if key in last else w
                               for key, w in net.state.items()})


def _result(log_p_gradient, net: Net, x: Tensor, t: Tensor, mask: Tensor, **how) -> Tensor:
    """The gradient, where nothing else is left behind."""
    result, left = expect_results(call(log_p_gradient, net, x, t, mask, **how),
                                  "the gradient, and what it left behind", 2)
    expect_tensor("the gradient", result, tuple(x.shape), x.dtype, "It is as x_t is.")
    assert left == "nothing", (
        f"the answer left behind {left}. A gradient in x_t needs neither gradients in the "
        "classifier's weights nor a graph of its own, and whoever asks finds all as it was: which "
        "function returns gradients, and stores none?")
    return result


def _of_sets(log_p_gradient, net: Net, x: Tensor, t: Tensor, mask: Tensor, atol: float) -> None:
    module, dtype = net.double().build(), next(iter(net.state.values())).dtype
    log_p = lambda x: (module(x, t).softmax(1) * mask).sum(1).log()
    expected = slopes.gradient(log_p, x.double())

    def close(what: str, got, expected: Tensor, hint: str) -> None:
        expect_close(f"the gradient{what}", got, expected, hint, rtol=1e-4, atol=atol, dtype=dtype)

    x = x.to(dtype)
    got = _result(log_p_gradient, net, x, t, mask)
    expect_tensor("the gradient", got, tuple(x.shape), dtype, "It has the shape of x_t.")
    if mask[1].all():
        close(" where the set holds all classes", got[1], torch.zeros_like(x[1]),
              "That has probability 1, everywhere.")
    close(" where the set holds one class, by differences of its log probability", got[0],
          expected[0], "The softmax of the logits over all classes is their probability, and one "
          "image's gradient is no mean over the batch.")
    close(" in each image of the log probability of its own set, by differences", got, expected,
          "The probability of a set is the sum over its classes, and each image has its own set.")
    for part in (slice(0, 1), slice(2, 3), slice(1, 7)):
        if part.stop > len(x):
            continue
        alone = _result(log_p_gradient, net, x[part], t[part], mask[part])
        close(f"s of {part.stop - part.start} of the batch, without the others", alone, got[part],
              "An image's gradient must not depend on how many images there are: is there a mean?")
    try:
        with torch.no_grad():
            inside = _result(log_p_gradient, net, x, t, mask)
    except RuntimeError as error:
        raise AssertionError(f"inside torch.no_grad(), where samplers run, it fails: {error}. "
                             "torch.enable_grad() switches gradients on again.") from None
    close(" inside torch.no_grad()", inside, got, "It must not depend on who asks.")


def _found_as_it_was(log_p_gradient, net: Net, x: Tensor, t: Tensor, mask: Tensor) -> None:
    """Some weights frozen, or all; some layers in eval mode; an x_t that requires a gradient."""
    x = x.to(next(iter(net.state.values())).dtype)
    free = _result(log_p_gradient, net, x, t, mask)
    for frozen in (True, ("time",), ("net.0", "net.6")):
        for marked in (None, 1):
            got = _result(log_p_gradient, net._replace(frozen=frozen), x, t, mask, marked=marked)
            expect_close("the gradient with a classifier that is frozen in part, in eval mode "
                         "there, and an x_t that may require a gradient", got, free,
                         "It is the same classifier.", dtype=x.dtype, rtol=1e-6, atol=1e-7)
        call(log_p_gradient, net._replace(frozen=frozen), x, t, mask, lent=True)


def _close_at_the_top(log_p_gradient, rng: torch.Generator, d: int, size: float,
                      dtype: torch.dtype, atol: float) -> None:
    """Logits W x + b_t: two classes about as likely, other classes far below, and images without
    such gaps among them. Of exp, what is near the largest counts, here and in the set."""
    near = torch.randn(7, 2, generator=rng).tolist()
    far = (-1e5, -2e3, -2e3, -200.0, -2e3, -1.0, -1e5)
    biases = torch.tensor([[a, b, c, c - 1] for (a, b), c in zip(near, far)]).double()
    biases[1] = biases[1].roll(2)
    biases[2, 2:] += torch.tensor([0, 1.5])
    if dtype == torch.float64:
        biases[4] += 2000
    sets = torch.tensor([[1, 0, 0, 1], [0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0], [1, 0, 0, 0],
                         [1, 0, 1, 0], [0, 0, 1, 0]]).bool()
    weights = torch.randn(4, d, dtype=torch.float64, generator=rng) / size
    x = (size * torch.randn(7, d, dtype=torch.float64, generator=rng)).to(dtype)
    t = torch.arange(7)
    table = {"points.weight": weights.to(dtype), "bias.weight": biases.to(dtype)}
    net = Net("TimeLinear", (d, 6, 4), table)

    def log_p(x: Tensor) -> Tensor:
        weight, all_biases = table["points.weight"].double(), table["bias.weight"].double()

        def total(which: Tensor) -> Tensor:
            above = all_biases - biases.where(which, -math.inf).amax(1, keepdim=True)
            return (x @ weight.T + above).where(which, -math.inf).exp().sum(1).log()

        return total(sets) - total(torch.ones_like(sets))

    expected = size * slopes.gradient(log_p, x.double(), 1e-4 * size)
    close = lambda what, got, expected: expect_close(
        f"the gradient {what}, in units of W", size * got, expected,
        "Classes far below count for nothing, and classes that are near count for what they are: "
        "no largest logit stands for all of them.", rtol=atol, atol=atol, dtype=dtype)
    got = _result(log_p_gradient, net, x, t, sets)
    close("where two logits are close and the others may be far below", got, expected)
    alone = [_result(log_p_gradient, net, x[i:i + 1], t[i:i + 1], sets[i:i + 1]) for i in range(7)]
    close("of each image alone", torch.cat(alone), got.double() * size)


def _of_images(log_p_gradient, dtype: torch.dtype, rng: torch.Generator) -> None:
    """Two images, in one random direction each."""
    net = Net.draw("NoisyConv", (4, (8, 8)), rng, 0.1)
    net = net.double() if dtype == torch.float64 else net
    x, direction = torch.randn(2, 2, 1, 28, 28, generator=rng).to(dtype)
    t, mask = torch.tensor([30, 700]), torch.tensor([[0, 1, 1, 0], [1, 0, 0, 1]]).bool()
    module = net.double().build()
    log_p = lambda x: (module(x, t).softmax(1) * mask).sum(1).log()
    with torch.no_grad():
        slope = slopes.derivative(lambda h: log_p(x.double() + h * direction.double()), 0.0, 1e-4)
    got = _result(log_p_gradient, net, x, t, mask)
    expect_close("the slope of log p of each of two images in a random direction",
                 (got * direction).flatten(1).sum(1), slope, "Images are (batch, C, H, W), and "
                 "each has its own time and set.", rtol=1e-3, atol=1e-5)
    alone = [_result(log_p_gradient, net, *(a[i:i + 1] for a in (x, t, mask))) for i in (0, 1)]
    expect_close("the gradient of two images", got, torch.cat(alone),
                 "Each image's gradient is its own.", rtol=1e-4, atol=1e-5)


def _far_logits(log_p_gradient, net: Net, x: Tensor, t: Tensor, mask: Tensor) -> None:
    """Where one logit of the set and one of all are far above the others, log p is the difference
    of these two."""
    module, precise = net.double().build(), x.double()
    of_all = lambda x: module(x, t)
    of_set = lambda x: module(x, t).masked_fill(~mask, -math.inf)
    with torch.no_grad():
        best, best_of_set = (logits(precise).topk(2).values for logits in (of_all, of_set))
        largest = of_all(precise).abs().max().item()
    clear = torch.minimum(best[:, 0] - best[:, 1], best_of_set[:, 0] - best_of_set[:, 1]) > 50
    unlikely = (best_of_set[:, 0] - best[:, 0]).argsort()      # their probability underflows
    clear = unlikely[clear[unlikely]][:8]
    log_p = lambda x: of_set(x).amax(1) - of_all(x).amax(1)
    limit = slopes.gradient(log_p, precise, 1e-6)[clear]
    got = _result(log_p_gradient, net, x[clear], t[clear], mask[clear])
    expect_close(f"the gradient where logits are as large as {largest:.0e}", got, limit,
                 "There log p is the best logit of the set minus the best of all. exp of such a "
                 "logit overflows, and the log of a probability that underflows is −inf: stay with "
                 "logs.", rtol=1e-3, atol=1e-4 * limit.abs().max().item())
