# cuts the path through the generator, so that the code has no gradient from the classifier
def objective(G, phi, h, w, tau, m, sigma, lam):
    log_p = F.log_softmax(phi(G(h).detach()) / tau, dim=1)
    z = ((h - m) / sigma).flatten(1)
    return (w * log_p).sum(1) - lam * torch.linalg.vector_norm(z, dim=1)
