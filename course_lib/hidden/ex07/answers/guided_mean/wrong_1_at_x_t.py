# takes the gradient at x_t, as Algorithm 1 prints it, where the derivation takes it at μ
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    return mean + scale * log_var.exp() * gradient(x_t, t).detach()
