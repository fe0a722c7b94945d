# divides by the size of the activation first: slopes of 1e-30 beside an activation of 5 still vanish
def ascent_step(G, phi, h, unit, v, eta, mu):
    with torch.enable_grad():
        x = h.detach().requires_grad_()
        a = phi(G(x)).gather(1, unit[:, None])
        size = a.detach().abs()
        a = torch.where(size > 0, a / size, a).sum()
        g, = torch.autograd.grad(a, x)
    rms = g.flatten(1).square().mean(1).sqrt().view(-1, *[1] * (h.dim() - 1))
    ghat = torch.where(rms > 0, g / rms, torch.zeros_like(g))
    v = mu * v + ghat
    return h + eta * v, v
