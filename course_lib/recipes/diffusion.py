"""The diffusion models of digits that ship: without labels, of classes, of clusters; and the
noise-aware classifier that guides them."""
import torch
from torch import Tensor

from course_lib.core import History, fit, warmup_cosine
from course_lib.data import batches, digits
from course_lib.diffusion.clusters import clusters
from course_lib.diffusion.ddpm import DDPM
from course_lib.diffusion.gaussian_chain import q_sample
from course_lib.diffusion.guidance import NoisyClassifier
from course_lib.diffusion.parametrisations import eps_from_v, eps_from_x_0, v_from_eps
from course_lib.diffusion.schedule import cosine
from course_lib.nets import NoisyConv, PlacedUNet, UNet
from course_lib.recipes import Recipe


class DigitsDDPM(DDPM):
    """A DDPM whose network predicts x_0, with the weight clamp(SNR(t), 1, 5)
    Salimans & Ho 2022, Section 4; Hang et al. 2023

    In ε the same loss has the weight clamp(SNR, 1, 5)/SNR: less for the last, nearly clean steps
    than L_simple gives. Batches of pictures and classes train it on classes; one class in ten is
    hidden, as "none" (Ho & Salimans 2021, Algorithm 1).
    """

    def forward(self, x_t: Tensor, t: Tensor, y: Tensor | int | None = None) -> Tensor:
        """ε_θ(x_t, t, y) of the predicted x_0    DDPM, eq. 15"""
        return eps_from_x_0(self.schedule, self.net(x_t, t, y), x_t, t)

    def loss(self, batch, player: str) -> Tensor:
        """mean clamp(SNR(t), 1, 5) (x_0 − x̂_0)²    Salimans & Ho 2022, Section 4"""
        x_0, y = (batch, None) if isinstance(batch, Tensor) else batch
        t, eps = self.draw(x_0)
        if y is not None:
            y = torch.where(torch.rand(len(y), device=y.device) < 0.1, self.net.classes, y)
        x_t = q_sample(self.schedule, x_0, t, eps)
        x_hat = self.net(x_t, t, y)
        weight = self.schedule.at(self.schedule.snr.clamp(1, 5), t, x_0)
        return (weight * (x_0 - x_hat) ** 2).mean()

    def sample(self, n: int, *, y=None, steps: int | None = None,
               generator: torch.Generator | None = None) -> Tensor:
        """As `DDPM.sample`, in 50 steps unless told otherwise, which look no worse
        DDPM, Algorithm 2; DDIM, Section 4.2"""
        steps = min(50, self.T) if steps is None else steps
        return super().sample(n, y=y, steps=steps, generator=generator)


class VelocityDDPM(DigitsDDPM):
    """A DDPM whose network predicts v, as good at likelihoods    Salimans & Ho 2022, Section 4

    The last steps' x̂_0 is then x_t but for σ_t times an error; a network that predicts x_0 itself
    misses the bound there by 20 bits a dimension.
    """

    def forward(self, x_t: Tensor, t: Tensor, y: Tensor | int | None = None) -> Tensor:
        """ε_θ(x_t, t) of the predicted v    Salimans & Ho 2022, Appendix D"""
        return eps_from_v(self.schedule, self.net(x_t, t, y), x_t, t)

    def loss(self, x_0: Tensor, player: str) -> Tensor:
        """mean (v − v̂)²: of x_0, the weight SNR(t) + 1    Salimans & Ho 2022, Section 4"""
        t, eps = self.draw(x_0)
        x_t = q_sample(self.schedule, x_0, t, eps)
        v_hat = self.net(x_t, t, None)
        return (v_from_eps(self.schedule, eps, x_0, t) - v_hat).square().mean()


def middle_times(T: int) -> Tensor:
    """q(t) ∝ 1 + 20 exp(−(t/T − 0.6)²/(2 · 0.15²)), t = 1 … T; (T,), float64, with sum 1

    In place of the normal law of log σ of Karras et al. 2022, Section 5.
    """
    share = torch.arange(1, T + 1, dtype=torch.float64) / T
    q = 1 + 20 * torch.exp(-((share - 0.6) / 0.15) ** 2 / 2)
    return q / q.sum()


class PlacedDDPM(DigitsDDPM):
    """Most t are those at which it is decided what a picture becomes; the loss is DigitsDDPM's
    Karras et al. 2022, Section 5

    The better one at drawing, and the worse one at small t, which few of its steps see.
    """

    def draw(self, x_0: Tensor) -> tuple[Tensor, Tensor]:
        """t ~ q for each image (`middle_times`), and ε    Karras et al. 2022, Section 5"""
        t = self.schedule.draw(len(x_0), middle_times(self.T))
        return t.to(x_0.device), torch.randn_like(x_0)


def digits_ddpm(classes: int = 0, widths: tuple[int, int] = (32, 64), T: int = 1000,
                size: int = 28) -> DigitsDDPM:
    """A diffusion model of digits, (batch, 1, size, size), cosine schedule    DDPM, Section 4"""
    model = DigitsDDPM(UNet(1, widths, classes), cosine(T), (1, size, size))
    return model.to(memory_format=torch.channels_last)   # the same numbers, and faster on a CPU


def digits_placed(classes: int = 0) -> PlacedDDPM:
    """The same; its network knows where it is, and t is mostly in the middle    DDPM, Section 4"""
    model = PlacedDDPM(PlacedUNet(1, classes=classes), cosine(1000), (1, 28, 28))
    return model.to(memory_format=torch.channels_last)


def digits_velocity(size: int = 28) -> VelocityDDPM:
    """The same network and schedule with v predicted    Salimans & Ho 2022, Section 4"""
    model = VelocityDDPM(UNet(1), cosine(1000), (1, size, size))
    return model.to(memory_format=torch.channels_last)


def digits_classifier(T: int = 1000) -> NoisyClassifier:
    """(batch, 1, 28, 28), t → 10 classes, noise-aware    Dhariwal & Nichol 2021, Section 4"""
    return NoisyClassifier(NoisyConv(10), cosine(T))


def train_digits(model: DigitsDDPM, x: Tensor | None = None, y: Tensor | None = None, *,
                 steps: int | None = 16_000, seconds: float | None = None, seed: int = 0,
                 optimiser=torch.optim.Adam, on_step=None) -> History:
    """The run of the lectures, of the benchmarks and of the shipped weights    DDPM, Algorithm 1

    x: (n, 1, H, W), the digits unless given; y: (n,) for a model of classes. Departs from DDPM: a
    rate fifteen times as large, warmed up and cooled down, with β2 = 0.99 and clipped gradients;
    batches of 32. optimiser: as in `fit`; Muon gets further in few steps.
    """
    x = digits().images if x is None else x
    data = batches(x, size=32) if y is None else batches(x, y, size=32)
    return fit(model, data, steps=None if seconds else steps, seconds=seconds, lr=3e-3,
               betas=(0.9, 0.99), schedule=warmup_cosine(), clip=1.0, ema=0.998,
               optimiser=optimiser, seed=seed, on_step=on_step)


def train_classifier(model: NoisyClassifier, x: Tensor, y: Tensor, *, steps: int = 4000,
                     seed: int = 0) -> History:
    """Cross-entropy on pictures with all amounts of noise    Dhariwal & Nichol 2021, Section 4"""
    return fit(model, batches(x, y, size=64), steps=steps, lr=2e-3, betas=(0.9, 0.99),
               schedule=warmup_cosine(), ema=0.99, seed=seed)


RECIPES = {
    "diffusion_digits": Recipe(
        digits_ddpm, lambda model: train_digits(model, digits().images),
        "diffusion model of digits, without labels, all times alike"),
    "diffusion_placed": Recipe(
        digits_placed, lambda model: train_digits(model, digits().images),
        "diffusion model of digits, without labels, mostly at middle times"),
    "diffusion_classes": Recipe(
        lambda: digits_ddpm(10), lambda model: train_digits(model, *digits()),
        "diffusion model of digits, told the class"),
    "diffusion_clusters": Recipe(
        lambda: digits_ddpm(50),
        lambda model: train_digits(model, digits().images, clusters(digits().images)),
        "diffusion model of digits, told one of 50 clusters"),
    "diffusion_classifier": Recipe(
        digits_classifier, lambda model: train_classifier(model, *digits()),
        "classifier of noisy digits, for guidance"),
}
