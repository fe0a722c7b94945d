# torch.func: the gradient of one picture's energy, mapped over the batch
def score_loss(E, x, k, z, sigma, p):
    from torch.func import functional_call, grad, vmap
    weights = dict(E.named_parameters())
    energy = lambda one: functional_call(E, weights, (one[None],)).sum()
    std = sigma.index_select(0, k).reshape([len(x)] + [1] * (x.ndim - 1))
    score = -vmap(grad(energy))(x + std * z) / std
    squares = (score + z / std).pow(2).reshape(len(x), -1).sum(dim=1)
    loss = torch.dot(sigma[k].pow(p), squares) / (2 * len(x))
    return with_gradients(loss, E)
