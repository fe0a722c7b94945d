# moves against the gradient, away from y
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    return mean - scale * log_var.exp() * gradient(mean, t).detach()
