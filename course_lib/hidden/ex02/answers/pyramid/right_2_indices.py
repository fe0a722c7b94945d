# rows and columns picked by clamped indices
def pyramid(x, n, w):
    def d(x, dim):
        last = x.shape[dim] - 1
        at = torch.arange(0, last + 1, 2)
        pick = lambda step: x.index_select(dim, (at + step).clamp(0, last))
        return w * (pick(-1) + pick(1)) + (1 - 2 * w) * pick(0)
    if n == 0:
        return (x,)
    small = d(d(x, 3), 2)
    return (x - up(small, x.shape[-2:]), *pyramid(small, n - 1, w))
