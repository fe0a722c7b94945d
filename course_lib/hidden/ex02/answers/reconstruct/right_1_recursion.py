# the coarse levels first, by calling itself
def reconstruct(gains, *bands):
    own = gains[:, 0].reshape(-1, 1, 1, 1) * bands[0]
    if len(bands) == 1:
        return own
    return up(reconstruct(gains[:, 1:], *bands[1:]), bands[0].shape[2:]) + own
