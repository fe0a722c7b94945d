# "Switches back" the network to training mode with all weights trainable, as no frozen classifier was.
def log_p_gradient(classifier, x_t, t, mask):
    before = state(classifier, x_t)
    classifier.eval().requires_grad_(False)
    with torch.enable_grad():
        x = x_t.detach().requires_grad_()
        logits = classifier(x, t)
        inside = logits.masked_fill(~mask, -math.inf)
        log_p = torch.logsumexp(inside, dim=1) - torch.logsumexp(logits, dim=1)
        gradient = torch.autograd.grad(log_p.sum(), x)[0]
    classifier.train().requires_grad_(True)
    return gradient, left_behind(before, gradient)
