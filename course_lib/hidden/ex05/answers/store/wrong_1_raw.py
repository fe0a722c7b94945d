# the products of the raw 0s and 1s: nothing says what a pattern is not
def store(xi, g, a):
    d = xi
    w = (g[:, None] * d).T @ d
    w = w - torch.diag(w.diagonal())
    return w, a * w.sum(1)
