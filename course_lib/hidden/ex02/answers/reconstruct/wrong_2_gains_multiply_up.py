# multiplies what comes from below by each level's gain as well
def reconstruct(gains, *bands):
    g = gains[:, :, None, None, None]
    x = g[:, -1] * bands[-1]
    for k in range(len(bands) - 2, -1, -1):
        x = g[:, k] * (up(x, bands[k].shape[2:]) + bands[k])
    return x
