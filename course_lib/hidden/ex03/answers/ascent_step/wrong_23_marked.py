# marks the caller's codes as requiring a gradient, and leaves them so
def ascent_step(G, phi, h, unit, v, eta, mu):
    with torch.enable_grad():
        x = h.requires_grad_()
        act = phi(G(x)).gather(1, unit[:, None])
        g, = torch.autograd.grad(act.sum(), x)
    shape = (len(h),) + (1,) * (h.dim() - 1)
    top = g.flatten(1).abs().amax(1).view(shape)
    r = torch.where(top > 0, g / top, 0)
    rms = r.flatten(1).square().mean(1).sqrt().view(shape)
    step = torch.where(top > 0, r / rms, 0)
    new_v = mu * v + step
    return (h + eta * new_v).detach(), new_v
