# takes the logarithm of a softmax, which may be 0
def contrastive_loss(z_i, z_t, i, t, tau, weight):
    logits = F.normalize(z_i, dim=1) @ F.normalize(z_t, dim=1).T / tau
    fits = (i[:, None] == t).to(logits.dtype)

    def divergence(logits, fits):
        target = fits / fits.sum(1, keepdim=True)
        return F.kl_div(logits.softmax(1).log(), target, reduction="batchmean")

    return weight * divergence(logits, fits) + (1 - weight) * divergence(logits.T, fits.T)
