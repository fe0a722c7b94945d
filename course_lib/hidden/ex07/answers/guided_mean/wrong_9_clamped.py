# clamps log_var to −20 … 5, as one does in training, so that small variances come out too large
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    return mean + scale * log_var.clamp(-20, 5).exp() * gradient(mean, t).detach()
