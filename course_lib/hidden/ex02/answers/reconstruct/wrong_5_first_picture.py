# gives all pictures the first one's gains
def reconstruct(gains, *bands):
    x = gains[0, -1] * bands[-1]
    for k in range(len(bands) - 2, -1, -1):
        x = up(x, bands[k].shape[2:]) + gains[0, k] * bands[k]
    return x
