# log_softmax first, then logsumexp over the set
def log_p_gradient(classifier, x_t, t, mask):
    before = state(classifier, x_t)
    with torch.enable_grad():
        x = x_t.detach().requires_grad_()
        logits = classifier(x, t)
        inside = F.log_softmax(logits, dim=-1).masked_fill(~mask, -math.inf)
        log_p = inside.logsumexp(-1)
        gradient = torch.autograd.grad(log_p.sum(), x)[0]
    return gradient, left_behind(before, gradient)
