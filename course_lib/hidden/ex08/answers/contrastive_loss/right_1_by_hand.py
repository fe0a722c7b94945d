# writes both entropies out, with logsumexp
def contrastive_loss(z_i, z_t, i, t, tau, weight):
    unit_i, unit_t = z_i / z_i.norm(dim=1, keepdim=True), z_t / z_t.norm(dim=1, keepdim=True)
    s = torch.einsum("ad,bd->ab", unit_i, unit_t) / tau
    fits = torch.eq(i.unsqueeze(1), t.unsqueeze(0))
    total = 0
    for dim, share in ((1, weight), (0, 1 - weight)):
        count = fits.sum(dim).to(s.dtype)
        chosen = torch.where(fits, s, 0).sum(dim) / count
        total = total + share * (s.logsumexp(dim) - chosen - count.log()).mean()
    return total
