# gives X's weight lambda to the way of Y, and Y's to that of X
def cycle_loss(G, F, x, y, w_x, w_y, lam_X, lam_Y, delta):
    def mean(d, w):
        cost = d ** 2 / ((d ** 2 + delta ** 2).sqrt() + delta)
        return (w * cost.flatten(1).mean(1)).sum() / w.sum()

    return lam_Y * mean(F(G(x)) - x, w_x) + lam_X * mean(G(F(y)) - y, w_y)
