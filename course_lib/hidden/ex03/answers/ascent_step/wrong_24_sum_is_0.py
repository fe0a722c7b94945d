# takes a gradient whose numbers sum to 0, such as (1, -1), for none
def ascent_step(G, phi, h, unit, v, eta, mu):
    with torch.enable_grad():
        x = h.detach().requires_grad_()
        a = phi(G(x)).gather(1, unit[:, None]).sum()
        g, = torch.autograd.grad(a, x)
    flat = g.flatten(1)
    top = flat.abs().amax(1, keepdim=True)
    u = flat / top
    ghat = u / u.square().mean(1, keepdim=True).sqrt()
    ghat = torch.where(flat.sum(1, keepdim=True) != 0, ghat, torch.zeros_like(ghat)).view_as(h)
    v = mu * v + ghat
    return h + eta * v, v
