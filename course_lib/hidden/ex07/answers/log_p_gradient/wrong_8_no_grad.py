# does not switch gradients on, so that it fails inside torch.no_grad(), where samplers run
def log_p_gradient(classifier, x_t, t, mask):
    before = state(classifier, x_t)
    x = x_t.detach().requires_grad_()
    logits = classifier(x, t)
    log_p = torch.logsumexp(logits.masked_fill(~mask, -math.inf), 1) - torch.logsumexp(logits, 1)
    gradient = torch.autograd.grad(log_p.sum(), x)[0]
    return gradient, left_behind(before, gradient)
