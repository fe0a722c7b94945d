# stops one level too early and only enlarges the last time
def reconstruct(gains, *bands):
    g = gains[:, :, None, None, None]
    x = g[:, -1] * bands[-1]
    for k in range(len(bands) - 2, 0, -1):
        x = up(x, bands[k].shape[2:]) + g[:, k] * bands[k]
    return up(x, bands[0].shape[2:]) if len(bands) > 1 else x
