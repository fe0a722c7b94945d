# takes away all gradients in the end, also those that lay in the networks before
def ascent_step(G, phi, h, unit, v, eta, mu):
    with torch.enable_grad():
        x = h.detach().requires_grad_()
        act = phi(G(x)).gather(1, unit[:, None])
        act.sum().backward()
    g = x.grad
    for p in [*G.parameters(), *phi.parameters()]:
        p.grad = None
    shape = (len(h),) + (1,) * (h.dim() - 1)
    top = g.flatten(1).abs().amax(1).view(shape)
    r = torch.where(top > 0, g / top, 0)
    rms = r.flatten(1).square().mean(1).sqrt().view(shape)
    step = torch.where(top > 0, r / rms, 0)
    new_v = mu * v + step
    return h + eta * new_v, new_v
