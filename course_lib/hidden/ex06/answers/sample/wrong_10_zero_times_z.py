# the last step's noise multiplied by 0 where none is added: 0 times NaN is NaN
def sample(eps_model, x_T, z, times, alpha_bar):
    x = x_T
    for s, t in reversed(list(zip([0, *times[:-1]], times))):
        a = alpha_bar[t] / alpha_bar[s]
        eps = eps_model(x, torch.full((len(x),), t))
        x = (x - (1 - a) / (1 - alpha_bar[t]).sqrt() * eps) / a.sqrt()
        x = x + (1 - a).sqrt() * (s > 0) * z[t]
    return x
