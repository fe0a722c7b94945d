"""Ramesh et al. 2022, "Hierarchical Text-Conditional Image Generation with CLIP Latents" (unCLIP,
DALL-E 2): P(x | y) = P(x | z_i, y) P(z_i | y), a prior of image embeddings z_i and a decoder.

    python -m course_lib.diffusion.unclip "a smiling person with a blue hat"

x: images, y: captions; z_i, z_t: CLIP's embeddings of both, unit vectors (n, d).
"""
import torch
from torch import Tensor, nn

from course_lib.core import GenerativeModel, sampling
from course_lib.diffusion import ddim
from course_lib.diffusion.clip import CLIP
from course_lib.diffusion.denoiser import Denoiser, check_images
from course_lib.diffusion.gaussian_chain import q_sample
from course_lib.diffusion.manipulations import Manipulations
from course_lib.diffusion.parametrisations import eps_from_x_0
from course_lib.diffusion.prior import dropped, embeddings, guidance
from course_lib.diffusion.schedule import NoiseSchedule


class Decoder(GenerativeModel):
    """P(x | z_i, y): diffusion of images that is told z_i, and z_t of the caption or not
    unCLIP, Section 2.1

    net(x_t, t, (z_i, z_t)) → x_0, where 0 in place of an embedding means "none"; d: of the
    embeddings; shape: of an image. A batch is (x, z_i, z_t).
    """

    def __init__(self, net: nn.Module, schedule: NoiseSchedule, shape: tuple[int, ...], d: int):
        super().__init__()
        self.net, self.schedule, self.shape, self.d = net, schedule, tuple(shape), d

    def loss(self, batch, player: str) -> Tensor:
        """mean clamp(SNR(t), 1, 5) (x_0 − x̂_0)²    Salimans & Ho 2022, Section 4

        z_i is hidden 10 % of the time, z_t 50 % (unCLIP, Section 2.1). Errors: ValueError for
        shapes that do not fit.
        """
        x_0, z_i, z_t = batch
        n = len(x_0)
        z_i = dropped(embeddings(z_i, n, self.d, "z_i"), 0.1)
        z_t = dropped(embeddings(z_t, n, self.d), 0.5)
        t = self.schedule.draw(n).to(x_0.device)
        x_t = q_sample(self.schedule, self.images(x_0), t, torch.randn_like(x_0))
        weight = self.schedule.at(self.schedule.snr.clamp(1, 5), t, x_0)
        return (weight * (x_0 - self.net(x_t, t, (z_i, z_t))).square()).mean()

    def images(self, x: Tensor) -> Tensor:
        """x, where it is (n, *shape). Errors: ValueError for another shape."""
        if x.shape[1:] != self.shape:
            raise ValueError(f"Expected images (n, {', '.join(map(str, self.shape))}), got "
                             f"{tuple(x.shape)}.")
        return check_images(x, "x")

    def denoiser(self, n: int, z_i: Tensor | None, z_t: Tensor | None = None,
                 w: float = 0.0) -> Denoiser:
        """ε of the guided x_0, told z_i and z_t, each (n, d), (1, d), or None for "none"
        Ho & Salimans 2021, eq. 6"""
        given = lambda z, name: torch.zeros(n, self.d, device=self.device) if z is None else \
            embeddings(z, n, self.d, name).to(self.device)
        z = given(z_i, "z_i"), given(z_t, "z_t")
        both = tuple(torch.cat([part, torch.zeros_like(part)]) for part in z)

        def eps(x: Tensor, t: Tensor) -> Tensor:
            if w:
                with_y, without = self.net(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
                x_0 = guidance(with_y, without, w)
            else:
                x_0 = self.net(x, t, z)
            return eps_from_x_0(self.schedule, x_0, x, t)

        return Denoiser(eps, self.schedule.T)

    @sampling
    def sample(self, n: int, *, y: Tensor | None = None, text: Tensor | None = None,
               w: float = 1.0, steps: int = 25, eta: float = 1.0, x_T: Tensor | None = None,
               generator: torch.Generator | None = None) -> Tensor:
        """n images of P(x | z_i, y) by DDIM, with guidance w    unCLIP, Section 2.1

        y: z_i; text: z_t; each (n, d), or (1, d) for all, or None. x_T: the noise to start from,
        (n, *shape) or (1, *shape), drawn unless given. Errors: ValueError for shapes that do not
        fit.
        """
        x_T = torch.randn(n, *self.shape, generator=generator) if x_T is None else self.images(x_T)
        x_T = x_T.to(self.device).expand(n, *self.shape)
        return ddim.ddim_sample(self.denoiser(n, y, text, w), self.schedule, x_T, steps, eta,
                                clip=True, generator=generator)

    @sampling
    def encode(self, x: Tensor, z_i: Tensor, steps: int = 250) -> Tensor:
        """x_T, from which DDIM with η = 0 and w = 0 draws x again    unCLIP, Section 3"""
        eps = self.denoiser(len(x), z_i)
        return ddim.ddim_encode(eps, self.schedule, self.images(x).to(self.device), steps)


class UnCLIP(Manipulations):
    """P(x | y) = P(x, z_i | y) = P(x | z_i, y) P(z_i | y), images of captions    unCLIP, Section 2

    As z_i is a function of x, nothing is lost. prior: anything whose `sample(n, y=z_t)` gives z_i.
    """

    def __init__(self, clip: CLIP, prior: GenerativeModel, decoder: Decoder):
        super().__init__()
        self.clip, self.prior, self.decoder = clip, prior, decoder

    @torch.no_grad()
    def sample(self, n: int, *, y: str | list[str], w: float = 1.0, steps: int = 25,
               generator: torch.Generator | None = None) -> Tensor:
        """n images of one caption, or of n captions    unCLIP, Section 2

        w: the decoder's guidance; steps: of the decoder. Errors: ValueError for another number of
        captions than 1 or n.
        """
        z_t = embeddings(self.clip.embed_text(y), n, self.decoder.d)
        z_i = self.prior.sample(n, y=z_t, generator=generator)
        return self.decoder.sample(n, y=z_i, text=z_t, w=w, steps=steps, generator=generator)


if __name__ == "__main__":
    import sys

    from course_lib.recipes._unclip_command import main
    sys.stdout.reconfigure(errors="backslashreplace")       # no name stops a terminal
    main()
