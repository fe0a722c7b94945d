# goes through the dimensions in a loop, and decides with where
def elbo(x, logits, mu, log_var, m, log_s2, beta, lam):
    n, d = mu.shape
    log_p = x * logits - F.softplus(logits)
    log_p = torch.where(logits > 0, (x - 1) * logits - F.softplus(-logits), log_p)
    log_p = log_p.reshape(n, -1).sum(1)
    objective, bound = log_p.sum() / n, log_p
    for j in range(d):
        spread = torch.expm1(log_var[:, j] - log_s2[j]) - log_var[:, j] + log_s2[j]
        kl = spread / 2 + ((mu[:, j] - m[j]) / (log_s2[j] / 2).exp()) ** 2 / 2
        mean = kl.sum() / n
        objective = objective - beta * torch.where(mean > lam, mean, torch.full_like(mean, lam))
        bound = bound - kl
    return objective, bound
