# uses cross entropy with soft targets, and takes their entropy off
def contrastive_loss(z_i, z_t, i, t, tau, weight):
    s = F.normalize(z_i) @ F.normalize(z_t).T / tau
    u = F.normalize((i[:, None] == t[None]).to(s.dtype), p=1, dim=1)
    v = F.normalize((t[:, None] == i[None]).to(s.dtype), p=1, dim=1)
    kl = lambda s, u: F.cross_entropy(s, u) + torch.special.xlogy(u, u).sum(1).mean()
    return weight * kl(s, u) + (1 - weight) * kl(s.T, v)
