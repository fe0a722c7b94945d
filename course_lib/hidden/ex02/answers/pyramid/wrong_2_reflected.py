# reflects at the border, so that the pixel next to it counts twice, where the border's is repeated
def pyramid(x, n, w):
    def d(x, dim):
        last = x.shape[dim] - 1
        at = torch.arange(0, last + 1, 2)
        mirror = lambda i: (last - (last - i.abs()).abs()).clamp(min=0)
        pick = lambda step: x.index_select(dim, mirror(at + step))
        return w * (pick(-1) + pick(1)) + (1 - 2 * w) * pick(0)
    bands = []
    for _ in range(n):
        s = d(d(x, 2), 3)
        bands.append(x - up(s, x.shape[2:]))
        x = s
    return (*bands, x)
