# leaves out the scale, so that each wish is of strength 1
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    return mean + log_var.exp() * gradient(mean, t).detach()
