# averages each picture's gains into one for all levels
def reconstruct(gains, *bands):
    x = bands[-1]
    for k in range(len(bands) - 2, -1, -1):
        x = up(x, bands[k].shape[2:]) + bands[k]
    return gains.mean(1)[:, None, None, None] * x
