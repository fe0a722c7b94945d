"""Minibatches that can be iterated again and again, shuffled anew each time."""

import torch


class Batches:
    """What `batches` returns: `len()` is the number of minibatches of one pass."""

    def __init__(self, tensors: tuple[torch.Tensor, ...], size: int, drop_last: bool):
        self.tensors, self.size, self.drop_last = tensors, size, drop_last

    def __len__(self) -> int:
        n = len(self.tensors[0])
        return n // self.size if self.drop_last else -(-n // self.size)

    def __iter__(self):
        order = torch.randperm(len(self.tensors[0]))
        for i in range(len(self)):
            idx = order[i * self.size : (i + 1) * self.size]
            batch = tuple(x[idx.to(x.device)] for x in self.tensors)
            yield batch[0] if len(batch) == 1 else batch


def batches(x: torch.Tensor, *more: torch.Tensor, size: int = 64,
            drop_last: bool = True) -> Batches:
    """Minibatches of x, or tuples of rows that belong together of x and the further tensors.

    Each iteration is a fresh shuffle drawn from torch's global generator, so `torch.manual_seed`
    (which `fit` calls) reproduces it. With `drop_last` a shorter last minibatch is left out. Every
    tensor needs the same length, and `size` must lie between 1 and that length; otherwise
    ValueError.
    """
    lengths = [len(t) for t in (x, *more)]
    if len(set(lengths)) > 1:
        raise ValueError(f"batches needs tensors of one length, but these have {lengths} rows.")
    if not 1 <= size <= lengths[0]:
        raise ValueError(f"The batch size must lie between 1 and the {lengths[0]} rows of the "
                         f"data, but it is {size}.")
    return Batches((x, *more), size, drop_last)
