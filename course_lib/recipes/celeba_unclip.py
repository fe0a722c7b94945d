"""unCLIP of CelebA's photographs, 64 pixels, with attributes as captions, for whoever has them; on
one GPU, on several through Hugging Face accelerate, or, slowly, on none:

    accelerate launch -m course_lib.diffusion.unclip --celeba FOLDER --weights OUT
    python -m course_lib.diffusion.unclip "a smiling woman with blond hair" --weights OUT

Ramesh et al. 2022, Section 2. The updates are a guess that no run on CelebA has confirmed.
"""
from pathlib import Path

import torch
from torch import Tensor

from course_lib.core import fit, load, save, warmup_cosine
from course_lib.data import batches, celeba
from course_lib.data.celeba import Photographs
from course_lib.data.words import VOCABULARY
from course_lib.diffusion.clip import CLIP
from course_lib.diffusion.prior import DiffusionPrior
from course_lib.diffusion.schedule import cosine
from course_lib.diffusion.unclip import Decoder, UnCLIP
from course_lib.nets import EmbeddedUNet, ImageEncoder, PriorMLP, TextTransformer

SIZE, D = 64, 128
UPDATES = {"clip": 20_000, "prior": 50_000, "decoder": 200_000}


class Kept:
    """Photographs, read once and kept as bytes, 12 kB each; `batches` takes them."""

    device = torch.device("cpu")

    def __init__(self, images: Photographs):
        parts = [(127.5 * (images[i:i + 500] + 1)).round().byte()
                 for i in range(0, len(images), 500)]
        self.bytes = torch.cat(parts)

    def __len__(self) -> int:
        return len(self.bytes)

    def __getitem__(self, index) -> Tensor:
        return self.bytes[index].float() / 127.5 - 1


def untrained(kind: type[CLIP] = CLIP) -> UnCLIP:
    """The three parts, with networks of 64 pixels    Ramesh et al. 2022, Section 2"""
    clip = kind(ImageEncoder(D, width=64, size=SIZE),
                TextTransformer(len(VOCABULARY), D, width=128, layers=4), VOCABULARY)
    return UnCLIP(clip, DiffusionPrior(PriorMLP(D, width=512), cosine(), D),
                  Decoder(EmbeddedUNet(D, (96, 192)), cosine(), (3, SIZE, SIZE), D))


def pretrained(folder: str | Path) -> UnCLIP:
    """What `run` has left in the folder. Errors: those of `course_lib.core.load`."""
    model = untrained()
    for name in UPDATES:
        load(getattr(model, name), Path(folder) / f"{name}.safetensors")
    return model.eval()


def run(root: str | Path, out: str | Path, *, updates: dict[str, int] = UPDATES, batch: int = 128,
        lr: float = 1e-3, seed: int = 0) -> None:
    """Trains CLIP, prior and decoder; writes OUT/clip.safetensors, …    Ramesh et al. 2022, Sec. 2

    root: CelebA's official files, as for `celeba`. batch: of each process, at most its share of the
    photographs, which it keeps in memory.
    Errors: ImportError without accelerate; those of `celeba` and `batches`.
    """
    try:
        from course_lib.recipes._accelerated import Accelerator, GatheredCLIP, together
    except ImportError as error:
        raise ImportError(f"Training on CelebA needs accelerate (pip install accelerate): {error}"
                          ) from error

    accelerator, out = Accelerator(), Path(out)
    first, of = accelerator.process_index, accelerator.num_processes
    data = celeba(root, size=SIZE, seed=seed)
    n = len(data.captions) // of                             # the same in each process
    names = data.images.names[first::of][:n]
    images = Kept(Photographs(data.images.place, names, SIZE))
    tokens = VOCABULARY.encode(data.captions[first::of][:n])
    torch.manual_seed(seed)
    model = untrained(GatheredCLIP)
    model.clip.accelerator = accelerator

    def train(name, *tensors):
        part = getattr(model, name)
        with together(part, accelerator):
            fit(part, batches(*tensors, size=batch), steps=updates[name], lr=lr, betas=(0.9, 0.99),
                schedule=warmup_cosine(), clip=1.0, ema=0.999, seed=seed + first,
                device=accelerator.device)
        if accelerator.is_main_process:
            out.mkdir(parents=True, exist_ok=True)
            with part.averaged():
                save(part, out / f"{name}.safetensors")
            print(f"{out / name}.safetensors is written.", flush=True)

    train("clip", images, tokens)
    with torch.no_grad(), model.clip.averaged():
        embed = lambda f, x: torch.cat([f(x[i:i + 500].to(accelerator.device))
                                        for i in range(0, n, 500)]).cpu()
        z_i, z_t = embed(model.clip.embed_image, images), embed(model.clip.embed_text, tokens)
    train("prior", z_i, z_t)
    train("decoder", images, z_i, z_t)
    accelerator.wait_for_everyone()
    accelerator.end_training()
