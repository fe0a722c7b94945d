# treats tau as a number that is not learned
def contrastive_loss(z_i, z_t, i, t, tau, weight):
    logits = F.normalize(z_i, dim=1) @ F.normalize(z_t, dim=1).T / tau.detach()
    fits = (i[:, None] == t).to(logits.dtype)

    def divergence(logits, fits):
        target = fits / fits.sum(1, keepdim=True)
        return F.kl_div(logits.log_softmax(1), target, reduction="batchmean")

    return weight * divergence(logits, fits) + (1 - weight) * divergence(logits.T, fits.T)
