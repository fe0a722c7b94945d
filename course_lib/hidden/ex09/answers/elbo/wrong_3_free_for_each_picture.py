# gives the free nats to each picture, before the mean over the batch
def elbo(x, logits, mu, log_var, m, log_s2, beta, lam):
    log_p = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)
    r = log_var - log_s2
    kl = (r.exp() + (mu - m) ** 2 * (-log_s2).exp() - 1 - r) / 2
    return log_p.mean() - beta * kl.clamp(min=lam).mean(0).sum(), log_p - kl.sum(1)
