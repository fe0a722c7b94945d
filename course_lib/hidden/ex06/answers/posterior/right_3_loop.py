# picture by picture in plain floats, the variance as a product of the other two
def posterior(x_0, x_t, s, t, alpha_bar):
    means, variances = [], []
    for a, b, i, j in zip(x_0, x_t, s, t):
        early, late = alpha_bar[i].item(), alpha_bar[j].item()
        step = 1 - late / early
        means.append((early ** 0.5 * step * a + (1 - step) ** 0.5 * (1 - early) * b) / (1 - late))
        variances.append(step * (1 - early) / (1 - late))
    return torch.stack(means), torch.tensor(variances, dtype=x_t.dtype)
