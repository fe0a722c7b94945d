# sums over the numbers of a picture in place of their mean
def cycle_loss(G, F, x, y, w_x, w_y, lam_X, lam_Y, delta):
    def mean(d, w):
        cost = d ** 2 / ((d ** 2 + delta ** 2).sqrt() + delta)
        return (w * cost.flatten(1).sum(1)).sum() / w.sum()

    return lam_X * mean(F(G(x)) - x, w_x) + lam_Y * mean(G(F(y)) - y, w_y)
