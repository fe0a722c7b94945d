"""The facts of a head of attention without a mask for the future but with one for padding, and of
a pooling that weighs words."""
import math

import torch
from torch import Tensor

from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same

HINT = ("Every word attends to every word of its caption: softmax of q.k / sqrt(h) over the words "
        "alone. Then the words' y are averaged with weights softmax(beta y.u), again over the "
        "words alone. What stands in padding is to be replaced before anything is computed of it.")


def words_alone(x: Tensor, is_word: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, u: Tensor,
                beta: float) -> Tensor:
    """Each caption without its padding, word by word: (n, e)."""
    out = []
    for caption, real in zip(x, is_word):
        words = caption[real]
        keys, values = words @ W_k, words @ W_v
        y = []
        for word in words:
            scores = keys @ (word @ W_q) / len(W_q.T) ** 0.5
            weights = (scores - scores.max().detach()).exp()
            y.append(weights @ values / weights.sum())
        y = torch.stack(y)
        scores = beta * (y @ u)
        weights = (scores - scores.max().detach()).exp()
        out.append(weights @ y / weights.sum())
    return torch.stack(out)


def check_encode(encode, seed: int = 0) -> None:
    rng = seeded(seed)
    normal = lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng)
    some = 1 + uniform(rng).item()

    def holds(n: int, L: int, d: int, h: int, e: int, beta: float, dtype: torch.dtype,
              fill: float = 1.0, lengths: tuple[int, ...] | None = None,
              wrt: tuple[int, ...] = (), shift: float = 0.0, scale: float = 1.0,
              front: bool = True, u_size: float = 1.0, asked: float = 0.0) -> None:
        """shift: what all scores q.k / sqrt(h) have in common, nearly; asked: what all u.y have."""
        lengths = lengths or torch.randint(1, L + 1, (n,), generator=rng).tolist()
        order = torch.rand(n, L, generator=rng) if front else torch.arange(L) / L + torch.zeros(n,
                                                                                               1)
        is_word = order.argsort(1).argsort(1) < torch.tensor(lengths)[:, None]
        x, W_q, W_k, W_v, u = (normal(n, L, d), normal(d, h), normal(d, h), normal(d, e),
                               u_size * normal(e))
        if shift:                                    # a feature that all words have
            x[..., 0] = 1.0
            W_q[0], W_k[0] = abs(shift * h**0.5) ** 0.5 / h**0.5, shift / abs(shift)
            W_k[0] = W_k[0] * W_q[0]
        if asked:
            x[..., 0] = 1.0
            W_v[0] = asked * u / u.square().sum()
        x = scale * x
        most = torch.finfo(dtype).max if math.isfinite(fill) else math.inf
        x = torch.where(is_word[..., None], x, (fill * normal(n, L, d)).clamp(-most, most))
        args = *(a.to(dtype) for a in (x,)), is_word, *(a.to(dtype) for a in (W_q, W_k, W_v, u))
        weighs = abs(beta) * u_size
        size = max(1.0, scale * (1 + weighs))
        tolerance = 1e-10 if dtype == torch.float64 else 2e-5
        # Rounding of the largest score moves its weight by as much, relatively.
        largest = max(scale**2 * 10, abs(shift), 10 * scale * weighs, 10.0) / 10
        same(encode, words_alone, (*args, beta), ("the captions' vectors",), HINT, wrt=wrt,
             tolerance=tolerance * max(1.0, largest / 10), slope=size,
             what=f" of {n} captions of {list(lengths)} words in {L} places, d = {d}, h = {h}, "
                  f"e = {e}, beta = {beta:.3g}, words of size {scale:g}, padding of size {fill:g}"
                  + (f", scores of about {shift:g}" if shift else "")
                  + (f", u of size {u_size:g}" if u_size != 1 else "")
                  + (f", u.y of about {asked:g}" if asked else ""))

    for dtype in BOTH:
        every = (0, 2, 3, 4, 5) if dtype == torch.float64 else (0, 2)
        for n, L, d, h, e in ((3, 5, 4, 3, 2), (1, 1, 2, 2, 2), (1, 4, 3, 2, 1), (2, 3, 1, 1, 1),
                              (4, 1, 2, 1, 3), (2, 6, 2, 5, 4), (3, 4, 4, 4, 4)):
            holds(n, L, d, h, e, some, dtype, wrt=every)
        for beta in (0.0, -some, 0.3, 4.0):
            holds(3, 5, 3, 2, 3, beta, dtype, wrt=(0, 4, 5))
        holds(3, 5, 3, 2, 3, some, dtype, lengths=(5, 5, 5), wrt=every)      # no padding
        holds(3, 5, 3, 2, 3, some, dtype, lengths=(1, 5, 1), wrt=every)      # all but one padded
        holds(3, 6, 3, 2, 3, some, dtype, lengths=(1, 2, 4), wrt=every, front=False)
        for fill in (0.0, 1e4, 1e30, torch.finfo(dtype).max, math.inf, math.nan):
            holds(4, 6, 3, 2, 2, some, dtype, fill=fill, lengths=(1, 3, 6, 2), wrt=every[:2])
        for shift in (-9.5e4, -5e4, 5e4, 9.5e4):     # padding must not win, nor overflow
            holds(3, 5, 3, 2, 2, 0.5, dtype, shift=shift, lengths=(2, 4, 5), fill=0.0)
        holds(3, 5, 3, 2, 2, -1e4, dtype, lengths=(2, 1, 5))
        holds(3, 5, 3, 2, 2, 1e4, dtype, lengths=(2, 1, 5))
        for asked in (-30.0, -1e6, 1e6):             # nor in the mean
            holds(3, 5, 3, 2, 2, 1e4, dtype, lengths=(2, 4, 5), fill=0.0, asked=asked)
        for beta in (1e4, -1e4, 1e-4):               # beta u counts, not beta
            holds(3, 5, 3, 2, 2, beta, dtype, lengths=(2, 4, 5), u_size=some / abs(beta), wrt=every)
        for scale in (1e-3, 30.0):
            holds(3, 5, 3, 2, 2, some, dtype, scale=scale, lengths=(2, 4, 5))
    holds(1, 70, 2, 2, 3, some, torch.float64, lengths=(40,), scale=0.5, wrt=(0, 5))
