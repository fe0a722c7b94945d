# clamps probabilities to at most 1 - eps, so that what is certain may fail
def P(y):
    return torch.sigmoid(y).clamp(max=1 - torch.finfo(y.dtype).eps)


def gibbs_step(v, known, W, b, c, lo, hi, T, u_h, u_v):
    rows = v.reshape(len(v), -1)
    x = c + rows @ W
    h = torch.where(u_h < P((hi - lo) * x / T), torch.full_like(u_h, hi), lo)
    y = (b + h @ W.T).view(v.shape)
    new = torch.where(u_v < P(2 * y / T), torch.ones_like(u_v), -1)
    return h, torch.where(known, v, new)
