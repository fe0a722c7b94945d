# marks x_t and unmarks it afterwards, also where it required a gradient before
def log_p_gradient(classifier, x_t, t, mask):
    before = state(classifier, x_t)
    with torch.enable_grad():
        x_t.requires_grad_()
        logits = classifier(x_t, t)
        log_p = logits.masked_fill(~mask, -math.inf).logsumexp(1) - logits.logsumexp(1)
        gradient = torch.autograd.grad(log_p.sum(), x_t)[0]
    x_t.requires_grad_(False)
    return gradient, left_behind(before, gradient)
