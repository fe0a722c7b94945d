# moves x_t where the mean moves
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    return x_t + scale * log_var.exp() * gradient(mean, t).detach()
