# divides by the sum of |w|, without a slope at a weight of 0, whose gradient misses the mean
def cycle_loss(G, F, x, y, w_x, w_y, lam_X, lam_Y, delta):
    def way(p, back, w):
        d = (back - p).flatten(1)
        cost = d ** 2 / ((d ** 2 + delta ** 2).sqrt() + delta)
        return nnf.normalize(w, p=1, dim=0) @ cost.mean(1)
    return lam_X * way(x, F(G(x)), w_x) + lam_Y * way(y, G(F(y)), w_y)
