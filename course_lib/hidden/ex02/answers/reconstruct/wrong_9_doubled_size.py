# doubles the size at each level, which is wrong for odd ones
def reconstruct(gains, *bands):
    g = gains[:, :, None, None, None]
    x = g[:, -1] * bands[-1]
    for k in range(len(bands) - 2, -1, -1):
        x = up(x, (2 * x.shape[2], 2 * x.shape[3])) + g[:, k] * bands[k]
    return x
