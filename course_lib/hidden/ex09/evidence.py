"""The facts of a VAE's bound with its own prior, its weighted objective and its free nats."""
import torch
from torch import Tensor

from course_lib.checks import call, expect_close, expect_results
from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same

HINT = ("log p(x|z) sums over the pixels of a picture. KL(q || prior) has one number for each "
        "picture and dimension. The bound is log p(x|z) minus their sum; the objective takes the "
        "mean over the batch first, then the larger of it and lam, then the sum, then beta.")
NAMES = "the objective", "the bound"


def one_by_one(x: Tensor, logits: Tensor, mu: Tensor, log_var: Tensor, m: Tensor, log_s2: Tensor,
               beta: float, lam: float) -> tuple[Tensor, Tensor]:
    """Picture by picture and dimension by dimension."""
    n, d = mu.shape
    said, kl = [], torch.zeros(n, d, dtype=mu.dtype)
    for i in range(n):
        a, b = x[i].flatten(), logits[i].flatten()
        said.append(-(a * log_one_plus_exp(-b) + (1 - a) * log_one_plus_exp(b)).sum())
    rows = []
    for i in range(n):
        rows.append([])
        for j in range(d):
            ratio = log_var[i, j] - log_s2[j]
            squares = ratio.exp() + (mu[i, j] - m[j]) ** 2 / log_s2[j].exp()
            rows[i].append((squares - 1 - ratio) / 2)
    kl = torch.stack([torch.stack(row) for row in rows])
    means = [kl[:, j].sum() / n for j in range(d)]
    free = sum(mean if mean.item() > lam else torch.tensor(lam, dtype=mu.dtype) for mean in means)
    said = torch.stack(said)
    return said.sum() / n - beta * free, said - kl.sum(1)


def log_one_plus_exp(b: Tensor) -> Tensor:
    return b.clamp(min=0) + torch.log1p(torch.exp(-b.abs()))


def check_elbo(elbo, seed: int = 0) -> None:
    rng = seeded(seed)
    normal = lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng)
    some = 0.3 + uniform(rng).item()

    def drawn(shape: tuple[int, ...], d: int, dtype: torch.dtype, grey: bool = False) -> list:
        x = uniform(rng, *shape, low=0, high=1)
        x = x if grey else (x > 0.5).double()
        n = shape[0]
        args = [x, 2 * normal(*shape), normal(n, d), normal(n, d), normal(d), normal(d)]
        return [arg.to(dtype) for arg in args]

    def between(mu: Tensor, log_var: Tensor, m: Tensor, log_s2: Tensor) -> list[float]:
        """No free nats, more than all dimensions need, fewer, and as many as some of them need."""
        normals = [torch.distributions.Normal(mean, (log / 2).exp()) for mean, log in (
            (mu.double(), log_var.double()), (m.double(), log_s2.double()))]
        kl = torch.distributions.kl_divergence(*normals).mean(0).sort().values.tolist()
        middle = len(kl) // 2
        found = [0.0, 1.7 * kl[-1] + 0.1, 0.5 * kl[0]]
        return found + [(kl[middle - 1] + kl[middle]) / 2] if len(kl) > 1 else found

    for dtype in BOTH:
        for shape, d in (((4, 1, 3, 2), 3), ((1, 6), 4), ((1, 2, 2, 3), 1), ((3, 5), 3),
                         ((5, 1), 2), ((1, 1), 1), ((2, 3, 4, 4), 6)):
            for grey in (False, True):
                args = drawn(shape, d, dtype, grey)
                cases = between(*args[2:])
                for lam in cases[grey:]:
                    same(elbo, one_by_one, (*args, some, lam), NAMES, HINT,
                         what=f" of pictures of shape {shape}, d = {d}, beta = {some:.3g}, "
                              f"lam = {lam:.3g}",
                         wrt=(1, 2, 3, 4, 5) if lam == cases[-grey] else (), of=(0, 1), slope=1.0,
                         tolerance=1e-10 if dtype == torch.float64 else 2e-5)
        args = drawn((3, 1, 2, 2), 2, dtype)
        for beta, lam in ((0.0, 0.0), (0.0, 3.0), (1.0, 0.0), (1e4, 0.2), (1e-4, 1e4), (4.0, 1e4)):
            same(elbo, one_by_one, (*args, beta, lam), NAMES, HINT, slope=1.0,
                 what=f", beta = {beta:g}, lam = {lam:g}", wrt=(1, 2, 5), of=(0, 1),
                 tolerance=1e-10 if dtype == torch.float64 else 2e-5)
        args = [*args[:2], args[4].expand(3, 2), args[5].expand(3, 2), *args[4:]]
        same(elbo, one_by_one, (*args, some, 0.0), NAMES, HINT, wrt=(1,), of=(0, 1),
             what=" where q is the prior", tolerance=1e-10 if dtype == torch.float64 else 2e-5)
        _far(elbo, rng, dtype, some)


def _far(elbo, rng: torch.Generator, dtype: torch.dtype, some: float) -> None:
    """Log-variances to ±30, logits and distances to 1e4: measured against the terms of a row."""
    tolerance = 1e-10 if dtype == torch.float64 else 2e-5
    normal = lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng)
    for low, high, far in ((-30, 30, 1.0), (-30, -30, 1e-6), (30, 30, 1e4), (30, -30, 1e2),
                           (-30, 0, 1e-3), (0, -30, 1e-6), (0, 30, 1e4), (0, 0, 1e4), (0, -30, 1e4),
                           (-29, -30, 0.0), (-15, -15, 1e-3)):
        for n, d in ((1, 1), (2, 3)):
            wave = 0.5 if d > 1 else 0.0
            log_var = (low + wave * normal(n, d)).clamp(-30, 30)
            log_s2 = (high + wave * normal(d)).clamp(-30, 30)
            m = uniform(rng, d, low=-1, high=1)
            rows = torch.tensor([[1.0], [1e-3]]).double()[:n]        # decades apart
            mu = m + far * rows * uniform(rng, n, d, low=-1, high=1)
            x = (uniform(rng, n, 4) > 0.5).double()
            logits = uniform(rng, n, 4, low=-20, high=20)
            args = [arg.to(dtype) for arg in (x, logits, mu, log_var, m, log_s2)]
            _against_terms(elbo, args, some, 0.0, tolerance,
                           f" with log-variances near {low}, the prior's near {high}, "
                           f"{far:g} apart")
            few = 10 ** -uniform(rng, low=6, high=24).item()
            for beta, lam in ((0.0, 0.0), (0.0, 1e4), (few, 0.0)):      # J with little or no KL
                _against_terms(elbo, args, beta, lam, tolerance,
                               f" with log-variances near {low}, the prior's near {high}, "
                               f"{far:g} apart, beta = {beta:.3g}, lam = {lam:g}")
    for size in (1e2, 1e4):                          # certain pixels, right and wrong
        x = torch.tensor([[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.25, 1.0], [0.0, 1.0, 0.0, 1.0]])
        logits = size * torch.tensor([[-1.0, 1, -1, 1], [-1, 1, 1, 0.01], [-1, 1, 1e-3, 1e-3]])
        args = [arg.to(dtype) for arg in (x, logits, *torch.zeros(2, 3, 1), torch.ones(1),
                                          torch.zeros(1))]
        _against_terms(elbo, args, 1.0, 0.1, tolerance, f" with logits of size {size:g}")
        same(elbo, one_by_one, (*args, 1.0, 0.1), NAMES, HINT, wrt=(1,), of=(0,), slope=1.0,
             tolerance=tolerance, what=f" with logits of size {size:g}")
    for a, b in ((-30.0, -30.0), (30.0, 29.0), (-20.0, 20.0), (20.0, -20.0), (30.0, -30.0),
                 (-30.0, 30.0), (29.5, -30.0)):
        args = [torch.tensor(v, dtype=dtype) for v in ([[1.0]], [[0.3]], [[1e-3]], [[a]], [0.0],
                                                       [b])]
        same(elbo, one_by_one, (*args, some, 0.0), NAMES, HINT, wrt=(2, 3, 4, 5), of=(0, 1),
             tolerance=tolerance, slope=1.0, what=f" with log-variance {a:g}, the prior's {b:g}")


def _against_terms(elbo, args: list, beta: float, lam: float, tolerance: float,
                   what: str) -> None:
    x, logits, mu, log_var, m, log_s2 = (arg.double() for arg in args)
    objective, bound = one_by_one(x, logits, mu, log_var, m, log_s2, beta, lam)
    ratio = log_var - log_s2
    terms = (ratio.exp() + (mu - m) ** 2 / log_s2.exp() + 1 + ratio.abs()).sum(1)
    said = (x * log_one_plus_exp(-logits) + (1 - x) * log_one_plus_exp(logits)).flatten(1).sum(1)
    size = 1 + said + terms
    whole = 1 + said.mean() + beta * terms.mean() + beta * lam * mu.shape[1]
    got = expect_results(call(elbo, *args, beta, lam), "the objective and the bound", 2)
    for name, value, right, unit in zip(NAMES, got, (objective, bound), (whole, size)):
        expect_close(f"{name}{what}, in units of its terms", value, right, HINT, rtol=0,
                     atol=tolerance * unit.max().item(), dtype=args[0].dtype)
        if name == NAMES[1]:
            expect_close(f"{name}{what}, in units of each picture's terms",
                         value.double().reshape(right.shape) / unit, right / unit, HINT, rtol=0,
                         atol=tolerance)
