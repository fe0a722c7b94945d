# the short chain's tables first, then Algorithm 2 with an index
def sample(eps_model, x_T, z, times, alpha_bar):
    bar = alpha_bar[[0] + list(times)]
    alpha = torch.ones_like(bar)
    alpha[1:] = bar[1:] / bar[:-1]
    beta, x = 1 - alpha, x_T
    for i in range(len(times), 0, -1):
        t = torch.ones(x.shape[0], dtype=torch.long) * times[i - 1]
        mean = 1 / alpha[i].sqrt() * (x - beta[i] / (1 - bar[i]).sqrt() * eps_model(x, t))
        noise = z[times[i - 1]] if i > 1 else torch.zeros_like(x)
        x = mean + beta[i].sqrt() * noise
    return x
