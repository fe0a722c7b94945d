# takes log q from torch.distributions, with the covariance as its Cholesky factor
def mala_step(energy, x, L, eta, T, z, u):
    n, shape = len(x), x.shape
    A = L @ L.T
    law = lambda mean: torch.distributions.MultivariateNormal(
        mean, scale_tril=math.sqrt(eta * T) * L, validate_args=False)
    E_x, g_x = energy(x)
    start = x.reshape(n, -1)
    mean = start - eta / 2 * g_x.reshape(n, -1) @ A.T
    y = mean + math.sqrt(eta * T) * z.reshape(n, -1) @ L.T
    E_y, g_y = energy(y.reshape(shape))
    home = y - eta / 2 * g_y.reshape(n, -1) @ A.T
    ratio = (E_x - E_y) / T + law(home).log_prob(start) - law(mean).log_prob(y)
    ratio = torch.where(torch.isinf(E_y), torch.full_like(ratio, -math.inf), ratio)
    alpha = torch.exp(torch.minimum(ratio, torch.zeros_like(ratio)))
    new = start.clone()
    new[u < alpha] = y[u < alpha]
    return new.reshape(shape), alpha
