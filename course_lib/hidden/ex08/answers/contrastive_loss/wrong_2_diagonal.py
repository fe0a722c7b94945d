# takes the first caption that fits as the only one, and all others as negatives
def contrastive_loss(z_i, z_t, i, t, tau, weight):
    logits = F.normalize(z_i, dim=1) @ F.normalize(z_t, dim=1).T / tau
    fits = (i[:, None] == t).to(logits.dtype)

    def divergence(logits, fits):
        return F.cross_entropy(logits, fits.argmax(1))

    return weight * divergence(logits, fits) + (1 - weight) * divergence(logits.T, fits.T)
