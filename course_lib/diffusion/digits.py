"""The digits' diffusion models that ship: without labels, of classes, of clusters; and the noise-aware classifier of guidance.

    python -m course_lib.diffusion.digits        trains all four and writes weights/*.safetensors
"""
from pathlib import Path

import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn

from course_lib.core import History, fit, save, warmup_cosine
from course_lib.data import batches, digits
from course_lib.diffusion.ddpm import DDPM, eps_from_x_0, q_sample
from course_lib.diffusion.guidance import NoisyClassifier
from course_lib.diffusion.schedule import cosine
from course_lib.nets import NoisyConv, UNet


class DigitsDDPM(DDPM):
    """A DDPM whose network predicts x_0, with the weight clamp(SNR(t), 1, 5)    Salimans & Ho 2022, Section 4; Hang et al. 2023

    In ε the same loss has the weight clamp(SNR, 1, 5)/SNR: less for the last, nearly clean steps than L_simple gives.
    Batches of pictures and classes train it on classes; one class in ten is hidden, as "none" (Ho & Salimans 2021, Algorithm 1).
    """

    def forward(self, x_t: Tensor, t: Tensor, y: Tensor | int | None = None) -> Tensor:
        return eps_from_x_0(self.schedule, self.net(x_t, t, y), x_t, t)

    def loss(self, batch, player: str) -> Tensor:
        x_0, y = (batch, None) if isinstance(batch, Tensor) else batch
        t, eps = self.draw(x_0)
        if y is not None:
            y = torch.where(torch.rand(len(y), device=y.device) < 0.1, self.net.classes, y)
        weight = self.schedule.at(self.schedule.snr.clamp(1, 5), t, x_0)
        return (weight * (x_0 - self.net(q_sample(self.schedule, x_0, t, eps), t, y)) ** 2).mean()

    def sample(self, n: int, *, y=None, steps: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        """As `DDPM.sample`, in 50 steps unless told otherwise, which look no worse    DDPM, Algorithm 2; DDIM, Section 4.2"""
        return super().sample(n, y=y, steps=min(50, self.T) if steps is None else steps, generator=generator)


def digits_ddpm(classes: int = 0, widths: tuple[int, int] = (32, 64), T: int = 1000) -> DigitsDDPM:
    """A diffusion model of digits, (batch, 1, 28, 28)    DDPM, Section 4, with the cosine schedule"""
    model = DigitsDDPM(UNet(1, widths, classes), cosine(T), (1, 28, 28))
    return model.to(memory_format=torch.channels_last)       # the same numbers, a quarter faster on a CPU


def digits_classifier(T: int = 1000) -> NoisyClassifier:
    """The noise-aware classifier of digits, (batch, 1, 28, 28), t → 10 classes    Dhariwal & Nichol 2021, Section 4"""
    return NoisyClassifier(NoisyConv(10), cosine(T))


def train_digits(model: DigitsDDPM, x: Tensor, y: Tensor | None = None, *, steps: int | None = 16_000, seconds: float | None = None,
                 seed: int = 0, optimiser=torch.optim.Adam, on_step=None) -> History:
    """The run of the lectures, of the benchmarks and of the shipped weights    DDPM, Algorithm 1

    x: (n, 1, 28, 28); y: (n,) for a model of classes. Departs from DDPM: a rate ten times as large, warmed up and cooled
    down, with β2 = 0.99 and clipped gradients; batches of 32. optimiser: as in `fit`; Muon gets further in few steps.
    """
    data = batches(x, size=32) if y is None else batches(x, y, size=32)
    return fit(model, data, steps=None if seconds else steps, seconds=seconds, lr=3e-3, betas=(0.9, 0.99),
               schedule=warmup_cosine(), clip=1.0, ema=0.998, optimiser=optimiser, seed=seed, on_step=on_step)


def clusters(x: Tensor, k: int = 50) -> Tensor:
    """y_n = argmin_k ‖x_n − μ_k‖², μ_k the mean of the pictures with y_n = k, in turn    k-means, Bishop 2006, eqs. 9.2 and 9.4

    x: (n, 1, 28, 28). Returns (n,), int64 in 0 … k − 1; on pixels, from one fixed start, so always the same.
    Classes that nobody had to name. A model trained on them, whose y is then drawn as often as in the data, draws
    p(x) = Σ_y p(y) p(x | y), without any label (Hu et al. 2023 and Adaloglou et al. 2024 do so, on learned features).
    """
    return torch.from_numpy(kmeans2(x.flatten(1).numpy(), k, iter=20, minit="points", rng=0)[1]).long()


def train_classifier(model: NoisyClassifier, x: Tensor, y: Tensor, *, steps: int = 4000, seed: int = 0) -> History:
    """Cross-entropy on pictures with all amounts of noise    Dhariwal & Nichol 2021, Section 4"""
    return fit(model, batches(x, y, size=64), steps=steps, lr=2e-3, betas=(0.9, 0.99), schedule=warmup_cosine(), ema=0.99, seed=seed)


WEIGHTS = {name: Path(__file__).parents[1] / "weights" / f"diffusion_{name}.safetensors"
           for name in ("digits", "classes", "clusters", "classifier")}

if __name__ == "__main__":
    train = digits()
    for name, make, run in (("digits", digits_ddpm, lambda m: train_digits(m, train.images)),
                            ("classes", lambda: digits_ddpm(10), lambda m: train_digits(m, train.images, train.labels)),
                            ("clusters", lambda: digits_ddpm(50), lambda m: train_digits(m, train.images, clusters(train.images))),
                            ("classifier", digits_classifier, lambda m: train_classifier(m, train.images, train.labels))):
        torch.manual_seed(0)
        model: nn.Module = make()
        run(model)
        with model.averaged():
            save(model, WEIGHTS[name])
