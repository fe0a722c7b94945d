# adds only terms whose lambda is above 0, so that with both at 0 a bare float32 zero is left
def cycle_loss(G, F, x, y, w_x, w_y, lam_X, lam_Y, delta):
    def mean(d, w):
        cost = d ** 2 / ((d ** 2 + delta ** 2).sqrt() + delta)
        return (w * cost.flatten(1).mean(1)).sum() / w.sum()

    loss = torch.tensor(0.0)
    if lam_X > 0:
        loss = loss + lam_X * mean(F(G(x)) - x, w_x)
    if lam_Y > 0:
        loss = loss + lam_Y * mean(G(F(y)) - y, w_y)
    return loss
