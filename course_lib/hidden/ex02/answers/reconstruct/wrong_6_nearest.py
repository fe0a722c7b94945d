# repeats pixels where u puts means between them
def reconstruct(gains, *bands):
    g = gains[:, :, None, None, None]
    x = g[:, -1] * bands[-1]
    for k in range(len(bands) - 2, -1, -1):
        H, W = bands[k].shape[2:]
        x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, :H, :W] + g[:, k] * bands[k]
    return x
