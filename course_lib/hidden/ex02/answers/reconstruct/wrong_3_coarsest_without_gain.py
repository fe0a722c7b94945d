# forgets the gain of the coarsest picture
def reconstruct(gains, *bands):
    g = gains[:, :, None, None, None]
    x = bands[-1]
    for k in range(len(bands) - 2, -1, -1):
        x = up(x, bands[k].shape[2:]) + g[:, k] * bands[k]
    return x
