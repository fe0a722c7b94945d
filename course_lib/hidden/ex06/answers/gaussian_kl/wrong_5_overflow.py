# takes exp of each log-variance before it divides, and 0/0 is NaN
def gaussian_kl(mean_1, log_var_1, mean_2, log_var_2):
    var_1, var_2 = torch.exp(log_var_1), torch.exp(log_var_2)
    return 0.5 * (log_var_2 - log_var_1 + (var_1 + (mean_1 - mean_2)**2) / var_2 - 1).flatten(1).sum(1)
