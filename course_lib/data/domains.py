"""Sets of pictures of which no two belong together, domains, and batches of all of them."""
import itertools
import math

import torch
from torch import Tensor

from course_lib.data.batches import Batches, batches
from course_lib.data.faces import ATTRIBUTES, Faces


class Unpaired:
    """What `unpaired` returns: one iteration is one pass of the largest domain."""

    def __init__(self, *parts: Batches):
        self.parts = parts

    def __len__(self) -> int:
        return max(map(len, self.parts))

    def __iter__(self):
        again = lambda part: itertools.chain.from_iterable(itertools.repeat(part))
        return itertools.islice(zip(*map(again, self.parts)), len(self))


def unpaired(*domains: Tensor, size: int = 64) -> Unpaired:
    """Minibatches (x, y, …) of `size` each, shuffled apart, so that no x belongs to its y

    domains: two or more, such as X (n, …) and Y (m, …); a smaller one starts again, shuffled anew.
    Errors: ValueError for an empty domain, for domains of another shape or type, and for a size
    that a domain does not fill.
    """
    names = [f"Domain {k}" for k in ("XY" if len(domains) == 2 else range(len(domains)))]
    for name, x in zip(names[1:], domains[1:]):
        check_domains(domains[0], x, (names[0], name))
    return Unpaired(*(batches(x, size=size) for x in domains))


def check_domains(x: Tensor, y: Tensor, names=("Domain X", "Domain Y")) -> None:
    """Errors: ValueError for an empty domain, or one of other channels, sides or type."""
    for name, part in zip(names, (x, y)):
        if len(part) == 0:
            raise ValueError(f"{name} is empty.")
    if x.shape[1:] != y.shape[1:] or x.dtype != y.dtype:
        form = lambda part: f"{' × '.join(map(str, part.shape[1:]))} of {part.dtype}"
        raise ValueError("Both domains need pictures of one number of channels, height, width and "
                         f"type; {names[0]} has {form(x)}, {names[1]} has {form(y)}.")


def by_attribute(pictures: Faces, name: str, *, names: tuple[str, ...] = ATTRIBUTES,
                 most: int = 10_000) -> tuple[Tensor, Tensor]:
    """X: the pictures without the attribute, Y: those with it, up to `most` of each

    names: the columns of the attributes; of CelebA, CELEBA_ATTRIBUTES. Errors: ValueError for an
    attribute that the data do not know, or that nobody has, or everybody.
    """
    if name not in names:
        raise ValueError(f"There is no attribute {name!r}; there are {', '.join(names)}.")
    has = pictures.attributes[:, names.index(name)]
    if not has.any() or has.all():
        raise ValueError(f"{'Everybody' if has.any() else 'Nobody'} has {name}, so that one of "
                         "the domains is empty.")
    return tuple(pictures.images[which.nonzero()[:most, 0]] for which in (~has, has))


def clusters(n: int, weight: float, *, angle: float = 0.0, std: float = 0.1,
             generator: torch.Generator | None = None) -> Tensor:
    """w N(e, σ²I) + (1 − w) N(−e, σ²I), e = (cos angle, sin angle), points (n, 2)    made here

    angle in degrees. X at 0° and Y at an angle: two maps take whole clusters to whole clusters, a
    turn by the angle and one by angle − 180°. Both keep the weights only where w = ½.
    """
    sign = 2.0 * (torch.rand(n, generator=generator) < weight) - 1
    e = torch.tensor([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
    return sign[:, None] * e + std * torch.randn(n, 2, generator=generator)


def flat(n: int, thickness: float, *, generator: torch.Generator | None = None) -> Tensor:
    """N(0, diag(1, s²)), s the thickness, points (n, 2)    made here

    Between X of s = 1 and a thin Y, as between photographs and maps, a map G of X's law into Y's
    can still keep all of x: in differences of the size s (Chu et al. 2017, "CycleGAN, a Master of
    Steganography").
    """
    return torch.randn(n, 2, generator=generator) * torch.tensor([1.0, thickness])
