# each mean divided by the standard deviation before the two are subtracted: large means lose digits
def gaussian_kl(mean_1, log_var_1, mean_2, log_var_2):
    d = log_var_1 - log_var_2
    z = mean_1 * (-log_var_2 / 2).exp() - mean_2 * (-log_var_2 / 2).exp()
    kl = 0.5 * (d.exp() - 1 - d + z ** 2)
    return kl.flatten(1).sum(1)
