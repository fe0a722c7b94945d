# asks the energy in eval mode, and gives all of its parts one mode afterwards
def score_loss(E, x, k, z, sigma, p):
    mode = E.training
    E.eval()
    std = sigma[k].view(-1, *[1] * (x.ndim - 1))
    noisy = (x + std * z).requires_grad_()
    slope, = torch.autograd.grad(E(noisy).sum(), noisy, create_graph=True)
    E.train(mode)
    error = (z / std - slope / std).flatten(1).square().sum(1) / 2
    loss = (sigma[k] ** p * error).mean()
    return with_gradients(loss, E)
