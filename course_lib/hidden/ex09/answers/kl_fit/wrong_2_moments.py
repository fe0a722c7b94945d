# takes the mean and the deviation of p, which are best only for a density on the whole line
def kl_fit(x, log_p, lam):
    p = log_p.softmax(0)
    mu = (p * x).sum()
    sigma = (p * (x - mu) ** 2).sum().sqrt()
    q = (-((x - mu) / sigma) ** 2 / 2).log_softmax(0)
    return mu, sigma, (p * (p.log() - q)).sum(), (q.exp() * (q - log_p.log_softmax(0))).sum()
