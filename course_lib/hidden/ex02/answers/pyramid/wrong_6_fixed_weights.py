# always blurs with ¼, ½, ¼, whatever w is
def pyramid(x, n, w):
    bands, w = [], 0.25
    for _ in range(n):
        p = F.pad(x, (1, 1, 1, 1), mode="replicate")
        t = w * p[:, :, :-2] + (1 - 2 * w) * p[:, :, 1:-1] + w * p[:, :, 2:]
        s = (w * t[..., :-2] + (1 - 2 * w) * t[..., 1:-1] + w * t[..., 2:])[:, :, ::2, ::2]
        bands.append(x - up(s, x.shape[2:]))
        x = s
    return (*bands, x)
