# multiplies z[t] by the variance of the step where its standard deviation belongs
def sample(eps_model, x_T, z, times, alpha_bar):
    x = x_T
    for s, t in reversed(list(zip([0, *times[:-1]], times))):
        alpha = alpha_bar[t] / alpha_bar[s]
        eps = eps_model(x, torch.full((len(x),), t))
        x = (x - (1 - alpha) / (1 - alpha_bar[t]).sqrt() * eps) / alpha.sqrt()
        if s > 0:
            x = x + (1 - alpha) * z[t]
    return x
