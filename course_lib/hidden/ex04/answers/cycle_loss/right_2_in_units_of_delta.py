# differences in units of delta, and shares of the weights
def cycle_loss(G, F, x, y, w_x, w_y, lam_X, lam_Y, delta):
    x_back, y_back = F(G(x)), G(F(y))

    def way(a, b, w):
        z = ((a - b) / delta).reshape(len(a), -1)
        cost = z * z / (1 + torch.sqrt(1 + z * z)) * delta
        return torch.dot(w / torch.sum(w), torch.mean(cost, dim=-1))

    return lam_X * way(x_back, x, w_x) + lam_Y * way(y_back, y, w_y)
