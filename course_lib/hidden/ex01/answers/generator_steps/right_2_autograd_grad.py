# torch.autograd.grad in G's parameters only, and the step by hand
def generator_steps(D, G, zs, lr):
    for z in zs:
        gradients = torch.autograd.grad(F.softplus(-D(G(z))).mean(), list(G.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(G.parameters(), gradients):
                parameter.sub_(lr * gradient)
    return G.state_dict(), D.state_dict()
