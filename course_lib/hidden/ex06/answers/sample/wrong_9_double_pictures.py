# the network asked with float64 pictures where x_T is float32
def sample(eps_model, x_T, z, times, alpha_bar):
    x = x_T.double()
    for s, t in reversed(list(zip([0, *times[:-1]], times))):
        alpha = alpha_bar[t] / alpha_bar[s]
        eps = eps_model(x, torch.full((len(x),), t))
        x = (x - (1 - alpha) / (1 - alpha_bar[t]).sqrt() * eps) / alpha.sqrt()
        if s > 0:
            x = x + (1 - alpha).sqrt() * z[t]
    return x.to(x_T.dtype)
