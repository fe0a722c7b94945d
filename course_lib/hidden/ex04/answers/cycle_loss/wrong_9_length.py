# takes the root of the whole picture's length, not of each number
def cycle_loss(G, F, x, y, w_x, w_y, lam_X, lam_Y, delta):
    def mean(d, w):
        length = d.flatten(1).square().mean(1, keepdim=True)
        cost = length / ((length + delta ** 2).sqrt() + delta)
        return (w * cost.flatten(1).mean(1)).sum() / w.sum()

    return lam_X * mean(F(G(x)) - x, w_x) + lam_Y * mean(G(F(y)) - y, w_y)
