# sums the terms one by one, so that a log-variance that is given once for a picture counts for one pixel only
def gaussian_kl(mean_1, log_var_1, mean_2, log_var_2):
    log_ratio = log_var_1 - log_var_2
    distance = (mean_1 - mean_2) * torch.exp(-log_var_2 / 2)
    return 0.5 * ((torch.exp(log_ratio) - 1 - log_ratio).flatten(1).sum(1) + (distance**2).flatten(1).sum(1))
