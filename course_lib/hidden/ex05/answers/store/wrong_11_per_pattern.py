# a mean over the patterns in place of their sum
def store(xi, g, a):
    d = xi - a
    w = (g[:, None] * d).T @ d / len(g)
    w = w - torch.diag(w.diagonal())
    return w, a * w.sum(1)
