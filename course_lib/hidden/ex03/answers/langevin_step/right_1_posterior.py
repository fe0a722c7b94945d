# autograd of the whole log-density, prior included
def langevin_step(G, phi, h, y, m, sigma, s, T, M, eps):
    with torch.enable_grad():
        code = h.detach().requires_grad_()
        log_prior = -((code - m) ** 2 / (2 * sigma ** 2)).sum()
        log_class = -F.cross_entropy(phi(G(code)), y, reduction="sum")
        slope, = torch.autograd.grad(log_prior + log_class, code)
    return h + s * M * slope + torch.sqrt(2 * s * T * M) * eps
