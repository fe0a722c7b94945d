# takes absolute values, whatever delta is
def cycle_loss(G, F, x, y, w_x, w_y, lam_X, lam_Y, delta):
    def mean(d, w):
        cost = d.abs()
        return (w * cost.flatten(1).mean(1)).sum() / w.sum()

    return lam_X * mean(F(G(x)) - x, w_x) + lam_Y * mean(G(F(y)) - y, w_y)
