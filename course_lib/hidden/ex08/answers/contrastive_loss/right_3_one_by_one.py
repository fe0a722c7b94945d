# goes through pictures and captions in loops, one after the other
def contrastive_loss(z_i, z_t, i, t, tau, weight):
    def one(z, others, fits):
        s = torch.cosine_similarity(z[None], others, dim=1) / tau
        return -s.log_softmax(0)[fits].mean() - math.log(fits.sum())
    a = [one(z, z_t, t == k) for z, k in zip(z_i, i)]
    b = [one(z, z_i, i == k) for z, k in zip(z_t, t)]
    return weight * torch.stack(a).mean() + (1 - weight) * torch.stack(b).mean()
