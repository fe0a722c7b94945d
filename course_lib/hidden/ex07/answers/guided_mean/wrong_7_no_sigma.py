# adds the gradient without Σ, as in gradient ascent
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    return mean + scale * gradient(mean, t).detach()
