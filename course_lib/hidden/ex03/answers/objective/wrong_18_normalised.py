# divides the weights by their sum
def objective(G, phi, h, w, tau, m, sigma, lam):
    log_p = F.log_softmax(phi(G(h)) / tau, dim=1)
    z = ((h - m) / sigma).flatten(1)
    return (w / w.sum(1, keepdim=True).clamp(min=1e-6) * log_p).sum(1) - lam * torch.linalg.vector_norm(z, dim=1)
