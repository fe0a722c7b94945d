# a is subtracted on one side only, as if w were xi_i (xi_j - a)
def store(xi, g, a):
    d = xi - a
    w = (g[:, None] * xi).T @ d
    w = w - torch.diag(w.diagonal())
    return w, a * w.sum(1)
