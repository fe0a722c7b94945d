# clamps the scale to 10, where any number is allowed
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    return mean + min(scale, 10.0) * log_var.exp() * gradient(mean, t).detach()
