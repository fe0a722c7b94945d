# returns the pictures I_0 … I_n themselves, a Gaussian pyramid without bands
def pyramid(x, n, w):
    levels = [x]
    for _ in range(n):
        p = F.pad(x, (1, 1, 1, 1), mode="replicate")
        t = w * p[:, :, :-2] + (1 - 2 * w) * p[:, :, 1:-1] + w * p[:, :, 2:]
        x = (w * t[..., :-2] + (1 - 2 * w) * t[..., 1:-1] + w * t[..., 2:])[:, :, ::2, ::2]
        levels.append(x)
    return tuple(levels)
