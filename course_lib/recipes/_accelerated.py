"""One run of `fit` in several processes, on GPUs or not, that Hugging Face accelerate has started.

Each process has the same weights and minibatches of its own. The mean of the processes' gradients
is that of their minibatches together where a loss is a mean over examples. A loss that compares all
examples with each other, as CLIP's, needs them `gathered` first.
"""
import contextlib
import io
from collections.abc import Iterator

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor

from course_lib.core import Trainable
from course_lib.diffusion.clip import CLIP, contrastive_loss


@contextlib.contextmanager
def together(model: Trainable, accelerator: Accelerator) -> Iterator[int]:
    """g ← (1/P) Σ_p g_p, in all P processes, for each parameter    Goyal et al. 2017, Section 3

    Within it `fit` takes one step for all, and clips the mean; the model begins with the first
    process's weights, and only that process shows a bar. Gives the number of this process, from 0
    on, for a seed of its own. The loss must use the same parameters in each process.
    """
    model.to(accelerator.device)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.copy_(broadcast(tensor.contiguous()))

    def average(p: Tensor) -> None:                  # as soon as backward has p.grad: before `clip`
        p.grad = accelerator.reduce(p.grad, "mean")

    hooks = [p.register_post_accumulate_grad_hook(average)
             for p in model.parameters() if p.requires_grad]
    quiet = (contextlib.nullcontext() if accelerator.is_main_process
             else contextlib.redirect_stderr(io.StringIO()))
    try:
        with quiet:
            yield accelerator.process_index
    finally:
        for hook in hooks:
            hook.remove()


class Gather(torch.autograd.Function):
    """All processes' rows; to a row comes back the sum of all processes' gradients."""

    @staticmethod
    def forward(ctx, z: Tensor, accelerator: Accelerator) -> Tensor:
        ctx.accelerator, ctx.rows = accelerator, len(z)
        return accelerator.gather(z)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        grad = ctx.accelerator.reduce(grad, "sum")
        return grad.split(ctx.rows)[ctx.accelerator.process_index], None


def gathered(z: Tensor, accelerator: Accelerator) -> Tensor:
    """The rows of all P processes, (n, d) → (P n, d), with gradients    CLIP, Section 2.5

    Each process then computes the loss of all rows, where the paper's compute a part of it; the
    mean of the processes' gradients is the gradient of that loss. n is the same in each.
    """
    return Gather.apply(z, accelerator)


class GatheredCLIP(CLIP):
    """A CLIP whose batch is that of all processes    CLIP, Section 2.5"""

    accelerator: Accelerator

    def loss(self, batch: tuple[Tensor, Tensor], player: str) -> Tensor:
        """The contrastive loss of all processes' pictures and captions    CLIP, Figure 3"""
        x, tokens = batch
        z_i, z_t = self.embed_image(x), self.embed_text(tokens)
        return contrastive_loss(gathered(z_i, self.accelerator), gathered(z_t, self.accelerator),
                                self.scale)
