# the predicted ε, the mean as in Algorithm 2, the interpolation as a product of powers
def ancestral_step(x_t, v, t, z, alpha_bar, share):
    a_bar, a = alpha_bar[t], alpha_bar[t] / alpha_bar[t - 1]
    shape = (-1,) + (1,) * (x_t.ndim - 1)
    cos, sin = a_bar.sqrt().reshape(shape), (1 - a_bar).sqrt().reshape(shape)
    eps = sin * x_t + cos * v
    mean = (x_t - (1 - a).reshape(shape) / sin * eps) / a.sqrt().reshape(shape)
    tilde = (1 - alpha_bar[t - 1]) / (1 - a_bar) * (1 - a)
    sigma = ((1 - a) ** share * tilde ** (1 - share)).sqrt()
    sigma = torch.where(t > 1, sigma, torch.zeros_like(sigma)).reshape(shape)
    return (mean + sigma * z).to(x_t.dtype)
