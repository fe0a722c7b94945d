# adds into what it was given: for a gain of 1 that changes the caller's band
def reconstruct(gains, *bands):
    g = gains[:, :, None, None, None]
    x = g[:, -1] * bands[-1]
    for k in range(len(bands) - 2, -1, -1):
        with torch.no_grad():
            bands[k].mul_(g[:, k])
        x = up(x, bands[k].shape[2:]) + bands[k]
    return x
