# takes the gains from the coarsest level on
def reconstruct(gains, *bands):
    g = gains.flip(1)[:, :, None, None, None]
    x = g[:, -1] * bands[-1]
    for k in range(len(bands) - 2, -1, -1):
        x = up(x, bands[k].shape[2:]) + g[:, k] * bands[k]
    return x
