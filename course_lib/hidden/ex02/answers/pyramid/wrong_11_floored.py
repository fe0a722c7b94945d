# drops the last row and column of odd sizes, ⌊N/2⌋ instead of ⌈N/2⌉
def pyramid(x, n, w):
    bands = []
    for _ in range(n):
        p = F.pad(x, (1, 1, 1, 1), mode="replicate")
        t = w * p[:, :, :-2] + (1 - 2 * w) * p[:, :, 1:-1] + w * p[:, :, 2:]
        s = (w * t[..., :-2] + (1 - 2 * w) * t[..., 1:-1] + w * t[..., 2:])[:, :, ::2, ::2]
        s = s[:, :, :max(x.shape[2] // 2, 1), :max(x.shape[3] // 2, 1)]
        size = (2 * s.shape[2], 2 * s.shape[3])
        large = F.pad(up(s, size), (0, 1, 0, 1), mode="replicate")[:, :, :x.shape[2], :x.shape[3]]
        bands.append(x - large)
        x = s
    return (*bands, x)
