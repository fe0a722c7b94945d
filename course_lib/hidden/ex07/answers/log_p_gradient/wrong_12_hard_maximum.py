# takes the largest logit for the log-sum-exp where logits are far apart, though two of them may be close
def log_p_gradient(classifier, x_t, t, mask):
    before = state(classifier, x_t)
    with torch.enable_grad():
        x = x_t.detach().requires_grad_()
        logits = classifier(x, t)
        inside = logits.masked_fill(~mask, -math.inf)
        far = logits.amax(1) - logits.amin(1) > 1000
        log_p = torch.where(far, inside.amax(1) - logits.amax(1),
                            inside.logsumexp(1) - logits.logsumexp(1))
        gradient = torch.autograd.grad(log_p.sum(), x)[0]
    return gradient, left_behind(before, gradient)
