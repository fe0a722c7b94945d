# takes the softmax first and the log after it, which is −∞ where a probability underflows, and NaN in the gradient
def log_p_gradient(classifier, x_t, t, mask):
    before = state(classifier, x_t)
    with torch.enable_grad():
        x = x_t.detach().requires_grad_()
        logits = classifier(x, t)
        inside = logits.masked_fill(~mask, -math.inf)
        log_p = (torch.softmax(logits, 1) * mask).sum(1).log()
        gradient = torch.autograd.grad(log_p.sum(), x)[0]
    return gradient, left_behind(before, gradient)
