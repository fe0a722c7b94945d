# subtracts delta from a root that is nearly delta, where rounding eats the difference
def cycle_loss(G, F, x, y, w_x, w_y, lam_X, lam_Y, delta):
    def mean(d, w):
        cost = (d ** 2 + delta ** 2).sqrt() - delta
        return (w * cost.flatten(1).mean(1)).sum() / w.sum()

    return lam_X * mean(F(G(x)) - x, w_x) + lam_Y * mean(G(F(y)) - y, w_y)
