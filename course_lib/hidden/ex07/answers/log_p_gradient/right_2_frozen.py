# backward on a clone, with the weights frozen meanwhile
def log_p_gradient(classifier, x_t, t, mask):
    before = state(classifier, x_t)
    wanted = [p.requires_grad for p in classifier.parameters()]
    for p in classifier.parameters():
        p.requires_grad_(False)
    with torch.enable_grad():
        x = x_t.clone().detach()
        x.requires_grad = True
        logits = classifier(x, t)
        low = torch.full_like(logits, -float("inf"))
        log_p = torch.logsumexp(torch.where(mask, logits, low), dim=1) - torch.logsumexp(logits, dim=1)
        log_p.backward(torch.ones_like(log_p))
    for p, flag in zip(classifier.parameters(), wanted):
        p.requires_grad_(flag)
    gradient = x.grad.clone()
    return gradient, left_behind(before, gradient)
