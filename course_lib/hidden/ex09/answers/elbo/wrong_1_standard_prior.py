# takes N(0, I) as the prior, whatever m and s are
def elbo(x, logits, mu, log_var, m, log_s2, beta, lam):
    log_p = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)
    kl = (log_var.exp() + mu ** 2 - 1 - log_var) / 2
    return log_p.mean() - beta * kl.mean(0).clamp(min=lam).sum(), log_p - kl.sum(1)
