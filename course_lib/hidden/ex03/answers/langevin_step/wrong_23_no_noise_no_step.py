# leaves a code where it is that gets no noise, while others of its batch get some
def langevin_step(G, phi, h, y, m, sigma, s, T, M, eps):
    shift = torch.zeros_like(h, requires_grad=True)
    with torch.enable_grad():
        log_p = F.log_softmax(phi(G(h + shift)), dim=1).gather(1, y[:, None])
        slope, = torch.autograd.grad(log_p.sum(), shift)
    still = (eps == 0).flatten(1).all(1).view(-1, *[1] * (h.ndim - 1))
    M = torch.where(still & ~still.all(), 0, M)
    slope = slope - (h - m) / sigma ** 2
    return h + s * M * slope + (2 * s * T * M).sqrt() * eps
