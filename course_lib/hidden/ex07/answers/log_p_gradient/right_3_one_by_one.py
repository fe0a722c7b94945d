# one image after the other
def log_p_gradient(classifier, x_t, t, mask):
    before = state(classifier, x_t)
    rows = []
    with torch.enable_grad():
        for i in range(len(x_t)):
            x = x_t[i:i + 1].detach().requires_grad_(True)
            log_p = classifier(x, t[i:i + 1]).log_softmax(1)[0]
            rows.append(torch.autograd.grad(log_p[mask[i]].logsumexp(0), x)[0])
    gradient = torch.cat(rows)
    return gradient, left_behind(before, gradient)
