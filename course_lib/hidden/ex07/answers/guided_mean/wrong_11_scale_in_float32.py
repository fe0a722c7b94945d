# rounds the scale to float32, so that means in float64 are good to seven digits only
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    scale = torch.tensor(scale, dtype=torch.float32)
    return mean + scale * log_var.exp() * gradient(mean, t).detach()
