# adds beta KL to a bound from which KL was taken: log p drowns where variances are far apart
def elbo(x, logits, mu, log_var, m, log_s2, beta, lam):
    log_p = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)
    r = log_var - log_s2
    kl = (r.exp() + (mu - m) ** 2 * (-log_s2).exp() - 1 - r) / 2
    bound = log_p - kl.sum(1)
    return bound.mean() + kl.mean(0).sum() - beta * kl.mean(0).clamp(min=lam).sum(), bound
