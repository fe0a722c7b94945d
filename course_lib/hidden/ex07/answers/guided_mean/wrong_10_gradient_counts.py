# lets gradients flow through what `gradient` says, which counts as a constant: detach() is missing
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    return mean + scale * log_var.exp() * gradient(mean, t)
