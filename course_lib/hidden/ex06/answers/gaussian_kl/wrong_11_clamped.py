# the difference of the logs clamped to 86, against overflow: the gradient there is cut
def gaussian_kl(mean_1, log_var_1, mean_2, log_var_2):
    d = log_var_1 - log_var_2
    z = (mean_1 - mean_2) * (-log_var_2 / 2).exp()
    kl = 0.5 * (d.clamp(max=86).exp() - 1 - d + z ** 2)
    return kl.flatten(1).sum(1)
