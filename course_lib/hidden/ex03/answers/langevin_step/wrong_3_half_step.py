# takes half of the step and the noise of the whole, as conventions with s / 2 do
def langevin_step(G, phi, h, y, m, sigma, s, T, M, eps):
    x = h.detach().clone().requires_grad_()
    with torch.enable_grad():
        log_p = F.log_softmax(phi(G(x)), dim=1).gather(1, y[:, None])
        slope = torch.autograd.grad(log_p.sum(), x)[0]
    slope = slope - (h - m) / sigma ** 2
    return h + s / 2 * M * slope + (s * T * M).sqrt() * eps
