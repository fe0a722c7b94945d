# divides the length by the root of the number of a code's numbers
def objective(G, phi, h, w, tau, m, sigma, lam):
    log_p = F.log_softmax(phi(G(h)) / tau, dim=1)
    z = ((h - m) / sigma).flatten(1)
    return (w * log_p).sum(1) - lam * torch.linalg.vector_norm(z, dim=1) / z.shape[1] ** 0.5
