# is the divergence the other way round, from the softmax to the target
def contrastive_loss(z_i, z_t, i, t, tau, weight):
    logits = F.normalize(z_i, dim=1) @ F.normalize(z_t, dim=1).T / tau
    fits = (i[:, None] == t).to(logits.dtype)

    def divergence(logits, fits):
        target = fits / fits.sum(1, keepdim=True)
        return (logits.softmax(1) * (logits.log_softmax(1) - target.clamp(min=1e-12).log())).sum(1).mean()

    return weight * divergence(logits, fits) + (1 - weight) * divergence(logits.T, fits.T)
