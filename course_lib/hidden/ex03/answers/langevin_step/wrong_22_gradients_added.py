# leaves its gradient added to those that lay in the networks before
def langevin_step(G, phi, h, y, m, sigma, s, T, M, eps):
    had = [(p, p.grad is not None) for p in [*G.parameters(), *phi.parameters()]]
    with torch.enable_grad():
        x = h.detach().requires_grad_()
        logp = F.log_softmax(phi(G(x)), dim=1).gather(1, y[:, None])
        logp.sum().backward()
        g = x.grad
    for p, was in had:
        if not was:
            p.grad = None
    g = g - (h - m) / sigma ** 2
    return h + s * M * g + (2 * s * T * M).sqrt() * eps
