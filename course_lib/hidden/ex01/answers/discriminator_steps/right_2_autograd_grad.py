# torch.autograd.grad in D's parameters only, and the step by hand
def discriminator_steps(D, G, xs, zs, lr, a):
    parameters = list(D.parameters())
    for x, z in zip(xs, zs):
        logit_real, logit_fake = D(x), D(G(z))
        loss = (a * F.softplus(-logit_real) + (1 - a) * F.softplus(logit_real)).mean() + F.softplus(logit_fake).mean()
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients):
                parameter -= lr * gradient
    return D.state_dict(), gradient_norm(G)
