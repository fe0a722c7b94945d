# gives KL(q || p) the weight lam, and KL(p || q) the weight 1 - lam
def kl_fit(x, log_p, lam):
    p = log_p.log_softmax(0)

    def divergences(mu, sigma):
        q = (-((x - mu[..., None]) / sigma[..., None]) ** 2 / 2).log_softmax(-1)
        return (p.exp() * (p - q)).sum(-1), (q.exp() * (q - p)).sum(-1)

    def best(mu, log_sigma):
        mu, sigma = torch.meshgrid(mu, log_sigma.exp(), indexing="ij")
        forward, reverse = divergences(mu, sigma)
        at = ((1 - lam) * forward + lam * reverse).argmin()
        return mu.flatten()[at], sigma.flatten()[at].log()

    width, steps = x[-1] - x[0], torch.linspace(-1, 1, 9, dtype=x.dtype)
    ratio, shares = (x.diff().min() / width).log(), torch.linspace(0, 1, 101, dtype=x.dtype)
    mu, log_sigma = best(x[0] + width * shares, width.log() + ratio * shares[::2])
    for i in range(40):
        size = 0.6 ** i / 25
        mu, log_sigma = best(mu + size * width * steps, log_sigma - size * ratio * steps)
    sigma = log_sigma.exp()
    return mu, sigma, *divergences(mu, sigma)
