# divides by the number of captions that fit in both directions
def contrastive_loss(z_i, z_t, i, t, tau, weight):
    logits = F.normalize(z_i, dim=1) @ F.normalize(z_t, dim=1).T / tau
    fits = (i[:, None] == t).to(logits.dtype)
    fits = fits / fits.sum(1, keepdim=True)

    def divergence(logits, target):
        return F.kl_div(logits.log_softmax(1), target, reduction="batchmean")

    return weight * divergence(logits, fits) + (1 - weight) * divergence(logits.T, fits.T)
