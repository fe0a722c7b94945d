# gives the gradient of −log p, a loss: it leads away from the wish
def log_p_gradient(classifier, x_t, t, mask):
    before = state(classifier, x_t)
    with torch.enable_grad():
        x = x_t.detach().requires_grad_()
        logits = classifier(x, t)
        inside = logits.masked_fill(~mask, -math.inf)
        log_p = torch.logsumexp(inside, 1) - torch.logsumexp(logits, 1)
        gradient = torch.autograd.grad(-log_p.sum(), x)[0]
    return gradient, left_behind(before, gradient)
