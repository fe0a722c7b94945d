# takes the logarithm of a sigmoid plus a small number
def elbo(x, logits, mu, log_var, m, log_s2, beta, lam):
    p = logits.sigmoid()
    log_p = (x * (p + 1e-12).log() + (1 - x) * (1 - p + 1e-12).log()).flatten(1).sum(1)
    r = log_var - log_s2
    kl = (r.exp() + (mu - m) ** 2 * (-log_s2).exp() - 1 - r) / 2
    return log_p.mean() - beta * kl.mean(0).clamp(min=lam).sum(), log_p - kl.sum(1)
