# makes the x_t that it was given require a gradient, where a detached one would leave it alone
def log_p_gradient(classifier, x_t, t, mask):
    before = state(classifier, x_t)
    with torch.enable_grad():
        x_t.requires_grad_()
        log_p = classifier(x_t, t).log_softmax(1).masked_fill(~mask, -math.inf).logsumexp(1)
        gradient = torch.autograd.grad(log_p.sum(), x_t)[0]
    return gradient, left_behind(before, gradient)
