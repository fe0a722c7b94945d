# backward into the code alone
def ascent_step(G, phi, h, unit, v, eta, mu):
    x = h.clone().detach()
    x.requires_grad = True
    with torch.enable_grad():
        (phi(G(x)) * F.one_hot(unit, phi(G(x)).shape[1])).sum().backward(inputs=[x])
    g, dims = x.grad, tuple(range(1, h.ndim))
    g = (g / g.abs().amax(dims, keepdim=True)).nan_to_num(0.0)
    g = (g / g.square().mean(dims, keepdim=True).sqrt()).nan_to_num(0.0)
    v = v * mu + g
    return h + v * eta, v
