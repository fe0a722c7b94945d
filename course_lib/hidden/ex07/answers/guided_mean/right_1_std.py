# the standard deviation first, then its square
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    std = torch.exp(log_var / 2)
    return mean + scale * std.square() * gradient(mean, t).detach()
