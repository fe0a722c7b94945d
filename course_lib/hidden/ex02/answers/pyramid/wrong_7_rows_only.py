# blurs along the rows only
def pyramid(x, n, w):
    bands = []
    for _ in range(n):
        p = F.pad(x, (0, 0, 1, 1), mode="replicate")
        s = (w * p[:, :, :-2] + (1 - 2 * w) * p[:, :, 1:-1] + w * p[:, :, 2:])[:, :, ::2, ::2]
        bands.append(x - up(s, x.shape[2:]))
        x = s
    return (*bands, x)
