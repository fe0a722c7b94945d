# takes the logarithm of the summed probability of all that fits
def contrastive_loss(z_i, z_t, i, t, tau, weight):
    logits = F.normalize(z_i, dim=1) @ F.normalize(z_t, dim=1).T / tau
    fits = (i[:, None] == t).to(logits.dtype)

    def divergence(logits, fits):
        inside = logits.masked_fill(fits == 0, -torch.inf)
        return (logits.logsumexp(1) - inside.logsumexp(1)).mean()

    return weight * divergence(logits, fits) + (1 - weight) * divergence(logits.T, fits.T)
