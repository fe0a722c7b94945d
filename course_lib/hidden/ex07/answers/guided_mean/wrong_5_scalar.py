# takes one variance for all pixels of an image, their mean, as for Σ = σ² I
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    var = log_var.exp().flatten(1).mean(1).reshape(-1, *[1] * (mean.ndim - 1))
    return mean + scale * var * gradient(mean, t).detach()
