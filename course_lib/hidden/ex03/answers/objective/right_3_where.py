# a root that is kept away from 0 by torch.where
def objective(G, phi, h, w, tau, m, sigma, lam):
    wish = (w * (phi(G(h)) / tau).log_softmax(-1)).sum(-1)
    squares = ((h - m) / sigma).square().reshape(len(h), -1).sum(-1)
    safe = torch.where(squares > 0, squares, torch.ones_like(squares))
    return wish - lam * torch.where(squares > 0, safe.sqrt(), torch.zeros_like(squares))
