# calls backward on the lent networks, which leaves gradients in all of them
def adversarial_step(G, F, D_X, D_Y, x, y, a, b, c, lr):
    half = lambda out, label: ((out - label) ** 2).mean() / 2
    losses = (lambda: half(D_Y(G(x)), c), lambda: half(D_X(F(y)), c),
              lambda: half(D_X(x), b) + half(D_X(F(y).detach()), a),
              lambda: half(D_Y(y), b) + half(D_Y(G(x).detach()), a))
    states = []
    for net, loss in zip((G, F, D_X, D_Y), losses):
        net.zero_grad()
        loss().backward()
        states.append({name: w.detach() - lr * w.grad for name, w in net.named_parameters()})
    return tuple(states)
