# takes the mean of 2 × 2 pixels for d
def pyramid(x, n, w):
    bands = []
    for _ in range(n):
        s = F.avg_pool2d(x, 2, ceil_mode=True)
        bands.append(x - up(s, x.shape[2:]))
        x = s
    return (*bands, x)
