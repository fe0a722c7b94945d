"""The prior and the decoder of drawn portraits that ship; with the CLIP that ships, an unCLIP."""
import torch
from torch import Tensor, nn

from course_lib.core import History, fit, load, warmup_cosine
from course_lib.data import Faces
from course_lib.data.held_out import seen
from course_lib.diffusion.clip import CLIP
from course_lib.diffusion.prior import DiffusionPrior, RegressionPrior
from course_lib.diffusion.schedule import cosine
from course_lib.diffusion.unclip import Decoder, UnCLIP
from course_lib.nets import EmbeddedUNet, PriorMLP, mlp
from course_lib.optim import Muon
from course_lib.recipes import Recipe, weights
from course_lib.recipes.clip import Captioned, faces_clip, wordings


def faces_prior(d: int = 64) -> DiffusionPrior:
    """z_t → z_i, both (n, d)    Ramesh et al. 2022, Section 2.2"""
    return DiffusionPrior(PriorMLP(d), cosine(), d)


def faces_regression(d: int = 64, width: int = 512) -> RegressionPrior:
    """z_t → E[z_i | z_t], (n, d): beside the prior, for comparison; does not ship"""
    return RegressionPrior(mlp(d, width, width, d, activation=nn.SiLU), d)


def faces_decoder(d: int = 64, size: int = 16) -> Decoder:
    """(z_i, z_t) → portraits (n, 3, size, size)    Ramesh et al. 2022, Section 2.1"""
    model = Decoder(EmbeddedUNet(d), cosine(), (3, size, size), d)
    return model.to(memory_format=torch.channels_last)   # the same numbers, and faster on a CPU


def shipped_clip() -> CLIP:
    return load(faces_clip(), weights("clip_faces"))


@torch.no_grad()
def embedded(clip: CLIP, data: Faces, k: int = 4) -> tuple[Tensor, Tensor]:
    """z_i (n, d), and z_t (n, k, d) of k captions each."""
    clip = clip.to("cpu").eval()
    with clip.averaged():
        tokens = wordings(data, k)
        z_i = torch.cat([clip.embed_image(x) for x in data.images.split(500)])
        z_t = torch.cat([clip.embed_text(part) for part in tokens.flatten(0, 1).split(500)])
    return z_i, z_t.unflatten(0, (-1, k))


def train_prior(model: DiffusionPrior | RegressionPrior, clip: CLIP | None = None,
                data: Faces | None = None, *, steps: int = 3000, size: int = 256,
                seed: int = 0, on_step=None) -> History:
    """The run of the shipped prior    Ramesh et al. 2022, Section 2.2

    clip: the one that ships; data: portraits without the held-out combinations.
    """
    data = seen(30_000, seed=2) if data is None else data
    pairs = embedded(shipped_clip() if clip is None else clip, data)
    return fit(model, Captioned(*pairs, size=size), steps=steps, lr=2e-3, betas=(0.9, 0.99),
               schedule=warmup_cosine(), clip=1.0, ema=0.998, seed=seed, on_step=on_step)


def train_decoder(model: Decoder, clip: CLIP | None = None, data: Faces | None = None, *,
                  steps: int = 9000, size: int = 64, seed: int = 0, on_step=None) -> History:
    """The run of the shipped decoder, on the same data    Ramesh et al. 2022, Section 2.1"""
    data = seen(30_000, seed=2) if data is None else data
    pairs = embedded(shipped_clip() if clip is None else clip, data)
    return fit(model, Captioned(data.images, *pairs, size=size), steps=steps, lr=3e-3,
               betas=(0.9, 0.99), schedule=warmup_cosine(), clip=1.0, ema=0.998, optimiser=Muon,
               seed=seed, on_step=on_step)


def faces_unclip() -> UnCLIP:
    """CLIP, prior and decoder of portraits, as they ship    Ramesh et al. 2022, Section 2"""
    return UnCLIP(shipped_clip(), load(faces_prior(), weights("prior_faces")),
                  load(faces_decoder(), weights("decoder_faces"))).eval()


RECIPES = {
    "prior_faces": Recipe(faces_prior, train_prior, "prior of portraits: from text to z_i"),
    "decoder_faces": Recipe(faces_decoder, train_decoder, "decoder of portraits: from z_i to x"),
}
