# takes the divergence the other way round, from the prior to q
def elbo(x, logits, mu, log_var, m, log_s2, beta, lam):
    log_p = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)
    r = log_s2 - log_var
    kl = (r.exp() + (mu - m) ** 2 * (-log_var).exp() - 1 - r) / 2
    return log_p.mean() - beta * kl.mean(0).clamp(min=lam).sum(), log_p - kl.sum(1)
