# goes downhill from the moments of p, and stays in the valley it finds there
def kl_fit(x, log_p, lam):
    p = log_p.log_softmax(0)

    def divergences(mu, sigma):
        q = (-((x - mu[..., None]) / sigma[..., None]) ** 2 / 2).log_softmax(-1)
        return (p.exp() * (p - q)).sum(-1), (q.exp() * (q - p)).sum(-1)

    def best(mu, log_sigma):
        mu, sigma = torch.meshgrid(mu, log_sigma.exp(), indexing="ij")
        forward, reverse = divergences(mu, sigma)
        at = (lam * forward + (1 - lam) * reverse).argmin()
        return mu.flatten()[at], sigma.flatten()[at].log()

    mu = (p.exp() * x).sum()
    log_sigma = (p.exp() * (x - mu) ** 2).sum().sqrt().log()
    width, steps = x[-1] - x[0], torch.linspace(-1, 1, 9, dtype=x.dtype)
    for i in range(150):
        size = 0.02 * 0.85 ** max(0, i - 40)
        mu, log_sigma = best(mu + size * width * steps, log_sigma + 5 * size * steps)
    sigma = log_sigma.exp()
    return mu, sigma, *divergences(mu, sigma)
