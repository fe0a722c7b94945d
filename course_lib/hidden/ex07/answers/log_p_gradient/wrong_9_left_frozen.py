# freezes the classifier's weights so that no gradients come into them, and leaves them frozen
def log_p_gradient(classifier, x_t, t, mask):
    before = state(classifier, x_t)
    classifier.requires_grad_(False)
    with torch.enable_grad():
        x = x_t.detach().requires_grad_()
        log_p = classifier(x, t).log_softmax(1).masked_fill(~mask, -math.inf).logsumexp(1)
        gradient = torch.autograd.grad(log_p.sum(), x)[0]
    return gradient, left_behind(before, gradient)
