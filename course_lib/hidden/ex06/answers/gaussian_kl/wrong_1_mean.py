# takes the mean over the pixels where their sum belongs
def gaussian_kl(mean_1, log_var_1, mean_2, log_var_2):
    log_ratio = log_var_1 - log_var_2
    distance = (mean_1 - mean_2) * torch.exp(-log_var_2 / 2)
    return 0.5 * (torch.exp(log_ratio) - 1 - log_ratio + distance**2).flatten(1).mean(1)
