# weighs the logits, as the lecture does, and not the log-probabilities
def objective(G, phi, h, w, tau, m, sigma, lam):
    log_p = phi(G(h)) / tau
    z = ((h - m) / sigma).flatten(1)
    return (w * log_p).sum(1) - lam * torch.linalg.vector_norm(z, dim=1)
