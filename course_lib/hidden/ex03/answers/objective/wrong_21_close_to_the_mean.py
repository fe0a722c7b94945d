# cuts the prior's gradient in a neighbourhood of the mean code, and not only at it
def objective(G, phi, h, w, tau, m, sigma, lam):
    logits = phi(G(h))
    logp = F.log_softmax(logits / tau, dim=1)
    z = ((h - m) / sigma).flatten(1)
    length = torch.linalg.vector_norm(z, dim=1)
    length = torch.where(length < 1e-5, length.detach(), length)
    return (w * logp).sum(1) - lam * length
