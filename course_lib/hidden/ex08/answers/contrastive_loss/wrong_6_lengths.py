# takes products of the embeddings as they come, not of unit vectors
def contrastive_loss(z_i, z_t, i, t, tau, weight):
    logits = z_i @ z_t.T / tau
    fits = (i[:, None] == t).to(logits.dtype)

    def divergence(logits, fits):
        target = fits / fits.sum(1, keepdim=True)
        return F.kl_div(logits.log_softmax(1), target, reduction="batchmean")

    return weight * divergence(logits, fits) + (1 - weight) * divergence(logits.T, fits.T)
