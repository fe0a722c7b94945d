# subtracts the blurred picture of the same size, not what u makes of the small one
def pyramid(x, n, w):
    bands = []
    for _ in range(n):
        p = F.pad(x, (1, 1, 1, 1), mode="replicate")
        t = w * p[:, :, :-2] + (1 - 2 * w) * p[:, :, 1:-1] + w * p[:, :, 2:]
        s = w * t[..., :-2] + (1 - 2 * w) * t[..., 1:-1] + w * t[..., 2:]
        bands.append(x - s)
        x = s[:, :, ::2, ::2]
    return (*bands, x)
