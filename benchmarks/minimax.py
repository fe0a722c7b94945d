"""Two claims of Goodfellow et al. 2014, over three seeds.

discriminator_1d: Proposition 1, a trained D approaches D* (1-D, where D* is known). saturation:
Section 3, as D gets good, log(1 − D) stops teaching G and −log D does not.
"""
import torch
from common import write
from torch import nn

from course_lib.core import fit
from course_lib.data import batches, toys
from course_lib.gan.gan import GAN, points_gan
from course_lib.gan.minimax import (
    minimax_generator_loss,
    non_saturating_generator_loss,
    optimal_discriminator,
)
from course_lib.nets import mlp

TABLES = {"discriminator_1d": ["step"], "saturation": ["steps_of_D"]}


def discriminator_1d(seed: int) -> list[dict]:
    """D against samples of p_data = N(0, 1) and p_g = N(1.5, 0.8²): its distance to D*, and how far
    V is below its maximum."""
    torch.manual_seed(seed)
    G = nn.Linear(1, 1)                      # G(z) = 1.5 + 0.8 z, z ~ N(0, 1); it does not learn
    G.load_state_dict({"weight": torch.tensor([[0.8]]), "bias": torch.tensor([1.5])})
    model = GAN(G, nn.Sequential(mlp(1, 64, 64, 1), nn.Flatten(0)), 1)
    x = torch.linspace(-8, 10, 4001, dtype=torch.float64)
    log_p = torch.distributions.Normal(0.0, 1.0).log_prob(x)
    log_g = torch.distributions.Normal(1.5, 0.8).log_prob(x)
    p, g = log_p.exp(), log_g.exp()
    best = optimal_discriminator(p, g)
    rows, log_D = [], nn.functional.logsigmoid

    def V(logit):
        return torch.trapezoid(p * log_D(logit) + g * log_D(-logit), x).item()

    def measure(step, model):
        if step not in (1, 10, 100, 1000, 3000):
            return
        with torch.no_grad():
            logit = model.D(x.float()[:, None]).double()
        error = torch.trapezoid((p + g) / 2 * (logit.sigmoid() - best) ** 2, x).sqrt().item()
        rows.append({"seed": seed, "step": step, "rms_D_minus_D_star": error,
                     "V_max_minus_V": V(log_p - log_g) - V(logit)})

    data = torch.randn(50_000, 1)
    fit(model, batches(data, size=512), steps=3000, lr=1e-3, turns=[("D", 1)], seed=seed,
        on_step=measure, schedule=lambda progress: 1 - progress)
    return rows


def saturation(seed: int) -> list[dict]:
    """After k steps of D alone on the ring: how hard each loss pulls on the logits of G's samples,
    and on G's weights."""
    torch.manual_seed(seed)
    model = points_gan()
    losses = {"minimax": minimax_generator_loss, "non_saturating": non_saturating_generator_loss}
    ring = toys("ring", 10_000, generator=torch.Generator().manual_seed(seed))
    rows = []

    def measure(step, model):
        if step not in (0, 10, 100, 1000):
            return
        z = torch.randn(2000, model.n_z, generator=torch.Generator().manual_seed(1))
        logit = model.D(model.G(z))
        row = {"seed": seed, "steps_of_D": step, "mean_D_of_fake": logit.sigmoid().mean().item()}
        for name, loss in losses.items():
            wanted = [logit, *model.G.parameters()]
            in_logit, *in_G = torch.autograd.grad(loss(logit), wanted, retain_graph=True)
            row[f"{name}_logit"] = (in_logit.abs().mean() * len(logit)).item()
            row[f"{name}_G"] = torch.cat([g.flatten() for g in in_G]).norm().item()
        rows.append(row)

    measure(0, model)
    fit(model, batches(ring, size=256), steps=1000, lr=1e-3, turns=[("D", 1)], seed=seed,
        on_step=measure)
    return rows


if __name__ == "__main__":
    write("discriminator_1d", [row for seed in range(3) for row in discriminator_1d(seed)])
    write("saturation", [row for seed in range(3) for row in saturation(seed)])
