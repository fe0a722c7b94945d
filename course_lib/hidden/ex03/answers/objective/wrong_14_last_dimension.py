# takes the length over the last dimension, and adds the lengths of the rows of a code
def objective(G, phi, h, w, tau, m, sigma, lam):
    log_p = F.log_softmax(phi(G(h)) / tau, dim=1)
    z = ((h - m) / sigma).flatten(1)
    return (w * log_p).sum(1) - lam * torch.linalg.vector_norm((h - m) / sigma, dim=-1).reshape(len(h), -1).sum(1)
