# divides by one root mean square of the whole batch
def ascent_step(G, phi, h, unit, v, eta, mu):
    x = h.detach().clone().requires_grad_()
    with torch.enable_grad():
        activation = phi(G(x)).gather(1, unit[:, None])
        g = torch.autograd.grad(activation.sum(), x)[0]
    shape = (-1, *[1] * (h.ndim - 1))
    top = g.abs().max()
    g = torch.where(top > 0, g / top, 0)
    rms = g.square().mean().sqrt()
    v = mu * v + torch.where(rms > 0, g / rms, 0)
    return h + eta * v, v
