# adds a small number to the root mean square, which swallows gradients that are small
def ascent_step(G, phi, h, unit, v, eta, mu):
    x = h.detach().clone().requires_grad_()
    with torch.enable_grad():
        activation = phi(G(x)).gather(1, unit[:, None])
        g = torch.autograd.grad(activation.sum(), x)[0]
    shape = (-1, *[1] * (h.ndim - 1))
    rms = g.flatten(1).square().mean(1).sqrt().view(shape)
    v = mu * v + g / (rms + 1e-8)
    return h + eta * v, v
