# puts the judges in eval mode and then all of them, with all their parts, in train mode
def adversarial_step(G, F, D_X, D_Y, x, y, a, b, c, lr):
    half = lambda out, label: 0.5 * ((out - label) ** 2).mean()
    def step(net, loss):
        slopes = torch.autograd.grad(loss, [*net.parameters()])
        return {k: w.detach() - lr * s for (k, w), s in zip(net.named_parameters(), slopes)}
    D_X.eval(), D_Y.eval()
    new = step(G, half(D_Y(G(x)), c)), step(F, half(D_X(F(y)), c))
    D_X.train(), D_Y.train()
    judges = (step(D_X, half(D_X(x), b) + half(D_X(F(y)), a)),
              step(D_Y, half(D_Y(y), b) + half(D_Y(G(x)), a)))
    return *new, *judges
