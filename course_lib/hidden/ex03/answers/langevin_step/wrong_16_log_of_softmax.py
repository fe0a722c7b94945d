# takes the logarithm of a softmax, and its gradient is NaN where a probability underflows
def langevin_step(G, phi, h, y, m, sigma, s, T, M, eps):
    x = h.detach().clone().requires_grad_()
    with torch.enable_grad():
        log_p = phi(G(x)).softmax(1).log().gather(1, y[:, None])
        slope = torch.autograd.grad(log_p.sum(), x)[0]
    slope = slope - (h - m) / sigma ** 2
    return h + s * M * slope + (2 * s * T * M).sqrt() * eps
