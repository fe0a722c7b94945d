# keeps every second pixel without blurring
def pyramid(x, n, w):
    bands = []
    for _ in range(n):
        s = x[:, :, ::2, ::2]
        bands.append(x - up(s, x.shape[2:]))
        x = s
    return (*bands, x)
