# expm1 for the part of the variances, everything broadcast first
def gaussian_kl(mean_1, log_var_1, mean_2, log_var_2):
    mean_1, log_var_1, mean_2, log_var_2 = torch.broadcast_tensors(mean_1, log_var_1, mean_2, log_var_2)
    r = log_var_1 - log_var_2
    pixels = (torch.expm1(r) - r) / 2 + ((mean_1 - mean_2) / torch.exp(log_var_2 / 2)).square() / 2
    return torch.stack([picture.sum() for picture in pixels])
