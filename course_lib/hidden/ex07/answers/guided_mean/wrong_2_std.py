# multiplies by the standard deviation where Σ holds variances
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    return mean + scale * (log_var / 2).exp() * gradient(mean, t).detach()
