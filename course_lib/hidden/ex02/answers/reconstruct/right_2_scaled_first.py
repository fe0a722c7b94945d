# multiplies all bands first, then adds them up
def reconstruct(gains, *bands):
    scaled = [g[:, None, None, None] * band for g, band in zip(gains.unbind(1), bands)]
    x = scaled.pop()
    while scaled:
        h = scaled.pop()
        x = up(x, tuple(h.shape[-2:])) + h
    return x
