# multiplies by the logarithm of Σ where Σ itself belongs
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    return mean + scale * log_var * gradient(mean, t).detach()
