# writes `none` into a copy of the conditions
def prior_loss(net, z_i, z_t, drop, none, t, eps, alpha_bar, gamma):
    root = z_i.shape[-1] ** 0.5
    c = root * F.normalize(z_t, dim=-1)
    c = c.clone()
    c[drop] = none
    x_0 = root * F.normalize(z_i, dim=-1)
    a = alpha_bar.gather(0, t)
    x_t = a.sqrt()[:, None].to(c.dtype) * x_0 + (1 - a).sqrt()[:, None].to(c.dtype) * eps
    snr = a / (1 - a)
    weight = torch.where(snr > gamma, gamma, snr).to(c.dtype)
    squares = F.mse_loss(net(torch.cat((x_t, c), dim=-1), t), x_0, reduction="none").sum(-1)
    return (weight * squares).mean()
