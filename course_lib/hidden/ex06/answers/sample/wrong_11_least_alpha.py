# alpha of a step kept above 0.001, as in cosine schedules, also where a large step keeps less
def sample(eps_model, x_T, z, times, alpha_bar):
    x = x_T
    for s, t in reversed(list(zip([0, *times[:-1]], times))):
        a = (alpha_bar[t] / alpha_bar[s]).clamp(min=1e-3)
        eps = eps_model(x, torch.full((len(x),), t))
        x = (x - (1 - a) / (1 - alpha_bar[t]).sqrt() * eps) / a.sqrt()
        if s > 0:
            x = x + (1 - a).sqrt() * z[t]
    return x
