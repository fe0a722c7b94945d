# clamps the picture to [-1, 1]
def reconstruct(gains, *bands):
    g = gains[:, :, None, None, None]
    x = g[:, -1] * bands[-1]
    for k in range(len(bands) - 2, -1, -1):
        x = up(x, bands[k].shape[2:]) + g[:, k] * bands[k]
    return x.clamp(-1, 1)
