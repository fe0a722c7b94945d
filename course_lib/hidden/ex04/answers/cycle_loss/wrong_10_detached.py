# detaches the pictures on their way, so that no gradient comes back through the maps
def cycle_loss(G, F, x, y, w_x, w_y, lam_X, lam_Y, delta):
    def mean(d, w):
        cost = d ** 2 / ((d ** 2 + delta ** 2).sqrt() + delta)
        return (w * cost.flatten(1).mean(1)).sum() / w.sum()

    return lam_X * mean(F(G(x)).detach() - x, w_x) + lam_Y * mean(G(F(y)).detach() - y, w_y)
