# averages the squares over those numbers only whose slope is not 0
def ascent_step(G, phi, h, unit, v, eta, mu):
    shift = torch.zeros_like(h, requires_grad=True)
    with torch.enable_grad():
        activation = phi(G(h + shift)).gather(1, unit[:, None])
        g, = torch.autograd.grad(activation.sum(), shift)

    def divided(g, size):
        size = size.view(-1, *[1] * (g.ndim - 1))
        return torch.where(size > 0, g / size, 0)

    g = divided(g, g.flatten(1).abs().amax(1))
    flat = g.flatten(1)
    rms = (flat.square().sum(1) / (flat != 0).sum(1).clamp(min=1)).sqrt()
    v = mu * v + divided(g, rms)
    return h + eta * v, v
