# freezes the networks for the gradient, and lets all weights learn afterwards, also those that were frozen
def ascent_step(G, phi, h, unit, v, eta, mu):
    x = h.detach().clone().requires_grad_()
    G.requires_grad_(False)
    phi.requires_grad_(False)
    with torch.enable_grad():
        activation = phi(G(x)).gather(1, unit[:, None])
        g = torch.autograd.grad(activation.sum(), x)[0]
    G.requires_grad_(True)
    phi.requires_grad_(True)
    shape = (-1, *[1] * (h.ndim - 1))
    top = g.flatten(1).abs().amax(1).view(shape)
    g = torch.where(top > 0, g / top, 0)
    rms = g.flatten(1).square().mean(1).sqrt().view(shape)
    v = mu * v + torch.where(rms > 0, g / rms, 0)
    return h + eta * v, v
