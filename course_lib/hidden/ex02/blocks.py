"""The facts of BigGAN's blocks: batch norm that knows the class, and attention, picture by picture
and channel by channel."""
import torch
from torch import Tensor

from course_lib.checks.facts.draws import seeded, uniform
from course_lib.checks.facts.same import BOTH, same

NORM = "out", "the running mean", "the running variance"
NORM_HINT = ("Statistics of a channel over all pictures and pixels of this batch, the variance "
             "biased and eps inside the root; a gain of 1 + W_gain c and a bias of W_bias c for "
             "each picture, c = [e(y), z].")
ATTENTION_HINT = ("Queries of all pixels; keys and values after the matrix and then the pooling; "
                  "a softmax over the pooled pixels of q · k / √c; then W_o, gamma, and x.")


def normed(x, y, z, embed, W_gain, W_bias, running_mean, running_var, m, eps):
    channels = x.transpose(0, 1).flatten(1)                               # (C, batch · H · W)
    means = torch.stack([channel.sum() / len(channel) for channel in channels])
    centred = channels - means[:, None]
    variances = torch.stack([channel @ channel / len(channel) for channel in centred])
    pictures = []
    for i, label in enumerate(y.tolist()):
        c = torch.cat([embed[label], z[i]])
        planes = [(1 + W_gain[k] @ c) * (x[i, k] - means[k]) * (variances[k] + eps) ** -0.5
                  + W_bias[k] @ c for k in range(x.shape[1])]
        pictures.append(torch.stack(planes))
    step = lambda old, new: (1 - m) * old + m * new
    return torch.stack(pictures), step(running_mean, means), step(running_var, variances)


def check_conditional_batch_norm(conditional_batch_norm, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=rng)
    some = uniform(rng).item()
    for dtype in BOTH:
        for shape, (K, p, q), m, eps, scale, centre, size in (
                ((1, 1, 1, 1), (1, 1, 0), 0.1, 1e-5, 1, 0, 1),
                ((4, 3, 2, 5), (3, 4, 2), some, 1e-5, 2, 3, 1),
                ((2, 5, 1, 1), (2, 1, 3), 0.0, 0.7, 1, -1, 1),
                ((1, 2, 3, 1), (5, 2, 1), 1.0, 20.0, 1, 0, 1e6),
                ((5, 2, 3, 4), (4, 3, 0), 0.3, 1e-5, 1e-3, 0, 1),
                ((3, 3, 1, 2), (2, 3, 3), 0.01, 1e-3, 1e5, 1e5, 1e-3),
                ((2, 2, 2, 2), (3, 1, 1), 1.0, 1e-4, 1e-6, 0, 1e-9)):
            batch, C = shape[:2]
            y = torch.randint(K, (batch,), generator=rng)
            args = [scale * draw(shape) + centre, y, 5 * draw(batch, q), 20 * draw(K, p),
                    size * draw(C, p + q), size * draw(C, p + q), draw(C) * 30 * scale,
                    draw(C).abs() * 30 * scale ** 2, m, eps]
            args = [x.to(dtype) if isinstance(x, Tensor) and x.is_floating_point() else x
                    for x in args]
            precise = dtype == torch.float64
            same(conditional_batch_norm, normed, tuple(args), NORM, NORM_HINT,
                 what=f" of features {shape}, q = {q}, m = {m:.3g}, eps = {eps:g}",
                 wrt=tuple(i for i in (0, 2, 3, 4, 5) if i != 2 or q)[:None if precise else 1],
                 tolerance=None if precise else 1e-4,
                 slope=(1 + 100 * size) / (scale ** 2 + eps) ** 0.5)
    y, z = torch.tensor([0, 1, 1]), draw(3, 2)
    W = draw(2, 5), draw(2, 5)
    for what, x, eps, tolerance in (
            (" where a channel has one value only", torch.full((3, 2, 2, 2), -2.5).double(), 1e-5,
             1e-10),
            (" where one of two channels has one value only",
             torch.stack([torch.full((3, 2, 2), 4.0).double(), draw(3, 2, 2)], 1), 1e-8, 1e-10),
            (" of channels around a million and around 0", draw(3, 2, 2, 2)
             + 1e6 * torch.tensor([1.0, 0.0]).reshape(2, 1, 1), 1e-5, 1e-7),
            (" of features around a million", 1e6 + draw(3, 2, 2, 2), 1e-5, 1e-7),
            (" of features around minus a million, eps = 1e-12", draw(3, 2, 4, 1) - 1e6, 1e-12,
             1e-7)):
        running = draw(2), draw(2).abs()
        args = x, y, z, draw(2, 3), *W, *running, 0.2, eps
        same(conditional_batch_norm, normed, args, NORM, NORM_HINT, what=what,
             wrt=(0, 2, 3, 4, 5), tolerance=tolerance, slope=eps ** -0.5)


def attended(x, W_q, W_k, W_v, W_o, gamma):
    rows, columns = x.shape[2:]
    pictures, maps = [], []
    for picture in x:
        mixed = lambda W, picture=picture: (W @ picture.flatten(1)).unflatten(1, (rows, columns))
        pooled = lambda W, mixed=mixed: (mixed(W).unflatten(2, (-1, 2)).unflatten(1, (-1, 2))
                                         .amax((2, 4)).flatten(1))
        logits = mixed(W_q).flatten(1).T @ pooled(W_k) * len(W_q) ** -0.5
        A = (logits - logits.logsumexp(1, keepdim=True)).exp()            # (N, N/4)
        looked = W_o @ (A @ pooled(W_v).T).T
        pictures.append(picture + gamma * looked.unflatten(1, (rows, columns)))
        maps.append(A)
    return torch.stack(pictures), torch.stack(maps)


def check_self_attention(self_attention, seed: int = 0) -> None:
    rng = seeded(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=rng)
    some = 2 * uniform(rng).item() - 3
    for dtype in BOTH:
        for shape, (c, b), gamma, scale, sharp in (
                ((1, 1, 2, 2), (1, 1), 1.0, 1, 1), ((2, 3, 2, 6), (4, 5), 0.7, 1, 1),
                ((3, 2, 4, 2), (1, 3), some, 1, 1), ((1, 5, 6, 4), (3, 1), 1e4, 1, 1),
                ((2, 4, 2, 4), (2, 2), 0.0, 1, 1), ((2, 1, 4, 4), (9, 2), -1.0, 1e-3, 1e3),
                ((1, 3, 2, 8), (2, 4), 1e-5, 1e-6, 1)):
            C = shape[1]
            args = (scale * draw(shape), sharp * draw(c, C), sharp * draw(c, C), draw(b, C),
                    draw(C, b), torch.tensor(gamma, dtype=torch.float64))
            same(self_attention, attended, tuple(arg.to(dtype) for arg in args), ("out", "A"),
                 ATTENTION_HINT, what=f" of features {shape}, c = {c}, b = {b}, gamma {gamma:.3g}",
                 wrt=(0, 1, 2, 3, 4, 5) if dtype == torch.float64 else (0,),
                 tolerance=1e-9 if dtype == torch.float64 else 1e-4)
    for sharp in (6.0, 300.0):                        # q · k of ±100, and of ±100 000
        args = (draw(2, 3, 4, 6), sharp * draw(2, 3), sharp * draw(2, 3), draw(2, 3), draw(3, 2),
                torch.tensor(0.8, dtype=torch.float64))
        same(self_attention, attended, args, ("out", "A"), ATTENTION_HINT, wrt=(0, 1, 2, 3, 4, 5),
             what=f" where q · k are as large as {sharp ** 2 * 3:.0e}", tolerance=1e-7)
    whole = torch.randint(-3, 4, (1, 2, 2, 6), generator=rng).double()
    for dtype in BOTH:                                # exact products, also in float32
        one = torch.eye(2, dtype=dtype)
        args = whole.to(dtype), 120 * one, 120 * one, one, one, torch.tensor(1.0, dtype=dtype)
        same(self_attention, attended, args, ("out", "A"), ATTENTION_HINT,
             what=" of whole numbers, with matrices of 120 times the identity",
             tolerance=1e-9 if dtype == torch.float64 else 1e-2)
