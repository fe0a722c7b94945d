# torch.func: each loss as a function of its player's weights
from torch.func import functional_call, grad


def adversarial_step(G, F, D_X, D_Y, x, y, a, b, c, lr):
    def generator(weights, net, D, start):
        return torch.nn.functional.mse_loss(D(functional_call(net, weights, (start,))),
                                            torch.full_like(D(net(start)), c)) / 2

    def judge(weights, D, real, fake):
        of = lambda shown: functional_call(D, weights, (shown,))
        return ((of(real) - b) ** 2).mean() / 2 + ((of(fake) - a) ** 2).mean() / 2

    weights = [{name: w.detach() for name, w in net.named_parameters()} for net in (G, F, D_X, D_Y)]
    slopes = [grad(generator)(weights[0], G, D_Y, x), grad(generator)(weights[1], F, D_X, y),
              grad(judge)(weights[2], D_X, x, F(y).detach()),
              grad(judge)(weights[3], D_Y, y, G(x).detach())]
    return tuple({name: w[name] - lr * s[name] for name in w} for w, s in zip(weights, slopes))
