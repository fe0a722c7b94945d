# the strengths are detached, so that nobody learns from them
def store(xi, g, a):
    d = xi - a
    w = (g.detach()[:, None] * d).T @ d
    w = w - torch.diag(w.diagonal())
    return w, a * w.sum(1)
