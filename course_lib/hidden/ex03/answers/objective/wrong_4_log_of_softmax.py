# takes the logarithm of a softmax, which is −∞ where a probability underflows
def objective(G, phi, h, w, tau, m, sigma, lam):
    log_p = torch.softmax(phi(G(h)) / tau, dim=1).log()
    z = ((h - m) / sigma).flatten(1)
    return (w * log_p).sum(1) - lam * torch.linalg.vector_norm(z, dim=1)
