# steps in turn: the judges learn from translations of maps that have moved already
from copy import deepcopy


def adversarial_step(G, F, D_X, D_Y, x, y, a, b, c, lr):
    nets = G, F, D_X, D_Y = [deepcopy(net) for net in (G, F, D_X, D_Y)]
    half = lambda out, label: ((out - label) ** 2).mean() / 2
    losses = (lambda: half(D_Y(G(x)), c), lambda: half(D_X(F(y)), c),
              lambda: half(D_X(x), b) + half(D_X(F(y)), a),
              lambda: half(D_Y(y), b) + half(D_Y(G(x)), a))
    for net, loss in zip(nets, losses):
        gradients = torch.autograd.grad(loss(), [*net.parameters()])
        with torch.no_grad():
            for w, g in zip(net.parameters(), gradients):
                w -= lr * g
    return tuple(net.state_dict() for net in nets)
