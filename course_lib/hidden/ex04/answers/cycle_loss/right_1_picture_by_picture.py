# picture by picture, with hypot
def cycle_loss(G, F, x, y, w_x, w_y, lam_X, lam_Y, delta):
    loss = 0.0
    for start, first, then, w, lam in ((x, G, F, w_x, lam_X), (y, F, G, w_y, lam_Y)):
        for i in range(len(start)):
            d = then(first(start[i:i + 1])) - start[i:i + 1]
            cost = d.square() / (torch.hypot(d, torch.full_like(d, delta)) + delta)
            loss = loss + lam * w[i] / w.sum() * cost.mean()
    return loss
