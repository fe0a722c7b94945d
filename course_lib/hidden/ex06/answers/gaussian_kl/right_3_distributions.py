# torch.distributions in float64, on pictures measured in standard deviations of the second
def gaussian_kl(mean_1, log_var_1, mean_2, log_var_2):
    a, b, c, d = (x.double() for x in torch.broadcast_tensors(mean_1, log_var_1, mean_2, log_var_2))
    first = torch.distributions.Normal((a - c) * torch.exp(-d / 2), torch.exp((b - d) / 2))
    second = torch.distributions.Normal(torch.zeros_like(c), torch.ones_like(d))
    pixels = torch.distributions.kl_divergence(first, second)
    return pixels.sum(tuple(range(1, pixels.ndim))).to(mean_1.dtype)
