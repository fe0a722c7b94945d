# the difference of the logs, and a distance in standard deviations
def gaussian_kl(mean_1, log_var_1, mean_2, log_var_2):
    log_ratio = log_var_1 - log_var_2
    distance = (mean_1 - mean_2) * torch.exp(-log_var_2 / 2)
    return 0.5 * (torch.exp(log_ratio) - 1 - log_ratio + distance**2).flatten(1).sum(1)
