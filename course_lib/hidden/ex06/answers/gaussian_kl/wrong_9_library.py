# the library call on exp(l/2), whose ratio underflows for variances far apart
def gaussian_kl(mean_1, log_var_1, mean_2, log_var_2):
    N=torch.distributions.Normal
    return torch.distributions.kl_divergence(N(mean_1,(log_var_1/2).exp()),N(mean_2,(log_var_2/2).exp())).flatten(1).sum(1)
