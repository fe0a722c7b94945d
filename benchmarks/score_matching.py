"""What a network learns by denoising score matching, and what Langevin makes of it.

score_toys: eight Gaussians on a ring and 25 on a grid, whose score under noise is known. error: rms
of ε_θ − ε*, ε = −σs, beside ε* itself; loss: E ‖ε_θ − z‖² a number, whose least value is that of
ε*; curl: rms of ∂ε_2/∂x_1 − ∂ε_1/∂x_2, beside the rms norm of the Jacobian, both by DDPM's x_t.
"energy" is −∇E_θ of the same network with one output.

score_mixing: 0.8 of all points fall to every other Gaussian; heavy: their share in samples. 600
steps of Langevin from N(0, 4 I): at σ = 0.05 alone, and annealed from σ = 2 to 0.05; exact scores,
a network trained on all levels, and one trained at σ = 0.05 alone. variation: half of the sum of
|share − weight| over Gaussians; near: share of points within 0.15 of one.

score_digits: the digits' U-Net after 1,600 steps on many levels, or on one, as in diffusion_budget,
and what ships (one seed; the diffusion model after 16,000 steps, the score network after 4,800):
5,000 samples by annealed Langevin, by Langevin at one level, or by DDPM's own sampler
(one seed). evaluations: of the network, for each sample.
"""
import time
from typing import NamedTuple

import torch
from common import chosen, write

from course_lib.core import fit, load, noise_like, warmup_cosine
from course_lib.data import batches, digits
from course_lib.data.toys import STD, modes
from course_lib.diffusion.ddpm import ddpm_sample
from course_lib.diffusion.schedule import cosine
from course_lib.ebm.energy_score import EnergyNCSN
from course_lib.ebm.ncsn import NCSN, annealed_langevin, denoised, geometric
from course_lib.ebm.plane import Mixture
from course_lib.ebm.score_matching import jacobian
from course_lib.ebm.vp_ve import denoiser_of, score_of, sigmas
from course_lib.evaluate import features, fid, precision_recall
from course_lib.nets import TimeMLP
from course_lib.recipes import recipes, weights
from course_lib.recipes.score import digits_ncsn, train_ncsn

TABLES = {"score_toys": ["law", "network", "sigma"],
          "score_mixing": ["law", "score", "levels"],
          "score_digits": ["trained", "sampler", "evaluations"]}
LEVELS, RATE = geometric(2, 0.05, 60), 0.2
FORMS = {"score": (NCSN, 2), "energy": (EnergyNCSN, 1)}


class Run(NamedTuple):
    part: str
    what: str
    seed: int


RUNS = [Run("toys", law, seed) for law in ("ring", "grid") for seed in range(3)]
RUNS += [Run("mixing", law, seed) for law in ("ring", "grid") for seed in range(3)]
RUNS += [Run("digits", what, seed) for seed in range(3) for what in ("many levels", "one level")]
RUNS += [Run("digits", what, 0) for what in ("shipped score", "shipped diffusion")]


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def mixture(name: str, unequal: bool) -> tuple[Mixture, torch.Tensor]:
    """The law, and which of its Gaussians are heavy: every other, as on a chessboard."""
    centres = modes(name)
    heavy = torch.arange(len(centres)) % 2 == 0
    if not unequal:
        return Mixture(centres, STD), heavy
    share = torch.where(heavy, 0.8 / heavy.sum(), 0.2 / (~heavy).sum())
    return Mixture(centres, STD, share), heavy


def learned(law: Mixture, kind, out: int, levels, seed: int) -> tuple[NCSN, float]:
    """Lecture 6a's network and training of points, and its CPU seconds."""
    torch.manual_seed(seed)
    model = kind(TimeMLP(2, 128, out=out), levels, (2,))
    start = time.process_time()
    fit(model, batches(law.sample(20_000, generator=rng(seed)), size=256), steps=3000, lr=4e-3,
        betas=(0.9, 0.99), schedule=warmup_cosine(), clip=1.0, ema=0.99, seed=seed, device="cpu")
    return model, time.process_time() - start


def toys(run: Run) -> None:
    law, _ = mixture(run.what, unequal=False)
    rows, rms = [], lambda x: x.square().mean().sqrt().item()
    for form, (kind, out) in FORMS.items():
        model, cpu = learned(law, kind, out, LEVELS, run.seed)
        with model.averaged():
            for sigma in (0.05, 0.1, 0.2, 0.5, 2.0):
                x_0 = law.sample(5000, generator=rng(100 + run.seed))
                z = noise_like(x_0, rng(200 + run.seed))
                x, at = x_0 + sigma * z, torch.full((5000,), sigma)
                exact = -sigma * law.smoothed(sigma).score(x)
                s, J = jacobian(lambda x, model=model, at=at: model(x, at), x)
                eps, J = -sigma * s.detach(), sigma * (1 + sigma**2)**0.5 * J.detach()
                rows.append({
                    "law": run.what, "network": form, "sigma": sigma, "seed": run.seed,
                    "error": rms(eps - exact), "exact": rms(exact),
                    "loss": (eps - z).square().mean().item(),
                    "least": (exact - z).square().mean().item(),
                    "curl": rms(J[:, 1, 0] - J[:, 0, 1]),
                    "jacobian": J.square().sum((1, 2)).mean().sqrt().item(), "cpu_seconds": cpu})
                print(rows[-1], flush=True)
    write("score_toys", rows, ("law", "network", "sigma", "seed"))


def mixing(run: Run, n: int = 5000, steps: int = 600) -> None:
    law, heavy = mixture(run.what, unequal=True)
    one = LEVELS[-1:]
    scores = {"exact": lambda x, at: law.smoothed(at[0].item()).score(x)}
    models = {"learned": learned(law, NCSN, 2, LEVELS, run.seed)[0],
              "learned at σ = 0.05": learned(law, NCSN, 2, one, run.seed)[0]}
    rows = []
    for score, name in (("exact", "one"), ("exact", "60"), ("learned", "one"), ("learned", "60"),
                        ("learned at σ = 0.05", "one")):
        levels = one if name == "one" else LEVELS
        start = LEVELS[0].item() * torch.randn(n, 2, generator=rng(300 + run.seed))
        sample = lambda s, levels=levels, start=start: denoised(s, annealed_langevin(
            s, levels, start, epsilon=RATE * one.item()**2, steps=steps // len(levels),
            generator=rng(400 + run.seed)), one.item())
        if score == "exact":
            x = sample(scores[score])
        else:
            with torch.no_grad(), models[score].averaged():
                x = sample(models[score])
        distance, which = torch.cdist(x, law.centres).min(1)
        share = torch.bincount(which, minlength=len(heavy)) / n
        rows.append({"law": run.what, "score": score, "levels": name, "seed": run.seed,
                     "heavy": share[heavy].sum().item(),
                     "variation": (share - law.weights).abs().sum().item() / 2,
                     "near": (distance < 0.15).float().mean().item()})
        print(rows[-1], flush=True)
    write("score_mixing", rows, ("law", "score", "levels", "seed"))


def measured(trained: str, sampler: str, evaluations: int, seed: int, steps: int, cpu, draw):
    """A row about 5,000 samples; draw(n, generator) gives n."""
    start, generator = time.process_time(), rng(seed)
    with torch.no_grad():
        x = torch.cat([draw(250, generator) for _ in range(20)])
    seconds = (time.process_time() - start) / 5
    precision, recall = precision_recall(features(digits().images[:5000]), features(x))
    row = {"trained": trained, "sampler": sampler, "evaluations": evaluations,
           "seed": seed, "training_steps": steps, "cpu_seconds": cpu,
           "fid": fid(x), "precision": precision, "recall": recall,
           "cpu_seconds_per_1000": seconds}
    print(row, flush=True)
    write("score_digits", [row], ("trained", "sampler", "evaluations", "seed"))


def by_ddpm(eps_model, n, generator, steps: int):
    schedule = cosine(1000).respace(steps)
    x_T = torch.randn(n, 1, 28, 28, generator=generator)
    return ddpm_sample(eps_model, schedule, x_T, variance=schedule.posterior_variance, clip=True,
                       generator=generator)


def diffusion() -> None:
    """The levels are those of the chain that are nearest to the score network's."""
    model = load(recipes()["diffusion_digits"].make(), weights("diffusion_digits"))
    known, wanted = sigmas(model.schedule), digits_ncsn().levels
    t = (known[1:, None].log() - wanted.log()).abs().argmin(0) + 1
    levels = known[t.unique().flip(0)]
    score, last = score_of(model, model.schedule), levels[-1].item()

    def draw(n, generator):
        x = levels[0].item() * torch.randn(n, 1, 28, 28, generator=generator)
        x = annealed_langevin(score, levels, x, epsilon=0.7 * last**2, steps=1, generator=generator)
        return denoised(score, x, last)

    measured("diffusion, ships", "annealed Langevin", len(levels) + 1, 0, 16_000, "", draw)


def pictures(run: Run) -> None:
    if run.what == "shipped diffusion":
        return diffusion()
    model, steps, cpu = digits_ncsn(), 1600, ""
    if run.what == "shipped score":
        steps = 4800
        load(model, weights("ncsn_digits"))
    else:
        torch.manual_seed(run.seed)
        model = digits_ncsn()
        if run.what == "one level":
            model.levels = geometric(0.3, 0.3, 1)
        start = time.process_time()
        train_ncsn(model, digits().images, steps=steps, seed=run.seed)
        cpu = time.process_time() - start
    if run.what == "one level":
        sigma, level = 0.3, model.levels
        with model.averaged():
            def draw(n, generator):
                x = torch.randn(n, 1, 28, 28, generator=generator)
                x = annealed_langevin(model, level, x, epsilon=0.7 * sigma**2, steps=100,
                                      generator=generator)
                return denoised(model, x, sigma)
            measured("one level", "Langevin", 101, run.seed, steps, cpu, draw)
        return None
    trained = "many levels, ships" if run.what == "shipped score" else "many levels"
    measured(trained, "annealed Langevin", 101, run.seed, steps, cpu,
             lambda n, generator: model.sample(n, generator=generator))
    if run.seed > 0:
        return None
    with model.averaged():
        eps_model = denoiser_of(model, cosine(1000))
        measured(trained, "DDPM", 25, run.seed, steps, cpu,
                 lambda n, generator: by_ddpm(eps_model, n, generator, 25))


if __name__ == "__main__":
    torch.set_num_threads(1)
    parts = {"toys": toys, "mixing": mixing, "digits": pictures}
    for run in chosen(RUNS, __doc__):
        parts[run.part](run)
