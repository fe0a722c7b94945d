# leaves the mean of a class's prompts shorter than a unit vector
def zero_shot(z_i, z_t, c, prior, tau):
    which = F.one_hot(c, len(prior)).to(z_t.dtype)
    classes = which.T @ F.normalize(z_t, dim=1) / which.sum(0)[:, None]
    p = (F.normalize(z_i, dim=1) @ classes.T / tau + prior.log()).softmax(1)
    return p, (p >= p.amax(1, keepdim=True) - 1e-6).int().argmax(1)
