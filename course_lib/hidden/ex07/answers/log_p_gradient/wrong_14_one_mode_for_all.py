# puts the classifier into eval mode, and then all of its layers into the mode that the whole was in
def log_p_gradient(classifier, x_t, t, mask):
    before = state(classifier, x_t)
    was = classifier.training
    classifier.eval()
    with torch.enable_grad():
        x = x_t.detach().requires_grad_()
        logits = classifier(x, t)
        log_p = logits.masked_fill(~mask, -math.inf).logsumexp(1) - logits.logsumexp(1)
        gradient = torch.autograd.grad(log_p.sum(), x)[0]
    classifier.train(was)
    return gradient, left_behind(before, gradient)
