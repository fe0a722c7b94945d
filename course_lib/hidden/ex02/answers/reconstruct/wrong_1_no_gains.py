# leaves the gains out: all levels count as they are
def reconstruct(gains, *bands):
    x = bands[-1]
    for h in bands[-2::-1]:
        x = up(x, h.shape[2:]) + h
    return x
